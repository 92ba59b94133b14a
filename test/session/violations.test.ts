/** What a peer may not do (spec/protocol.md): each breach ends its connection by one ERROR that names the rule. */
import { describe, expect, it } from 'vitest'
import { type Role, randomBytes } from '../../src/session/index.ts'
import { flags, kinds, pack, packError } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, headedBytes, joined, requestBody, u32 } from '../support/slow-frames.ts'
import { errorIn, helloBytes, opened, type Tapped, tapped } from '../support/tapped.ts'

const { MORE, METADATA, ONE_WAY, HASH, IGNORE, FINAL } = flags
const EIGHT = new Uint8Array(8)
const NIL = [0xc0]

interface Breach {
  readonly what: string
  readonly role: Role
  /** Whether the HELLOs were exchanged before. */
  readonly state: 'opening' | 'open'
  readonly bytes: Uint8Array | readonly Uint8Array[]
  readonly rule: string
  readonly message: RegExp
}

const text = (words: string) => new TextEncoder().encode(words)
const request = (id: number, flagBits = 0) => frameBytes(kinds.REQUEST, flagBits, id, requestBody(7))
const hello = (map: unknown, major = 1, magic = 'NWIR') =>
  frameBytes(kinds.HELLO, 0, 0, joined([text(magic), Uint8Array.of(major), pack(map)]))
const goodLimits = { maxFrameBytes: 65_536, maxMessageBytes: 1, maxCallsInFlight: 1, maxDepth: 1, maxNodes: 1 }
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`later${n}`, n]))
const goodMap = { limits: goodLimits, features: [], incarnation: new Uint8Array(16) }

function on(role: Role, state: Breach['state'], cases: readonly [string, Breach['bytes'], string, RegExp][]): Breach[] {
  return cases.map(([what, bytes, rule, message]) => ({ what, role, state, bytes, rule, message }))
}

const opening: readonly [string, Breach['bytes'], string, RegExp][] = [
  ['P8: HTTP', text('GET / HTTP/1.1\r\nHost: here\r\n\r\n'), 'not_nanowire', /it began with "GET \/ HTTP\/1\.1/],
  ['P8: the answer of HTTP', text('HTTP/1.1 400 Bad Request\r\n\r\n'), 'not_nanowire', /"HTTP\/1\.1 400 Bad Request/],
  ['P8: an SSH banner', text('SSH-2.0-OpenSSH_9.6\r\n'), 'not_nanowire', /"SSH-2\.0-OpenSSH_9\.6\.\."/],
  ['P8: a TLS ClientHello', Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), 'not_nanowire', /"\.\.\.\.\.\./],
  ['P8: a lone letter', text('G'), 'not_nanowire', /it began with "G"/],
  ['P9: a REQUEST before the HELLO', request(1), 'not_nanowire', /no|does not speak Nanowire/],
  ['P9: a PING before the HELLO', frameBytes(kinds.PING, 0, 0, EIGHT), 'not_nanowire', /does not speak Nanowire/],
  ['P9: a skippable kind before the HELLO', frameBytes(99, IGNORE), 'not_nanowire', /does not speak Nanowire/],
  ['P9: a HELLO that announces too much', headedBytes(65_537, kinds.HELLO, 0, 0), 'frame_size', /65537/],
  [
    'P9: an ERROR for a call as the first frame',
    frameBytes(kinds.ERROR, 0, 5, [0x80]),
    'frame_order',
    /before the HELLO/,
  ],
  ['P4: a HELLO of five bytes', frameBytes(kinds.HELLO, 0, 0, text('NWIR\u0001')), 'frame_size', /a HELLO of 5 bytes/],
  [
    'P5: a HELLO with a flag',
    frameBytes(kinds.HELLO, MORE, 0, new Uint8Array(9)),
    'frame_flags',
    /a HELLO with flags 0x1/,
  ],
  ['P6: a HELLO with an id', frameBytes(kinds.HELLO, 0, 3, new Uint8Array(9)), 'frame_id', /a HELLO with id 3/],
  ['P10: a HELLO of another protocol', hello(goodMap, 1, 'NWIS'), 'not_nanowire', /is no HELLO/],
  ['P11: a HELLO of version 2', hello(goodMap, 2), 'version', /version 2 .* version 1/],
  ['P11: a HELLO of version 0 with junk', frameBytes(1, 0, 0, [...text('NWIR'), 0, 0xc1]), 'version', /version 0/],
  ['P12: a HELLO without MessagePack', frameBytes(1, 0, 0, [...text('NWIR'), 1, 0xc1]), 'hello', /MessagePack/],
  ['P12: a HELLO that is a list', hello([]), 'hello', /map/],
  ['P12: a HELLO without limits', hello({ ...goodMap, limits: undefined }), 'hello', /limits is no map/],
  ['P12: 65 entries', hello({ ...goodMap, ...many(62) }), 'hello', /at most 64 entries/],
  ['P12: 65 limits', hello({ ...goodMap, limits: { ...goodLimits, ...many(60) } }), 'hello', /at most 64 entries/],
  ['P12: a limit of 0', hello({ ...goodMap, limits: { ...goodLimits, maxDepth: 0 } }), 'hello', /maxDepth/],
  [
    'P12: a limit too many',
    hello({ ...goodMap, limits: { ...goodLimits, maxNodes: 2 ** 48 + 1 } }),
    'hello',
    /maxNodes/,
  ],
  [
    'P12: half a limit',
    hello({ ...goodMap, limits: { ...goodLimits, maxMessageBytes: 1.5 } }),
    'hello',
    /maxMessageBytes/,
  ],
  ['P12: a limit that is absent', hello({ ...goodMap, limits: { maxFrameBytes: 65_536 } }), 'hello', /maxMessageBytes/],
  ['P12: frames too small', hello({ ...goodMap, limits: { ...goodLimits, maxFrameBytes: 65_535 } }), 'hello', /65535/],
  ['P12: 65 features', hello({ ...goodMap, features: Array(65).fill('a') }), 'hello', /features/],
  ['P12: a feature that is a number', hello({ ...goodMap, features: [1] }), 'hello', /features/],
  ['P12: an incarnation of 15 bytes', hello({ ...goodMap, incarnation: new Uint8Array(15) }), 'hello', /incarnation/],
  ['P12: a text as incarnation', hello({ ...goodMap, incarnation: '0123456789abcdef' }), 'hello', /incarnation/],
]

const openToBoth: readonly [string, Breach['bytes'], string, RegExp][] = [
  ['P14: a second HELLO', helloBytes(), 'second_hello', /second HELLO/],
  ['P14: a second HELLO that is wrong', hello({ ...goodMap, features: 3 }), 'hello', /features/],
  [
    'P2: a frame too long',
    headedBytes(65_537, kinds.RESPONSE, 0, 1),
    'frame_size',
    /65537 bytes: maxFrameBytes is 65536/,
  ],
  ['P2: a skippable frame too long', headedBytes(65_537, 77, IGNORE, 1), 'frame_size', /maxFrameBytes is 65536/],
  ['P3: an unknown kind', frameBytes(14), 'frame_kind', /kind 14/],
  ['P3: kind 0', frameBytes(0), 'frame_kind', /kind 0/],
  ['P4: a PING of 7 bytes', frameBytes(kinds.PING, 0, 0, new Uint8Array(7)), 'frame_size', /a PING of 7 bytes/],
  ['P4: a PONG of 9 bytes', frameBytes(kinds.PONG, 0, 0, new Uint8Array(9)), 'frame_size', /a PONG of 9 bytes/],
  ['P4: an empty ERROR', frameBytes(kinds.ERROR, 0, 1), 'frame_size', /an? ERROR of 0 bytes/],
  ['P5: a PING with MORE', frameBytes(kinds.PING, MORE, 0, EIGHT), 'frame_flags', /a PING with flags 0x1/],
  ['P5: flags that nobody has', frameBytes(kinds.RESPONSE, 0x40, 1, NIL), 'frame_flags', /0x40/],
  ['P6: a PING with an id', frameBytes(kinds.PING, 0, 1, EIGHT), 'frame_id', /a PING with id 1/],
  ['P6: a RESPONSE without an id', frameBytes(kinds.RESPONSE, 0, 0, NIL), 'frame_id', /a RESPONSE with id 0/],
  ['P23: an ERROR that is no map', frameBytes(kinds.ERROR, 0, 1, NIL), 'body', /map/],
  ['P23: an ERROR without a code', frameBytes(kinds.ERROR, 0, 1, pack({ message: '' })), 'body', /code and message/],
  ['P23: an ERROR with a number for a code', frameBytes(7, 0, 1, pack({ code: 1, message: '' })), 'body', /code and/],
  [
    'P23: another processed',
    frameBytes(7, 0, 1, pack({ code: 'a', message: '', processed: 'x' })),
    'body',
    /processed/,
  ],
  [
    'P23: metadata of numbers',
    frameBytes(7, 0, 1, pack({ code: 'a', message: '', metadata: { n: 1 } })),
    'body',
    /"n"/,
  ],
]

const atServer: readonly [string, Breach['bytes'], string, RegExp][] = [
  ['P38: an AUTH of nil', frameBytes(kinds.AUTH, 0, 0, NIL), 'body', /neither a text nor a map of texts/],
  ['P38: an AUTH of a number', frameBytes(kinds.AUTH, 0, 0, pack({ user: 1 })), 'body', /neither a text/],
  ['P38: an AUTH that is no MessagePack', frameBytes(kinds.AUTH, 0, 0, [0xc1]), 'body', /MessagePack/],
  ['P4: an AUTH that is too long', headedBytes(8_193, kinds.AUTH, 0, 0), 'frame_size', /an? AUTH of 8193 bytes/],
  ['P7: a RESPONSE to a server', frameBytes(kinds.RESPONSE, 0, 1, NIL), 'frame_order', /kind 4, which a server/],
  ['P7: a GOAWAY to a server', frameBytes(kinds.GOAWAY, FINAL, 0, u32(0)), 'frame_order', /kind 12, which a server/],
  ['P4: a CANCEL with a body', frameBytes(kinds.CANCEL, 0, 1, NIL), 'frame_size', /a CANCEL of 1 bytes/],
  ['P6: a CANCEL without an id', frameBytes(kinds.CANCEL), 'frame_id', /a CANCEL with id 0/],
  ['P17: a REQUEST of seven bytes', frameBytes(kinds.REQUEST, 0, 1, new Uint8Array(7)), 'body', /tag and time/],
  ['P17: a hash cut off', frameBytes(kinds.REQUEST, HASH, 1, new Uint8Array(23)), 'body', /hash/],
  ['P19: metadata cut off', frameBytes(kinds.REQUEST, METADATA, 1, [...EIGHT, 0, 4, 0x80]), 'body', /metadata longer/],
  ['P19: half a length', frameBytes(kinds.REQUEST, METADATA, 1, [...EIGHT, 0]), 'body', /metadata longer/],
  ['P19: metadata that is no map', frameBytes(kinds.REQUEST, METADATA, 1, [...EIGHT, 0, 1, 0xc0]), 'body', /map/],
  [
    'P19: metadata of numbers',
    frameBytes(kinds.REQUEST, METADATA, 1, [...EIGHT, 0, 4, 0x81, 0xa1, 0x61, 1, 0xc0]),
    'body',
    /the metadata "a" is no text/,
  ],
  ['P31: a first fragment without its head', frameBytes(kinds.REQUEST, MORE, 1, u32(7)), 'body', /tag and time/],
  ['S4: the same id twice', [request(9), request(9)], 'frame_id', /9 came after 9/],
  ['S4: an id that goes back', [request(9), request(8)], 'frame_id', /8 came after 9/],
  ['S4: an id that goes back over the wrap', [request(2), request(0xffff_ffff)], 'frame_id', /4294967295 came after 2/],
  ['S4: an id that leaps half the circle', [request(1), request(0x8000_0001)], 'frame_id', /2147483649 came after 1/],
  [
    'P32: a further fragment with flags',
    [request(1, MORE), request(1, ONE_WAY)],
    'fragment',
    /fragment of 1 with flags/,
  ],
  ['P32: a further fragment with IGNORE', [request(1, MORE), request(1, IGNORE)], 'fragment', /flags 0x80/],
  [
    'P26: a fragment after the CANCEL',
    [request(1, MORE), frameBytes(kinds.CANCEL, 0, 1), request(1)],
    'frame_id',
    /1 came after 1/,
  ],
]

const atClient: readonly [string, Breach['bytes'], string, RegExp][] = [
  ['P7: an AUTH to a client', frameBytes(kinds.AUTH, 0, 0, pack('token')), 'frame_order', /kind 2, which a client/],
  ['P7: a REQUEST to a client', request(1), 'frame_order', /kind 3, which a client/],
  ['P7: a PRIORITY to a client', frameBytes(kinds.PRIORITY, IGNORE, 1, [1]), 'frame_order', /kind 13, which a client/],
  ['P7: a CANCEL to a client', frameBytes(kinds.CANCEL, 0, 1), 'frame_order', /kind 8, which a client/],
  ['P4: a GOAWAY without an id', frameBytes(kinds.GOAWAY, 0, 0, [1]), 'frame_size', /a GOAWAY of 1 bytes/],
  ['P5: a GOAWAY with METADATA', frameBytes(kinds.GOAWAY, METADATA, 0, u32(0)), 'frame_flags', /0x2/],
  ['P20: metadata cut off', frameBytes(kinds.RESPONSE, METADATA, 1, [0, 2, 0x80]), 'body', /metadata longer/],
  [
    'P32: a further fragment with METADATA',
    [frameBytes(kinds.RESPONSE, MORE, 1, NIL), frameBytes(kinds.RESPONSE, METADATA, 1, NIL)],
    'fragment',
    /fragment of 1 with flags 0x2/,
  ],
]

/** Each side reads what is for the other to say, and nothing else. */
const ofClient: typeof opening = [
  ['P12: credentials that are a number', hello({ ...goodMap, credentials: 5 }), 'hello', /neither a text nor a map/],
  ['P12: credentials of numbers', hello({ ...goodMap, credentials: { a: 5 } }), 'hello', /neither a text nor a map/],
  ['P12: credentials of 8,193 bytes', hello({ ...goodMap, credentials: 'x'.repeat(8_190) }), 'hello', /8192 bytes/],
]
const ofServer: typeof opening = [
  ['P12: contracts that are a list', hello({ ...goodMap, contracts: [] }), 'hello', /contracts are no map/],
  ['P12: a hash of 15 bytes', hello({ ...goodMap, contracts: { a: new Uint8Array(15) } }), 'hello', /hash of "a"/],
  ['P12: a text as hash', hello({ ...goodMap, contracts: { a: '0123456789abcdef' } }), 'hello', /hash of "a"/],
]

const breaches = [
  ...on('server', 'opening', [...opening, ...ofClient]),
  ...on('client', 'opening', [...opening, ...ofServer]),
  ...on('server', 'open', [...openToBoth, ...atServer]),
  ...on('client', 'open', [...openToBoth, ...atClient]),
]

/** What has begun before the breach, and what must become of it. */
function begin(breach: Breach): Tapped & { readonly call: RecordedCall; readonly cancelled: number[] } {
  const made = breach.state === 'opening' ? tapped({ role: breach.role }) : opened({ role: breach.role })
  const cancelled: number[] = []
  made.effects.onRequest = ({ call }) => {
    call.runner = { callerGone: () => void cancelled.push(call.id) }
  }
  const call = new RecordedCall()
  if (breach.role === 'client') made.session.start(call)
  made.clock.runTurns()
  made.link.takeSent()
  return { ...made, call, cancelled }
}

const codes: Readonly<Record<string, string>> = { not_nanowire: 'unavailable', version: 'failed_precondition' }

describe.each(breaches)('P25: $what, at a $role that is $state', (breach) => {
  const { role, bytes, rule, message } = breach
  const code = codes[rule] ?? 'internal'
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes

  it('ends by one ERROR that names the rule, and a clean close', () => {
    const { session, link, effects, clock, call, cancelled } = begin(breach)
    const handled = effects.requests
    link.feed(...chunks)
    clock.runTurns()

    expect(effects.violations).toEqual([{ rule, message: expect.stringMatching(message) }])
    const sent = link.takeSent()
    const errors = sent.filter(({ kind, id }) => kind === kinds.ERROR && id === 0)
    expect(errors).toHaveLength(1)
    expect(sent.at(-1)).toBe(errors[0])
    expect(errorIn(errors[0])).toMatchObject({ rule, code, message: expect.stringMatching(message) })
    // A server has run no request after the last id, and has seen none after it either.
    if (role === 'client') expect(errorIn(errors[0]).lastId).toBe(undefined)
    else expect([handled.at(-1)?.call.id ?? 0, lastIdIn(chunks)]).toContain(errorIn(errors[0]).lastId)
    expect(cancelled).toEqual(handled.map((one) => one.call.id))
    // Only who does not speak the protocol, or not this version, has surely run nothing (S25).
    if (role === 'client') expect(call.fate).toBe(`lost ${code} ${rule in codes ? 'no' : 'maybe'}`)

    expect(session.state).toBe('closing')
    expect(link.asked.filter((what) => what !== 'pause' && what !== 'resume')).toEqual(['end'])
    clock.advance(499)
    expect(link.asked).not.toContain('destroy')
    clock.advance(1)
    expect(link.asked.at(-1)).toBe('destroy')
    link.close()
    expect(session.state).toBe('closed')
    expect(effects.closings.map((cause) => cause?.code)).toEqual([code])
    expect(effects.closings[0]?.message).toContain(`(peer tap:1, rule ${rule})`)
    expect(clock.timers).toBe(0)
  })

  it('is the last that is heard of the peer', () => {
    const { session, link, effects, clock } = begin(breach)
    link.feed(...chunks)
    clock.runTurns()
    const sent = link.sent.length
    const seen = effects.requests.length
    link.feed(helloBytes(), request(1_000), frameBytes(kinds.PING, 0, 0, EIGHT), randomBytes(clock, 3_000))
    clock.runTurns()
    expect(link.sent).toHaveLength(sent)
    expect(effects.requests).toHaveLength(seen)
    expect(effects.violations).toHaveLength(1)
    link.close(new Error('reset'))
    link.close()
    expect(effects.closings).toHaveLength(1)
    expect(session.state).toBe('closed')
  })
})

/** The id of the last frame that is a REQUEST, 0 for none. */
function lastIdIn(chunks: readonly Uint8Array[]): number {
  const heads = chunks.map((chunk) => ({
    kind: chunk[3],
    id: chunk.length < 9 ? 0 : new DataView(chunk.buffer).getUint32(5),
  }))
  return heads.filter(({ kind }) => kind === kinds.REQUEST).at(-1)?.id ?? 0
}

describe('P36: an ERROR for the connection', () => {
  const refusal = (changes: object = {}) =>
    frameBytes(kinds.ERROR, 0, 0, packError({ code: 'unavailable', message: 'too full', rule: 'limit', ...changes }))

  it.each(['client', 'server'] as const)('ends the connection of a %s, which answers nothing', (role) => {
    for (const make of [tapped, opened]) {
      const { session, link, effects, clock } = make({ role })
      link.takeSent()
      link.feed(refusal())
      clock.runTurns()
      expect(session.state).toBe('closing')
      expect(link.takeSent()).toEqual([])
      expect(link.asked).toContain('end')
      expect(effects.violations).toEqual([])
      link.close()
      expect(effects.closings[0]?.message).toBe('tap:1 ended the connection by the rule limit: too full')
      expect(clock.timers).toBe(0)
    }
  })

  it('may name a rule that nobody knows yet', () => {
    const { effects, link } = opened({ role: 'client' })
    link.feed(refusal({ rule: 'full_moon' }))
    link.close()
    expect(effects.closings[0]?.message).toContain('by the rule full_moon')
  })

  it('with a code that nobody knows is read as unknown', () => {
    const { session, link } = opened({ role: 'client' })
    const call = new RecordedCall()
    session.start(call)
    link.flush()
    link.feed(refusal({ code: 'Banned' }))
    expect(call.fate).toBe('lost unknown maybe')
  })
})
