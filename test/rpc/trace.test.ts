/** `NANOWIRE_TRACE`: what it prints, what it never prints, and that it hurts nobody (spec/debugging.md). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest'
import { type ConnectOptions, connect, type ServeOptions, serve } from '../../src/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { traceLink } from '../../src/rpc/trace.ts'
import { memoryPair } from '../../src/transport/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { serverTls, trusting } from '../support/certificates.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'
import { TapLink } from '../support/tap-link.ts'
import { helloBytes } from '../support/tapped.ts'
import { Lab, lab, never } from './lab.ts'

let stderr: MockInstance<typeof console.error>
beforeEach(() => {
  stderr = vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const printed = (): string[] => stderr.mock.calls.map(([line]) => String(line))

/** The lines without the words that differ from run to run: connections' numbers and ports. */
const lines = (): string[] => printed().map((line) => line.replace(/#\d+ \S+/, ''))

type Setting = { readonly server?: ServeOptions; readonly client?: ConnectOptions }

const service = lab({
  echo({ text }, ctx) {
    if (text === 'banned') throw ctx.error('Banned', { until: 'tomorrow' })
    if (text === 'slow') return never()
    return { text }
  },
  note() {},
})

/** A connection whose ends are both in this process; closed when the test is over. */
async function opened(at: string, { server, client }: Setting = {}) {
  const clock = new HandClock()
  const served = at === 'encoded' ? undefined : await serve(service, at, { clock, ...server })
  const wire = connect(served?.url ?? service, { clock, ...client, ...(served ? {} : { encoded: true }) })
  onTestFinished(async () => {
    await wire.close({ drainMs: 0 })
    await served?.close({ drainMs: 0 })
  })
  return { clock, wire, lab: wire.client(Lab) }
}

function socketFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return `unix:${join(folder, 'socket')}`
}

const tls: Setting = { server: { tls: serverTls() }, client: { tls: trusting() } }
const places: readonly (readonly [name: string, at: () => string, setting: Setting])[] = [
  ['tcp', () => 'tcp://127.0.0.1:0', {}],
  ['tls', () => 'tcp://127.0.0.1:0', tls],
  ['unix', socketFile, {}],
  ['encoded', () => 'encoded', {}],
]

describe.each(places)('frames over %s', (_, at, setting) => {
  it('are a line each, at both ends', async () => {
    vi.stubEnv('NANOWIRE_TRACE', 'frames')
    const { clock, lab: calls } = await opened(at(), setting)
    await calls.echo({ text: 'hi' }, { metadata: { tenant: 'acme' } })
    clock.advance(5)
    await calls.echo.try({ text: 'banned' })
    await calls.note({ line: 'over' })
    const caller = new AbortController()
    const slow = calls.echo.try({ text: 'slow' }, { signal: caller.signal })
    await until(() => lines().some((line) => line.includes('server <- REQUEST id=4')))
    caller.abort()
    await slow
    await until(() => lines().some((line) => line.includes('server <- CANCEL')))
    expect(lines().map((line) => line.replace(/(HELLO length=)\d+/, '$1n'))).toEqual(
      expect.arrayContaining([
        'nanowire trace 1000.000 client -> HELLO length=n',
        'nanowire trace 1000.000 client -> REQUEST id=1 method=lab/echo flags=METADATA|HASH length=48',
        'nanowire trace 1000.000 server <- HELLO length=n',
        'nanowire trace 1000.000 server <- REQUEST id=1 method=lab/echo flags=METADATA|HASH length=48',
        'nanowire trace 1000.000 server -> HELLO length=n',
        'nanowire trace 1000.000 server -> RESPONSE id=1 method=lab/echo length=9',
        'nanowire trace 1000.000 client <- HELLO length=n',
        'nanowire trace 1000.000 client <- RESPONSE id=1 method=lab/echo length=9',
        'nanowire trace 1005.000 client -> REQUEST id=2 method=lab/echo length=21',
        'nanowire trace 1005.000 client <- ERROR id=2 method=lab/echo length=73',
        'nanowire trace 1005.000 server <- REQUEST id=3 method=lab/note flags=ONE_WAY length=19',
        'nanowire trace 1005.000 client -> CANCEL id=4 method=lab/echo length=0',
        'nanowire trace 1005.000 server <- CANCEL id=4 method=lab/echo length=0',
      ]),
    )
  })
})

it('nothing is printed, and nobody watches, without the variable', async () => {
  const pair = memoryPair({ clock: new HandClock(), limits: { client: defaultLimits, server: defaultLimits } })
  expect(traceLink(pair.client, { side: 'client', clock: new HandClock() })).toBe(undefined)
  expect(pair.client.tap).toBe(undefined)
  const { lab: calls } = await opened('encoded')
  await calls.echo({ text: 'hi' })
  expect(printed()).toEqual([])
})

it('a value that is none is said once, with those that there are', async () => {
  vi.stubEnv('NANOWIRE_TRACE', 'everything\u001b[31m')
  for (const at of ['encoded', 'tcp://127.0.0.1:0']) await (await opened(at)).lab.echo({ text: 'hi' })
  expect(printed()).toEqual(['nanowire warning: NANOWIRE_TRACE is frames or bodies, not "everything\\u001b[31m"'])
})

describe('bodies', () => {
  it('are printed where they are asked for, within bounds', async () => {
    vi.stubEnv('NANOWIRE_TRACE', 'bodies')
    const { lab: calls } = await opened('encoded')
    await calls.echo({ text: 'a\u001b[31m\u202e' }, { metadata: { tenant: 'acme' } })
    await calls.echo({ text: 'x'.repeat(5_000) })
    await calls.echo.try({ text: 'banned' })
    const all = lines().join('\n')
    expect(all).toContain('metadata={"tenant": "acme"} body={"text": "a\\u001b[31m\\u202e"}')
    expect(all).toContain('code="Banned"')
    expect(all).toContain('data={"until": "tomorrow"}')
    expect(all).toContain(`body={"text": "${'x'.repeat(80)}…"}`)
    expect(Math.max(...printed().map((line) => line.length))).toBeLessThan(1_500)
  })

  it('of fragments are the first bytes, and the method stands at each', async () => {
    vi.stubEnv('NANOWIRE_TRACE', 'bodies')
    const { lab: calls } = await opened('encoded')
    await calls.echo({ text: 'x'.repeat(70_000) })
    const fragments = lines().filter((line) => / (REQUEST|RESPONSE) /.test(line) && line.includes('client'))
    expect(fragments.map((line) => line.replace(/ (tag|timeoutMs|hash|fragment)=.*/, '').slice(24))).toEqual([
      'client -> REQUEST id=1 method=lab/echo flags=MORE|HASH length=16384',
      ...Array(3).fill('client -> REQUEST id=1 method=lab/echo flags=MORE length=16384'),
      'client -> REQUEST id=1 method=lab/echo length=4499',
      ...Array(4).fill('client <- RESPONSE id=1 method=lab/echo flags=MORE length=16384'),
      'client <- RESPONSE id=1 method=lab/echo length=4475',
    ])
    expect(fragments[0]).toMatch(/ fragment=h'81a474657874[0-9a-f]+…' \(\d+ bytes\)$/)
  })
})

it.each(['frames', 'bodies'])('credentials are never printed, not with %s', async (level) => {
  vi.stubEnv('NANOWIRE_TRACE', level)
  const { wire, lab: calls } = await opened('tcp://127.0.0.1:0', {
    server: { authenticate: () => 'anybody' },
    client: { credentials: { token: 'hush-1' } },
  })
  await calls.echo({ text: 'hi' })
  await wire.renewCredentials({ token: 'hush-2' })
  await until(() => lines().some((line) => line.includes('server <- AUTH')))
  expect(printed().join('\n')).not.toContain('hush')
  expect(lines().filter((line) => line.includes('(hidden)'))).toHaveLength(level === 'bodies' ? 4 : 0)
})

it('credentials are not printed of a HELLO or AUTH that is broken', () => {
  vi.stubEnv('NANOWIRE_TRACE', 'bodies')
  const map = pack({ credentials: { token: 'hush' } })
  const magic = [...new TextEncoder().encode('NWIR')]
  const bodies = [map, joined([map, new Uint8Array([0xc0])]), map.subarray(0, -1), pack(['credentials', 'hush'])]
  for (const body of bodies) {
    for (const frame of [
      frameBytes(kinds.HELLO, 0, 0, [...magic, 1, ...body]),
      frameBytes(kinds.HELLO, 0, 0, [...magic, 2, ...body]),
      frameBytes(kinds.AUTH, 0, 0, body),
    ]) {
      const link = new TapLink(new HandClock(), defaultLimits)
      traceLink(link, { side: 'server', clock: new HandClock() })
      if (frame[3] === kinds.AUTH) link.feed(helloBytes())
      link.feed(frame)
    }
  }
  expect(lines().filter((line) => line.includes('<- AUTH'))).toHaveLength(bodies.length)
  expect(lines().filter((line) => line.includes('<- HELLO'))).toHaveLength(3 * bodies.length)
  expect(printed().join('\n')).not.toContain('hush')
})

it('metadata is not printed with frames', async () => {
  vi.stubEnv('NANOWIRE_TRACE', 'frames')
  const { lab: calls } = await opened('encoded')
  await calls.echo({ text: 'hi' }, { metadata: { tenant: 'hush' } })
  expect(printed().join('\n')).not.toMatch(/hush|tenant/)
})

describe('a server', () => {
  /** A link whose input the test writes, as a server that knows one method. */
  function traced(level = 'frames') {
    vi.stubEnv('NANOWIRE_TRACE', level)
    const link = new TapLink(new HandClock(), { ...defaultLimits, maxTurnFrames: 100_000, maxTurnBytes: 2 ** 26 })
    const nameOf = (tag: number): string | undefined => (tag === 7 ? 'lab/seven' : undefined)
    traceLink(link, { side: 'server', clock: new HandClock(), nameOf })
    link.feed(helloBytes())
    stderr.mockClear()
    return link
  }
  const request = (id: number, tag: number): Uint8Array =>
    frameBytes(kinds.REQUEST, 0, id, [0, 0, 0, tag, 0, 0, 0, 0, ...pack(null)])

  it('names a method by its number where it has none of it', () => {
    const link = traced()
    link.feed(request(1, 7), request(2, 8))
    expect(lines().map((line) => line.slice(24))).toEqual([
      'server <- REQUEST id=1 method=lab/seven length=9',
      'server <- REQUEST id=2 method=0x00000008 length=9',
    ])
  })

  it('names the method of all that belongs to a stream, up to what ends it', () => {
    const link = traced()
    const head = [0, 0, 0, 7, 0, 0, 0, 0]
    link.feed(
      frameBytes(kinds.REQUEST, flags.INPUT | flags.OUTPUT, 1, head),
      frameBytes(kinds.PRIORITY, flags.IGNORE, 1, [2]),
      frameBytes(kinds.DATA, flags.MORE, 1, [0xa2]),
      frameBytes(kinds.DATA, flags.WAIT, 1, [0x61, 0x62]),
      frameBytes(kinds.CREDIT, 0, 1, [0, 0, 0x80, 0]),
      frameBytes(kinds.CREDIT, 0, 0, [0, 0, 0x80, 0]),
      frameBytes(kinds.END, 0, 1),
    )
    link.tap?.chunksFlushed([
      joined([
        frameBytes(kinds.DATA, flags.GAP, 1, [0, 0, 0, 2, 0xc0]),
        frameBytes(kinds.END, 0, 1),
        frameBytes(kinds.CREDIT, 0, 1, [0, 0, 0x80, 0]),
      ]),
    ])
    expect(lines().map((line) => line.slice(24))).toEqual([
      'server <- REQUEST id=1 method=lab/seven flags=INPUT|OUTPUT length=8',
      'server <- PRIORITY id=1 method=lab/seven flags=IGNORE length=1',
      'server <- DATA id=1 method=lab/seven flags=MORE length=1',
      'server <- DATA id=1 method=lab/seven flags=WAIT length=2',
      'server <- CREDIT id=1 method=lab/seven length=4',
      'server <- CREDIT length=4',
      'server <- END id=1 method=lab/seven length=0',
      'server -> DATA id=1 method=lab/seven flags=GAP length=5',
      'server -> END id=1 method=lab/seven length=0',
      'server -> CREDIT id=1 length=4',
    ])
  })

  it('shows the first items of a DATA, and how many there are', () => {
    const link = traced('bodies')
    link.feed(
      frameBytes(kinds.DATA, flags.GAP | flags.WAIT, 1, [0, 0, 0, 2, 1, 0xa1, 0x78]),
      frameBytes(kinds.DATA, 0, 1, [1, 2, 3, 4, 5, 6]),
      frameBytes(kinds.DATA, 0, 1),
    )
    expect(lines().map((line) => line.slice(24))).toEqual([
      'server <- DATA id=1 flags=GAP|WAIT length=7 left_out=2 item=1 item="x"',
      'server <- DATA id=1 length=6 item=1 item=2 item=3 item=4 … items=6',
      'server <- DATA id=1 length=0',
    ])
  })

  it('shows of an item in fragments the first bytes, whichever side sends it', () => {
    const link = traced('bodies')
    link.feed(frameBytes(kinds.REQUEST, flags.INPUT | flags.OUTPUT, 1, [0, 0, 0, 7, 0, 0, 0, 0]))
    stderr.mockClear()
    link.feed(frameBytes(kinds.DATA, flags.MORE, 1, [0xa3, 0x61]))
    link.tap?.chunksFlushed([
      joined([frameBytes(kinds.DATA, flags.MORE, 1, [0xa2, 0x78]), frameBytes(kinds.DATA, 0, 1, [0x79])]),
    ])
    link.feed(frameBytes(kinds.DATA, 0, 1, [0x62, 0x63]), frameBytes(kinds.DATA, 0, 1, [5]))
    expect(lines().map((line) => line.slice(24))).toEqual([
      "server <- DATA id=1 method=lab/seven flags=MORE length=2 fragment=h'a361'",
      "server -> DATA id=1 method=lab/seven flags=MORE length=2 fragment=h'a278'",
      'server -> DATA id=1 method=lab/seven length=1',
      'server <- DATA id=1 method=lab/seven length=2',
      'server <- DATA id=1 method=lab/seven length=1 item=5',
    ])
  })

  it('tells skipped frames, and bytes that are none', () => {
    const link = traced()
    link.feed(joined([frameBytes(200, flags.IGNORE, 3, [1]), frameBytes(kinds.PING, 0, 0, new Uint8Array(8))]))
    link.feed(frameBytes(201, 0, 3))
    expect(lines().map((line) => line.slice(24))).toEqual([
      'server <- skipped=1',
      'server <- PING length=8',
      'server <- broken rule=frame_kind message="frame kind 201 is not known and not marked as ignorable"',
    ])
  })

  it('keeps a bounded number of calls that are never answered', () => {
    const link = traced()
    const ids = Array.from({ length: 16_385 }, (_, index) => index + 1)
    link.feed(joined(ids.map((id) => request(id, 7))))
    stderr.mockClear()
    link.feed(frameBytes(kinds.CANCEL, 0, 1), frameBytes(kinds.CANCEL, 0, 16_385))
    expect(lines().map((line) => line.slice(24))).toEqual([
      'server <- CANCEL id=1 length=0',
      'server <- CANCEL id=16385 method=lab/seven length=0',
    ])
  })
})

describe('a broken stderr', () => {
  it('that throws hurts no call', async () => {
    vi.stubEnv('NANOWIRE_TRACE', 'frames')
    stderr.mockImplementation(() => {
      throw new Error('nobody reads')
    })
    const { lab: calls } = await opened('encoded')
    expect(await calls.echo({ text: 'hi' })).toEqual({ text: 'hi' })
    await nextTurn()
    expect(stderr).toHaveBeenCalled()
  })

  it('that nobody reads any more hurts no process', { timeout: PATIENCE_MS }, async () => {
    const program = fileURLToPath(new URL('./fixtures/traced.ts', import.meta.url))
    const env = { ...process.env, NANOWIRE_TRACE: 'frames' }
    const child = spawn(process.execPath, ['--import', 'tsx', program], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text
      if (text.includes('ready')) {
        child.stderr.destroy()
        child.stderr.once('close', () => child.stdin.write('go'))
      }
    })
    const [code] = await once(child, 'close')
    expect({ said: said.split('\n').filter(Boolean), code }).toEqual({ said: ['ready', 'done'], code: 0 })
  })
})
