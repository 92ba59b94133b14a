/** What stands in the log: a line for each event, with what is needed to find it, and never a payload. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { connect, NanowireError, router, serve } from '../../src/index.ts'
import { QuietLog } from '../../src/rpc/log.ts'
import { until } from '../support/hand-clock.ts'
import { frame, RawPeer } from '../support/raw-peer.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { failureOf, Lab, lab } from './lab.ts'

const SECRET = 'correct horse battery staple'

describe('without a logger', () => {
  const lines: string[] = []
  beforeEach(() => {
    lines.length = 0
    vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
  })
  afterEach(() => vi.restoreAllMocks())

  it('warnings and errors go to stderr, one line each', async () => {
    const cause = new Error('two\nlines\r\n  of text', { cause: 'none' })
    const wire = connect(
      lab({ echo: () => Promise.reject(cause), quick: (_, ctx) => ctx.log.warn({ n: 1n, o: { a: 'b c' } }, 'seen') }),
    )
    const error = await failureOf(wire.client(Lab).echo({ text: SECRET }))
    await wire.client(Lab).quick()
    const [failed, seen, ...more] = lines
    expect(failed).toMatch(
      /^nanowire error: handler failed method=lab\/echo id=[0-9a-f]{12} err=.*two \| lines \| of text/,
    )
    expect(failed).toContain(error.id)
    expect(seen).toBe('nanowire warning: seen method=lab/quick peer=memory n="1n" o={"a":"b c"}')
    expect(more).toEqual([])
    for (const line of lines) expect(line).not.toMatch(/[\r\n]/)
    expect(lines.join()).not.toContain(SECRET)
    await wire.close()
  })

  it('what is not printable breaks nothing', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const wire = connect(lab({ quick: (_, ctx) => ctx.log.error({ cycle, f: () => 1, u: undefined }, 'odd') }))
    await wire.client(Lab).quick()
    expect(lines).toEqual([expect.stringMatching(/^nanowire error: odd .*cycle=/)])
    await wire.close()
  })

  it('lines that nobody reads any more hurt no process', { timeout: PATIENCE_MS }, async () => {
    const program = fileURLToPath(new URL('./fixtures/logged.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text
      if (!text.includes('ready')) return
      child.stderr.destroy()
      child.stderr.once('close', () => child.stdin.write('go'))
    })
    const [code] = await once(child, 'close')
    expect({ said: said.split('\n').filter(Boolean), code }).toEqual({ said: ['ready', 'done'], code: 0 })
  })

  it('information goes nowhere', async () => {
    const wire = connect(
      lab({
        quick(_, ctx) {
          ctx.log.debug({}, 'debug')
          ctx.log.info({}, 'info')
        },
      }),
    )
    await wire.client(Lab).quick()
    expect(lines).toEqual([])
    await wire.close()
  })
})

describe('with a logger', () => {
  async function served(service = lab({ echo: (request) => request }), limits = {}) {
    const log = new RecordingLog()
    const server = await serve(router([service], { log, limits }), 'tcp://127.0.0.1:0')
    const wire = connect(server.url)
    onTestFinished(async () => {
      await wire.close({ drainMs: 0 })
      await server.close({ drainMs: 0 })
    })
    return { log, server, wire }
  }

  it('a call that is answered leaves no line', async () => {
    const { log, wire } = await served(
      lab({
        echo({ text }, ctx) {
          if (text === 'banned') throw ctx.error('Banned', { until: '' })
          if (text === 'status') throw new NanowireError('aborted', 'x')
          return { text }
        },
      }),
    )
    const { echo } = wire.client(Lab)
    await echo({ text: 'x' })
    for (const text of ['banned', 'status']) await failureOf(echo({ text }))
    await failureOf(echo({ text: 7 } as never)) // as a program without types may call it
    expect([...log.at('warn'), ...log.at('error')]).toEqual([])
  })

  it('a peer that breaks the protocol leaves one line: who, and by which rule', async () => {
    const { log, server } = await served()
    const peer = await RawPeer.greeted(server.url)
    const { localPort } = peer.socket
    peer.send(frame(99, 0, Buffer.from(SECRET)))
    await peer.lastWords()
    expect(log.at('warn')).toEqual([
      {
        level: 'warn',
        message: 'the peer broke the protocol; its connection is closed',
        fields: { peer: `127.0.0.1:${localPort}`, rule: 'frame_kind', detail: expect.any(String) },
      },
    ])
    expect(log.text).not.toContain(SECRET)
  })

  it('a limit that fires leaves a line: its name, its value, the peer and the option', async () => {
    const { log, server } = await served(undefined, { maxConnections: 1 })
    await RawPeer.greeted(server.url)
    const second = await RawPeer.connect(server.url)
    await second.lastWords()
    await until(() => log.at('warn').length > 0)
    const [line] = log.at('warn')
    expect(line?.fields).toMatchObject({ limit: 'maxConnections' })
    expect(line?.message).toMatch(
      /^too many connections: maxConnections is 1 \(peer 127\.0\.0\.1:\d+; option limits\.maxConnections\)$/,
    )
  })

  it('nothing that travels stands in any line', async () => {
    const { log, wire } = await served(
      lab({
        echo({ text }, ctx) {
          ctx.reply.set('k', SECRET)
          if (text.startsWith('declared')) throw ctx.error('Banned', { until: SECRET })
          if (text.startsWith('misfit')) throw ctx.error('Banned', { until: 7, [SECRET]: SECRET } as never)
          return { text: 7, [SECRET]: SECRET } as never
        },
        note: () => undefined,
      }),
    )
    const { echo, note } = wire.client(Lab)
    const options = { metadata: { k: SECRET } }
    for (const kind of ['declared', 'misfit', 'reply']) await failureOf(echo({ text: `${kind} ${SECRET}` }, options))
    await failureOf(echo({ text: [SECRET], [SECRET]: 1 } as never, options))
    await note({ line: SECRET }, options)
    expect(log.at('error')).toHaveLength(2)
    expect(log.text).not.toContain(SECRET)
  })

  it('a pino-shaped logger keeps its `this`', async () => {
    class Pino {
      readonly lines: string[] = []
      debug() {}
      info() {}
      warn(_: object, message: string) {
        this.lines.push(message)
      }
      error(_: object, message: string) {
        this.lines.push(message)
      }
    }
    const log = new Pino()
    const wire = connect(router([lab({ echo: () => Promise.reject(new Error('x')) })], { log }))
    await failureOf(wire.client(Lab).echo({ text: 'x' }))
    expect(log.lines).toEqual(['handler failed'])
    await wire.close()
  })
})

describe('warnings that a peer can cause', () => {
  it('of a kind that a peer can cause come once a second, and say how many they stand for', () => {
    const log = new RecordingLog()
    let now = 0
    const quiet = new QuietLog(log, () => now)
    for (let count = 0; count < 5; count++) quiet.warn('rule body', { peer: count }, 'broken')
    quiet.warn('rule limit', {}, 'another kind')
    now = 999
    quiet.warn('rule body', { peer: 9 }, 'broken')
    now = 1_000
    quiet.warn('rule body', { peer: 10 }, 'broken')
    expect(log.at('warn').map(({ message, fields }) => [message, fields])).toEqual([
      ['broken', { peer: 0 }],
      ['another kind', {}],
      ['broken', { peer: 10, repeated: 5 }],
    ])
  })
})
