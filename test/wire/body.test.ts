/** What stands in bodies beside a schema's value (spec/protocol.md, P10 to P12, P17 to P19, P23). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/limits.ts'
import {
  flags,
  metadataEnd,
  PROTOCOL_MAJOR,
  ProtocolError,
  pack,
  packError,
  packHello,
  peerLimitNames,
  readError,
  readHello,
  readMetadata,
  readRequestHead,
} from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { joined, u32 } from '../support/slow-frames.ts'

const limits = { maxDepth: 64, maxNodes: 524_288 }

/** The rule that `act` finds broken; anything but a ProtocolError is thrown on. */
function ruleOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.rule
  }
}

const around = (bytes: Uint8Array) => joined([Uint8Array.of(0xc1, 0xc1), bytes, Uint8Array.of(0xc1)])

describe('P12: a HELLO', () => {
  const hello = fc.record({
    major: fc.constant(PROTOCOL_MAJOR),
    limits: fc.record(
      Object.fromEntries(
        peerLimitNames.map((name) => [name, fc.integer({ min: name === 'maxFrameBytes' ? 65_536 : 1, max: 2 ** 48 })]),
      ) as Record<(typeof peerLimitNames)[number], fc.Arbitrary<number>>, // an entry for each name
    ),
    features: fc.array(fc.string(), { maxLength: 64 }),
    incarnation: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  })

  it('says what it was made of, wherever it lies', () => {
    fc.assert(
      fc.property(hello, (made) => {
        const body = around(packHello(made))
        expect(readHello(body, 2, body.length - 1)).toEqual(made)
      }),
      runs(200),
    )
  })

  it('begins with NWIR and the version', () => {
    const body = packHello({ major: 1, limits: defaultLimits, features: [], incarnation: new Uint8Array(16) })
    expect([...body.subarray(0, 5)]).toEqual([0x4e, 0x57, 0x49, 0x52, 1])
  })

  it('keeps no hold of the bytes that it was read from', () => {
    const body = packHello({ major: 1, limits: defaultLimits, features: [], incarnation: new Uint8Array(16).fill(7) })
    const { incarnation } = readHello(body, 0, body.length)
    body.fill(0)
    expect([...incarnation]).toEqual(Array(16).fill(7))
    expect(incarnation.buffer.byteLength).toBe(16)
  })

  it('P12: says nothing that is for the other side to say', () => {
    const map = { limits: limitsAs(70_000n), features: [], incarnation: new Uint8Array(16), later: [{ a: 1 }] }
    const said = (entries: object) => joined([Uint8Array.of(0x4e, 0x57, 0x49, 0x52, 1), pack({ ...map, ...entries })])
    const [client, server] = [said({ credentials: 'token', contracts: 5 }), said({ credentials: 5, contracts: {} })]
    expect(readHello(client, 0, client.length, 'client')).toMatchObject({ contracts: undefined, credentials: 'token' })
    expect(readHello(server, 0, server.length, 'server')).toMatchObject({
      contracts: new Map(),
      credentials: undefined,
    })
    for (const body of [client, server]) expect(ruleOf(() => readHello(body, 0, body.length))).toBe('hello')
  })

  it('takes numbers in any format of MessagePack', () => {
    const map = { limits: { ...limitsAs(70_000n), maxDepth: 1 }, features: [], incarnation: new Uint8Array(16) }
    const body = joined([Uint8Array.of(0x4e, 0x57, 0x49, 0x52, 1), pack(map)])
    expect(readHello(body, 0, body.length).limits.maxFrameBytes).toBe(70_000)
  })

  it('of any bytes whatever is a HELLO or breaks a declared rule', () => {
    const start = fc.constantFrom(
      [],
      [0x4e, 0x57, 0x49, 0x52],
      [0x4e, 0x57, 0x49, 0x52, 1],
      [0x4e, 0x57, 0x49, 0x52, 1, 0x83],
    )
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 60 }), (prefix, rest) => {
        const body = Uint8Array.from([...prefix, ...rest])
        expect([undefined, 'not_nanowire', 'version', 'hello']).toContain(ruleOf(() => readHello(body, 0, body.length)))
      }),
      runs(500),
    )
  })
})

function limitsAs(value: bigint): Record<string, unknown> {
  return Object.fromEntries(peerLimitNames.map((name) => [name, value]))
}

describe('P17: the head of a REQUEST', () => {
  const head = [...u32(0xfedc_ba98), ...u32(77)]

  it('says tag and time, and where the rest begins', () => {
    const { HASH, INPUT, JUDGED, METADATA, ONE_WAY, OUTPUT } = flags
    const hash = Array(16).fill(1)
    const cases = [
      [0, [...head, 5], 8, 8],
      [ONE_WAY | JUDGED, head, 8, 8],
      [HASH, [...head, ...hash, 5], 24, 24],
      [METADATA, [...head, 0, 2, 0x80, 0xc0, 5], 8, 12],
      [HASH | METADATA, [...head, ...hash, 0, 0, 5], 24, 26],
      [OUTPUT, [...head, 5], 8, 8],
      [INPUT | OUTPUT | METADATA, [...head, 0, 1, 0x80], 8, 11],
    ] as const
    for (const [bits, bytes, metadataStart, bodyStart] of cases) {
      const body = around(Uint8Array.from(bytes))
      expect(readRequestHead(bits, body, 2, body.length - 1)).toEqual({
        tag: 0xfedc_ba98,
        timeoutMs: 77,
        oneWay: (bits & ONE_WAY) !== 0,
        judged: (bits & JUDGED) !== 0,
        input: (bits & INPUT) !== 0,
        output: (bits & OUTPUT) !== 0,
        hashStart: (bits & HASH) === 0 ? -1 : 10,
        metadataStart: metadataStart + 2,
        bodyStart: bodyStart + 2,
      })
    }
  })

  it('that is cut off anywhere is a breach, and nothing beyond the frame is read', () => {
    const whole = Uint8Array.from([...head, ...Array(16).fill(1), 0, 3, 0x81, 0xa0, 0xa0])
    for (let end = 0; end <= whole.length; end++) {
      const body = joined([whole.subarray(0, end), Uint8Array.of(0, 0, 0, 0)])
      const rule = ruleOf(() => readRequestHead(flags.HASH | flags.METADATA, body, 0, end))
      expect(rule, `${end} bytes`).toBe(end < whole.length ? 'body' : undefined)
    }
  })
})

describe('P19: metadata', () => {
  const framed = (bytes: Uint8Array) => Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes])
  const read = (bytes: Uint8Array, max = 8_192) => readMetadata(framed(bytes), 0, bytes.length + 2, max)

  it('is a map of texts', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          fc.string(),
        ),
        (entries) => {
          expect(read(pack(entries))).toEqual(entries)
        },
      ),
      runs(200),
    )
    expect(readMetadata(new Uint8Array(5), 3, 3, 0)).toEqual({})
  })

  it('takes 2,047 entries, and more within its bytes', () => {
    const entries = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [index.toString(36), '']))
    expect(read(pack(entries), 60_000)).toEqual(entries)
  })

  it.each([
    ['a number', { a: 1 }],
    ['nothing', { a: null }],
    ['bytes', { a: new Uint8Array(1) }],
    ['a map', { a: {} }],
  ])('is no map with %s', (_, entries) => expect(ruleOf(() => read(pack(entries)))).toBe('body'))

  it.each([
    ['a list', pack(['a'])],
    ['half a map', Uint8Array.of(0x82, 0xa1, 0x61, 0xa1)],
    ['two maps', Uint8Array.of(0x80, 0x80)],
    ['a name twice', Uint8Array.of(0x82, 0xa1, 0x61, 0xa0, 0xa1, 0x61, 0xa0)],
    ['__proto__', joined([Uint8Array.of(0x81), pack('__proto__'), pack('x')])],
  ])('is not %s', (_, bytes) => expect(ruleOf(() => read(bytes))).toBe('body'))

  it('has as many bytes as its limit says, and no more', () => {
    const bytes = pack({ a: 'b'.repeat(30) })
    expect(ruleOf(() => read(bytes, bytes.length))).toBe(undefined)
    expect(() => read(bytes, bytes.length - 1)).toThrow(/metadata of 34 bytes: maxMetadataBytes is 33/)
    expect(ruleOf(() => read(bytes, bytes.length - 1))).toBe('limit')
  })

  it('ends within its frame, at any place of it', () => {
    const bytes = Uint8Array.of(9, 0, 3, 1, 2, 3, 9)
    expect(metadataEnd(bytes, 1, 6)).toBe(6)
    for (const end of [1, 2, 5]) expect(ruleOf(() => metadataEnd(bytes, 1, end))).toBe('body')
  })
})

describe('P23: an ERROR', () => {
  const read = (bytes: Uint8Array, within = limits) => readError(around(bytes), 2, bytes.length + 2, within)

  it('is cut where it is longer than anything that is sent', () => {
    const error = read(packError({ code: 'c'.repeat(5_000), message: 'm'.repeat(5_000), processed: 'no' }))
    expect([error.code.length, error.message.length]).toEqual([128, 1_024])
  })

  it('says what it was made of', () => {
    const text = fc.option(fc.string(), { nil: undefined })
    const error = fc.record({
      code: fc.string(),
      message: fc.string(),
      processed: fc.constantFrom(undefined, 'no', 'maybe', 'yes'),
      id: text,
      rule: text,
      lastId: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { nil: undefined }),
      metadata: fc.constantFrom(undefined, { a: 'b' }, {}),
      data: fc.option(
        fc.dictionary(
          fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
          fc.string(),
        ),
        {
          nil: undefined,
        },
      ),
    })
    fc.assert(
      fc.property(error, (made) => {
        expect(read(packError(made))).toEqual(made)
      }),
      runs(200),
    )
  })

  it('leaves out what is undefined', () => {
    expect(packError({ code: 'a', message: 'b', data: undefined })).toEqual(pack({ code: 'a', message: 'b' }))
  })

  it('lets be what it does not know, and what is of another type', () => {
    const map = { code: 'a', message: 'b', more: [1], id: 5, rule: null, lastId: 'x', metadata: 'm', data: null }
    expect(read(pack(map))).toEqual({ code: 'a', message: 'b', data: null })
  })

  it.each([
    ['without a code', { message: '' }],
    ['without a message', { code: '' }],
    ['with a code that is null', { code: null, message: '' }],
    ['with another processed', { code: '', message: '', processed: 'perhaps' }],
    ['with processed that is null', { code: '', message: '', processed: null }],
    ['with metadata of numbers', { code: '', message: '', metadata: { a: 1 } }],
    ['that is a list', []],
    ['that is nothing', null],
  ])('%s is a breach', (_, map) => expect(ruleOf(() => read(pack(map)))).toBe('body'))

  it('of any bytes whatever is an ERROR or breaks a declared rule', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        expect([undefined, 'body']).toContain(ruleOf(() => read(bytes)))
      }),
      runs(500),
    )
  })

  it('keeps to maxDepth and maxNodes', () => {
    const error = { code: 'a', message: 'b', data: [[[1]]] }
    expect(ruleOf(() => read(pack(error), { maxDepth: 4, maxNodes: 100 }))).toBe(undefined)
    expect(ruleOf(() => read(pack(error), { maxDepth: 3, maxNodes: 100 }))).toBe('body')
    expect(ruleOf(() => read(pack(error), { maxDepth: 4, maxNodes: 5 }))).toBe('body')
  })
})
