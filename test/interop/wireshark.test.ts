/**
 * The Wireshark dissector (spec/wireshark) against our own decoder and the vectors: captures are written here, and read by
 * `tshark`, if it is installed.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FrameDecoder, flags, kinds, pack } from '../../src/wire/index.ts'
import { bytesOf, type Hex, vectorsOf } from '../spec/vectors.ts'
import { needs } from '../support/needs.ts'
import { runs } from '../support/runs.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'
import { type CaptureOptions, capture, type Sent } from './pcap.ts'
import { encrypted, recordExchange } from './recorded.ts'

const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
afterAll(() => rmSync(folder, { recursive: true }))

const METHODS = 'greeter/hello, greeter/log, greeter/wait'

interface Capture extends Partial<CaptureOptions> {
  readonly connections: readonly (readonly Sent[])[]
}

/** What tshark writes. */
function tshark({ connections, serverPort = 7_000, segmentBytes }: Capture, ...args: string[]): string {
  const file = join(folder, 'exchange.pcap')
  writeFileSync(file, capture(connections, { serverPort, segmentBytes }))
  const script = ['-X', 'lua_script:spec/wireshark/nanowire.lua', '-o', `nanowire.methods:${METHODS}`]
  const env = { ...process.env, WIRESHARK_CONFIG_DIR: folder, LC_ALL: 'C' }
  return execFileSync('tshark', [...script, '-r', file, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: 'pipe',
  })
}

/** What stands in the fields of one direction of one connection. */
interface Shown {
  readonly kinds: string[]
  readonly ids: string[]
  readonly lengths: string[]
  readonly flags: string[]
  readonly methods: string[]
  readonly bodies: string[]
  readonly problems: string[]
}

const FIELDS: Readonly<Record<keyof Shown, string>> = {
  kinds: 'nanowire.kind',
  ids: 'nanowire.id',
  lengths: 'nanowire.length',
  flags: 'nanowire.flags',
  methods: 'nanowire.method',
  bodies: 'nanowire.body',
  problems: '_ws.expert.message',
}

const names = Object.keys(FIELDS) as (keyof Shown)[] // exactly these

/** The fields by connection and direction: `0 client`. */
function dissect(given: Capture, ...args: string[]): ReadonlyMap<string, Shown> {
  const fields = ['tcp.stream', 'tcp.srcport', ...names.map((name) => FIELDS[name])].flatMap((name) => ['-e', name])
  const text = tshark(given, '-Y', 'nanowire', '-T', 'fields', '-E', 'aggregator=\u001f', ...fields, ...args)
  const shown = new Map<string, Shown>()
  for (const line of text.split('\n').filter((row) => row !== '')) {
    const [stream, port, ...values] = line.split('\t')
    const key = `${stream} ${Number(port) === (given.serverPort ?? 7_000) ? 'server' : 'client'}`
    const one = shown.get(key) ?? { kinds: [], ids: [], lengths: [], flags: [], methods: [], bodies: [], problems: [] }
    shown.set(key, one)
    for (const [index, name] of names.entries()) {
      const value = values[index] ?? ''
      if (value !== '') one[name].push(...value.split('\u001f'))
    }
  }
  return shown
}

/** What our own decoder finds in one direction. */
function decoded(sent: readonly Sent[], from: Sent['from']): Pick<Shown, 'kinds' | 'ids' | 'lengths' | 'flags'> {
  const bytes = joined(sent.filter((one) => one.from === from).map((one) => one.bytes))
  const frames = [...new FrameDecoder().frames(bytes)]
  return {
    kinds: frames.map(({ kind }) => String(kind)),
    ids: frames.map(({ id }) => String(id)),
    lengths: frames.map(({ body }) => String(body.length)),
    flags: frames.map((frame) => `0x${frame.flags.toString(16).padStart(2, '0')}`),
  }
}

const client = (bytes: Uint8Array): readonly Sent[] => [{ from: 'client', bytes }]
const PING = frameBytes(kinds.PING, 0, 0, new Uint8Array(8))

describe.skipIf(!needs('tshark'))('the dissector', () => {
  let exchange: readonly Sent[] = []
  beforeAll(async () => {
    exchange = await recordExchange(70_000) // in fragments
  })

  it.each([50, 333, 1_460, 60_000])('shows every frame of an exchange in segments of %i bytes', (segmentBytes) => {
    const shown = dissect({ connections: [exchange], segmentBytes })
    expect(shown.get('0 client')).toMatchObject(decoded(exchange, 'client'))
    expect(shown.get('0 server')).toMatchObject(decoded(exchange, 'server'))
    const { methods, bodies, problems } = shown.get('0 client') ?? {}
    expect(problems).toEqual([])
    expect(methods).toEqual(
      ['hello', ...Array(5).fill('hello'), 'hello', 'log', 'wait', 'wait'].map((method) => `greeter/${method}`),
    ) // the second one in five fragments
    expect(bodies?.slice(1)).toEqual([
      '{name: "Ada"}',
      `{name: "${'x'.repeat(200)}..."}`,
      '{name: "Mallory"}',
      '{line: "over"}',
      '{}',
    ])
  })

  it('puts frames together that come byte by byte', async () => {
    const connection = await recordExchange(10)
    const shown = dissect({ connections: [connection], segmentBytes: 1 })
    expect(shown.get('0 client')).toMatchObject(decoded(connection, 'client'))
    expect(shown.get('0 server')).toMatchObject(decoded(connection, 'server'))
  })

  it('names the method of a reply, an error and a cancel by its request', () => {
    const text = tshark({ connections: [exchange] }, '-Y', 'nanowire', '-T', 'fields', '-e', '_ws.col.Info')
    for (const shown of [
      'REQUEST #1 greeter/hello [METADATA HASH]',
      'RESPONSE #1 greeter/hello',
      'ERROR #3 greeter/hello Banned',
      'REQUEST #4 greeter/log [ONE_WAY]',
      'CANCEL #5 greeter/wait',
      'GOAWAY',
    ])
      expect(text).toContain(shown)
  })

  it('shows the same when every packet is looked at twice', () => {
    const given = { connections: [exchange, exchange], segmentBytes: 1_000 }
    expect(dissect(given, '-2')).toEqual(dissect(given))
  })

  it('knows a connection to any port by its HELLO', () => {
    const shown = dissect({ connections: [exchange], serverPort: 40_123 })
    expect(shown.get('0 server')).toMatchObject(decoded(exchange, 'server'))
  })

  it('shows an exchange over TLS to whoever has the keys, and to nobody else', async () => {
    const { sent, keys } = await encrypted(exchange)
    const keyFile = join(folder, 'keys')
    writeFileSync(keyFile, keys)
    const shown = dissect({ connections: [sent] }, '-o', `tls.keylog_file:${keyFile}`)
    expect(shown.get('0 client')).toMatchObject(decoded(exchange, 'client'))
    expect(shown.get('0 server')).toMatchObject(decoded(exchange, 'server'))
    expect(dissect({ connections: [sent] }).size).toBe(0)
  })

  it('leaves another protocol at its port alone', () => {
    const http = new TextEncoder().encode('GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n')
    expect(dissect({ connections: [client(http)] }).size).toBe(0)
  })

  it('hides credentials, unless it is asked for them', () => {
    const given = { connections: [exchange] }
    const hidden = tshark(given, '-V', '-O', 'nanowire')
    expect(hidden).not.toContain('hush')
    expect(hidden).toContain('credentials: (hidden)')
    expect(hidden).toContain('Credentials: (hidden)')
    const shown = tshark(given, '-V', '-O', 'nanowire', '-o', 'nanowire.credentials:TRUE')
    expect(shown).toContain('token: "hush-1"')
    expect(shown).toContain('Credentials: "hush-2"')
  })

  it('hides credentials in what is broken too', () => {
    const map = pack({ credentials: { token: 'hush' } })
    const bodies = {
      trailing: joined([map, new Uint8Array([0xc0])]),
      cut: map.subarray(0, map.length - 1),
      twice: joined([new Uint8Array([0x82]), map.subarray(1), map.subarray(1)]),
      text: pack({ credentials: 'hush' }),
    }
    const hellos = Object.values(bodies).map((body) => helloOf(body))
    const auths = Object.values(bodies).map((body) => joined([PING, frameBytes(kinds.AUTH, 0, 0, body)]))
    const text = tshark({ connections: [...hellos, ...auths].map(client) }, '-V', '-O', 'nanowire')
    expect(text.match(/no strict MessagePack/g)?.length).toBeGreaterThanOrEqual(6)
    expect(text).not.toContain('hush')
  })

  it('shows the contracts of a HELLO, and every flag of a REQUEST', () => {
    const contracts = pack({ contracts: { greeter: new Uint8Array(16).fill(7) } })
    const every = flags.METADATA | flags.ONE_WAY | flags.HASH | flags.JUDGED | flags.IGNORE
    const head = [0, 0, 0, 7, 0, 0, 0, 9, ...new Uint8Array(16), 0, 1, 0x80]
    const request = frameBytes(kinds.REQUEST, every, 1, [...head, 0xc0])
    const text = tshark({ connections: [client(joined([helloOf(contracts), request]))] }, '-V', '-O', 'nanowire')
    expect(text).toContain("greeter: h'07070707070707070707070707070707'")
    expect(text).toContain('Flags: METADATA ONE_WAY HASH JUDGED IGNORE (0x9e)')
    expect(text).toContain('Milliseconds left: 9')
  })

  it('shows the items of streams both ways, and all that belongs to them', () => {
    const head = [0, 0, 0, 7, 0, 0, 0, 0]
    const fromClient = [
      frameBytes(kinds.REQUEST, flags.INPUT | flags.OUTPUT, 5, head),
      frameBytes(kinds.PRIORITY, flags.IGNORE, 5, [2]),
      frameBytes(kinds.DATA, flags.MORE, 5, [0xa3, 0x61]),
      frameBytes(kinds.DATA, flags.WAIT, 5, [0x62, 0x63]),
      frameBytes(kinds.CREDIT, 0, 5, [0, 0, 0x40, 0]),
      frameBytes(kinds.END, 0, 5),
    ]
    const fromServer = [
      frameBytes(kinds.DATA, flags.GAP, 5, [0, 0, 0, 9, 1, 0x92, 2, 3, 0xa1, 0x78]),
      frameBytes(kinds.DATA, flags.MORE, 5, [0xa2, 0x79]),
      frameBytes(kinds.DATA, 0, 5, [0x7a, 8]),
      frameBytes(kinds.CREDIT, 0, 0, [0, 0, 0x80, 0]),
      frameBytes(kinds.DATA, 0, 5, new Array(150).fill(7)),
      frameBytes(kinds.END, flags.METADATA, 5, [0, 5, ...pack({ a: 'x' })]),
    ]
    const woven = fromClient.flatMap((bytes, index): Sent[] => [
      { from: 'client', bytes },
      { from: 'server', bytes: fromServer[index] ?? PING },
    ])
    const given = { connections: [[{ from: 'client' as const, bytes: PING }, ...woven]] } // known by its port
    const text = tshark(given, '-Y', 'nanowire', '-T', 'fields', '-e', '_ws.col.Info', '-o', 'nanowire.methods:a/b=7')
    expect(text.split('\n').filter((line) => line !== '')).toEqual([
      'PING',
      'REQUEST #5 a/b [INPUT OUTPUT]',
      'DATA #5 a/b [GAP] 3 items',
      'PRIORITY #5 a/b [IGNORE]',
      'DATA #5 a/b [MORE]',
      'DATA #5 a/b [MORE]',
      'DATA #5 a/b 2 items',
      'DATA #5 a/b [WAIT] 1 item',
      'CREDIT',
      'CREDIT #5 a/b',
      'DATA #5 a/b 100+ items',
      'END #5 a/b',
      'END #5 a/b [METADATA]',
    ])
    const of = (field: string, from: number) =>
      tshark(given, '-Y', `${field} && tcp.srcport ${from === 7_000 ? '==' : '!='} 7000`, '-T', 'fields', '-e', field)
        .trim()
        .split('\n')
    expect(of('nanowire.item', 0)).toEqual(['"abc"'])
    expect(of('nanowire.item', 7_000).slice(0, 2)).toEqual(['1,[2, 3],"x"', '"yz",8'])
    expect(of('nanowire.gap', 7_000)).toEqual(['9'])
    expect(of('nanowire.priority', 0)).toEqual(['2'])
    expect(of('nanowire.increment', 7_000)).toEqual(['32768'])
    expect(of('nanowire.metadata', 7_000)).toEqual(['{a: "x"}'])
    expect(dissect(given).get('0 server')?.problems).toEqual([])
  })

  it('says what is wrong with the frames of a stream', () => {
    const frames = [
      frameBytes(kinds.REQUEST, flags.INPUT, 1, [0, 0, 0, 7, 0, 0, 0, 0, 0xc0]),
      frameBytes(kinds.DATA, flags.GAP, 1, [0, 0]),
      frameBytes(kinds.DATA, 0, 1, [1, 0xc1, 2]),
      frameBytes(kinds.END, 0, 1, [0xc0]),
      frameBytes(kinds.CREDIT, 0, 1, [0, 0, 0, 0]),
      frameBytes(kinds.PRIORITY, flags.IGNORE, 1, [3]),
      joined([frameBytes(kinds.DATA, flags.MORE, 1, [0xa2]), frameBytes(kinds.DATA, flags.GAP, 1, [0x61, 0x62])]),
    ]
    const shown = dissect({ connections: frames.map((bytes) => client(joined([PING, bytes]))) })
    const rules = frames.map((_, index) => shown.get(`${index} client`)?.problems.map((text) => text.split(':')[0]))
    expect(rules).toEqual([['body'], ['body'], ['reserved_byte'], ['body'], ['credit'], ['body'], ['fragment']])
  })

  it('shows hash, metadata, codes and last words by their fields', () => {
    const of = (field: string) =>
      tshark({ connections: [exchange] }, '-Y', field, '-T', 'fields', '-e', field)
        .trim()
        .split('\n')
    expect(of('nanowire.metadata')).toEqual(['{tenant: "acme"}'])
    expect(of('nanowire.error.code')).toEqual(['Banned', 'cancelled'])
    expect(of('nanowire.hash')).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(of('nanowire.reason')).toEqual(['the server is closing'])
  })

  it('shows the frames of every vector, and what is wrong with those that are', () => {
    interface Vector {
      readonly name: string
      readonly hex: Hex
      readonly frames?: readonly { readonly kind: keyof typeof kinds }[]
      readonly error?: string
    }
    const vectors = vectorsOf<Vector>('frames.json')
    const shown = dissect({ connections: vectors.map(({ hex }) => client(joined([PING, bytesOf(hex)]))) })
    const mentioned = new Set(['frame_kind', 'frame_flags', 'frame_id'])
    for (const [index, { name, frames = [], error = '' }] of vectors.entries()) {
      const { kinds: found = [], problems = [] } = shown.get(`${index} client`) ?? {}
      const known = found.map(Number).filter((kind) => Object.values<number>(kinds).includes(kind))
      expect({ name, kinds: known.slice(0, frames.length + 1) }).toEqual({
        name,
        kinds: [kinds.PING, ...frames.map(({ kind }) => kinds[kind])],
      })
      if (error === '') expect({ name, problems: problems.filter(isOfFrame) }).toEqual({ name, problems: [] })
      if (mentioned.has(error)) expect({ name, rule: problems.at(-1)?.split(':')[0] }).toEqual({ name, rule: error })
    }
  })

  it.each(['bodies.json', 'fragments.json'])('finds nothing wrong with what is right in %s', (file) => {
    const vectors = vectorsOf<{ readonly name: string; readonly hex: Hex; readonly error?: string }>(file)
    const shown = dissect({ connections: vectors.map(({ hex }) => client(bytesOf(hex))) })
    const flagged = vectors.map(({ name }, index) => ({ name, problems: shown.get(`${index} client`)?.problems }))
    expect(flagged.filter((_, index) => vectors[index]?.error === undefined)).toEqual(
      vectors.filter(({ error }) => error === undefined).map(({ name }) => ({ name, problems: [] })),
    )
  })

  it('judges MessagePack as its vectors do', () => {
    interface Vector {
      readonly name: string
      readonly hex: Hex
      readonly error?: string
      readonly maxDepth?: number
      readonly maxNodes?: number
    }
    const isOfDefaults = ({ maxDepth, maxNodes, error }: Vector) =>
      maxDepth === undefined && maxNodes === undefined && error !== 'too_many_nodes'
    const vectors = vectorsOf<Vector>('msgpack.json').filter(isOfDefaults)
    const responses = vectors.map(({ hex }) => client(response(bytesOf(hex))))
    const shown = dissect({ connections: responses })
    const judged = vectors.map(({ name }, index) => {
      const [problem] = shown.get(`${index} client`)?.problems ?? ['not shown']
      return { name, error: problem?.split(':')[0] }
    })
    expect(judged).toEqual(vectors.map(({ name, error }) => ({ name, error })))
  })

  it('never fails, whatever the bytes are', () => {
    const whole = joined(exchange.filter(({ from }) => from === 'client').map(({ bytes }) => bytes.subarray(0, 400)))
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) })
    const changed = fc.array(change, { minLength: 1, maxLength: 8 }).map((changes) => {
      const bytes = whole.slice()
      for (const { at, byte } of changes) bytes[at] = byte
      return bytes
    })
    const content = fc.uint8Array({ minLength: 1, maxLength: 60 })
    const data = fc.record({
      kind: fc.constantFrom(kinds.DATA, kinds.END, kinds.REQUEST),
      bits: fc.constantFrom(0, 1, 2, 7, flags.INPUT),
      content,
    })
    const ofStream = data.map(({ kind, bits, content }) => joined([PING, frameBytes(kind, bits, 1, content)]))
    const body = fc.oneof(content.map(response), ofStream)
    const { numRuns } = runs(400)
    const connections = fc.sample(fc.oneof(changed, body), numRuns).map(client)
    const text = tshark({ connections, segmentBytes: 100 }, '-V', '-O', 'nanowire')
    expect(text.match(/.*lua error.*/gi) ?? []).toEqual([])
  })
})

/** A problem of the framing, not of a body. */
function isOfFrame(problem: string): boolean {
  return problem.startsWith('frame_')
}

function helloOf(map: Uint8Array): Uint8Array {
  return frameBytes(kinds.HELLO, 0, 0, [...new TextEncoder().encode('NWIR'), 1, ...map])
}

function response(body: Uint8Array): Uint8Array {
  return frameBytes(kinds.RESPONSE, 0, 1, body)
}
