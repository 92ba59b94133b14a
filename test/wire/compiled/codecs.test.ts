/** Compiled codecs by hand-made cases: every kind at its edges, odd objects, hostile names, who may hold what (spec/codecs.md). */
import { isDeepStrictEqual } from 'node:util'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, Misfit, Timestamp } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { decodeBody, encodeInto, encodeBody as encodePieces, joinBody, pack, unpack } from '../../../src/wire/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const room = new Uint8Array(1 << 20)

const encodeBody = (...args: Parameters<typeof encodePieces>): Uint8Array => joinBody(encodePieces(...args))

/** What the compiled path alone writes, or `undefined`; where it is off, what the reference does. */
function encoded(schema: TSchema, value: unknown): Uint8Array | undefined {
  if (!isOn) return encodedByReference(schema, value)
  const end = compiledOf(gateOf(schema)).encode(value, room, 5, defaultLimits)
  return end < 0 ? undefined : room.slice(5, end)
}

function encodedByReference(schema: TSchema, value: unknown): Uint8Array | undefined {
  try {
    return referenceBytes(schema, value)
  } catch {
    return undefined
  }
}

/** What the compiled path alone reads; where it is off, what the reference does. */
function decoded(schema: TSchema, bytes: Uint8Array): unknown {
  if (!isOn) return decodedByReference(schema, bytes)
  return compiledOf(gateOf(schema)).decode(bytes, 0, bytes.length, defaultLimits)
}

function decodedByReference(schema: TSchema, bytes: Uint8Array): unknown {
  try {
    return gateOf(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
  } catch {
    return UNDECIDED
  }
}

function referenceBytes(schema: TSchema, value: unknown): Uint8Array {
  return pack(gateOf(schema).toWire(value)).slice()
}

/** Both directions by the compiled path, which must decide, and equal to the reference. */
function expectSame(schema: TSchema, value: unknown): void {
  const bytes = referenceBytes(schema, value)
  expect(isDeepStrictEqual(encoded(schema, value), bytes), `the bytes of ${String(value).slice(0, 99)}`).toBe(true)
  const back = gateOf(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
  const made = decoded(schema, bytes)
  expect(isDeepStrictEqual(made, back), `${String(made).slice(0, 99)} for ${String(back).slice(0, 99)}`).toBe(true)
}

const numbers = [
  0,
  -0,
  1,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  0.1,
  -0.5,
  1e300,
  5e-324,
]
const negatives = [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53)]
const texts = ['', 'é', '€', '😀', '\ufeffmark', ' \u2028 ', 'a\0b', 'naïve', 'ends in é']
const lengths = [1, 3, 4, 7, 8, 9, 15, 16, 23, 24, 25, 31, 32, 33, 63, 64, 65, 85, 86, 255, 256, 65_535, 65_536]

describe('a compiled codec writes and reads as the reference does', () => {
  it.each([...numbers, ...negatives])('the number %d', (value) => {
    expectSame(Type.Number(), value)
    if (Number.isInteger(value)) expectSame(Type.Integer(), value)
  })

  it('texts of every length at which a form changes, of every width', () => {
    for (const text of texts) expectSame(Type.String(), text)
    for (const length of lengths) {
      for (const unit of ['x', 'é', '€', '😀']) {
        expectSame(Type.String(), unit.repeat(length))
        expectSame(Type.String(), `${'x'.repeat(length)}${unit}`)
      }
    }
  })

  it('bigints, instants, bytes, nil and booleans at their edges', () => {
    for (const value of [0n, -1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)])
      expectSame(Type.BigInt(), value)
    for (const ms of [0, 1, 999, 1000, -1, -1000, 2 ** 32 * 1000 - 1, 2 ** 32 * 1000, 8.64e15, -8.64e15])
      expectSame(Timestamp(), new Date(ms))
    for (const length of [0, 1, 24, 25, 255, 256, 1023, 1024, 8000]) expectSame(Bytes(), new Uint8Array(length).fill(7))
    for (const value of [true, false]) expectSame(Type.Boolean(), value)
    expectSame(Type.Null(), null)
    expectSame(Type.Undefined(), undefined)
  })

  it('lists, tuples, records and unions', () => {
    for (const length of [0, 1, 15, 16, 70_000]) expectSame(Type.Array(Type.Integer()), new Array(length).fill(5))
    expectSame(Type.Tuple([Type.String(), Type.Integer()]), ['a', 1])
    expectSame(
      Type.Record(Type.String(), Type.Integer()),
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n])),
    )
    const anything = Type.Union([
      Type.Null(),
      Type.Boolean(),
      Type.String(),
      Type.Number(),
      Bytes(),
      Timestamp(),
      Type.Array(Type.Integer()),
      Type.Object({ a: Type.Integer() }),
    ])
    for (const value of [null, true, 'x', 1.5, Uint8Array.of(1), new Date(5), [1, 2], { a: 1 }])
      expectSame(anything, value)
    const shapes = Type.Union([
      Type.Object({ kind: Type.Literal('circle'), radius: Type.Number() }),
      Type.Object({ size: Type.Number(), kind: Type.Literal('square') }),
    ])
    expectSame(shapes, { kind: 'circle', radius: 2 })
    expectSame(shapes, { size: 2, kind: 'square' })
  })

  it('objects with and without their optional properties, of any number', () => {
    const Some = Type.Object({ a: Type.Optional(Type.Integer()), b: Type.String(), c: Type.Optional(Type.String()) })
    for (const value of [{ b: 'x' }, { a: 1, b: 'x' }, { b: 'x', c: 'y' }, { a: 1, b: 'x', c: 'y' }])
      expectSame(Some, value)
    expect(encoded(Some, { a: undefined, b: 'x' })).toEqual(encoded(Some, { b: 'x' }))
    for (const count of [0, 1, 15, 16, 31, 32, 40]) {
      const names = Array.from({ length: count }, (_, n) => `p${n}`)
      expectSame(
        Type.Object(Object.fromEntries(names.map((name) => [name, Type.Integer()]))),
        Object.fromEntries(names.map((name, n) => [name, n])),
      )
    }
  })
})

describe('a peer whose schema is compatible but another', () => {
  const Item = Type.Object({ id: Type.Integer(), name: Type.String(), note: Type.Optional(Type.String()) })

  it('may order, add and leave out properties, and the compiled decoder still decides', () => {
    for (const sent of [
      { name: 'x', id: 1 },
      { more: [1, { deep: 'é' }], id: 1, name: 'x', last: null },
      { note: 'n', name: 'x', id: 1 },
      { '': 1, id: 1, name: 'x' },
    ]) {
      const bytes = pack(sent).slice()
      expect(decoded(Item, bytes)).toEqual(gateOf(Item).fromWire(sent))
      if (!isOn) continue // the reference keeps the sender's order
      expect(Object.keys(decoded(Item, bytes) as object)).toEqual(['id', 'name', 'note'].filter((name) => name in sent))
    }
  })

  it('may not send a name twice, nor what is no strict MessagePack under a name that nobody declares', () => {
    const good = [0xa2, 0x69, 0x64, 1, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xa1, 0x78]
    const bad = [
      [0x83, ...good, 0xa2, 0x69, 0x64, 1], // id again
      [0x84, ...good, 0xa1, 0x7a, 1, 0xa1, 0x7a, 2], // z twice
      [0x84, ...good, 0xa1, 0x7a, 1, 0xd9, 1, 0x7a, 2], // z twice, in two forms
      [0x83, ...good, 0xa1, 0xff, 1], // a key that is no UTF-8
      [0x83, ...good, 0xa1, 0x7a, 0xa1, 0xff], // a text that is none
      [0x83, ...good, 0xa1, 0x7a, 0xc1],
      [0x83, ...good, 0xa9, ...new TextEncoder().encode('__proto__'), 1],
      [0x83, ...good, 0x01, 1], // a key that is no text
      [0x82, ...good, 0xc0], // a byte too many
    ]
    for (const bytes of bad) {
      expect(decoded(Item, Uint8Array.from(bytes))).toBe(UNDECIDED)
      expect(() => decodeBody(gateOf(Item), Uint8Array.from(bytes), 0, bytes.length, defaultLimits)).toThrow()
    }
    expect(decoded(Item, Uint8Array.from([0x82, ...good]))).toEqual({ id: 1, name: 'x' })
  })

  it('ends where its bytes end, though more lie behind them', () => {
    const bytes = pack({ id: 1, name: 'x' }).slice()
    const padded = Uint8Array.from([...bytes, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0])
    for (let end = 0; end <= padded.length; end++) {
      const value = decoded(Item, padded.subarray(0, end))
      const within = compiledOf(gateOf(Item)).decode(padded, 0, end, defaultLimits)
      if (isOn) expect(within === UNDECIDED).toBe(end !== bytes.length)
      expect(value === UNDECIDED).toBe(end !== bytes.length)
    }
  })
})

describe('names that are also JavaScript', () => {
  const hostile = [
    "'",
    '"',
    '\\',
    '\\"',
    `\`\${process.exit(1)}\``,
    '*/ throw 1 /*',
    '//',
    '\n',
    '\u2028',
    '\u2029',
    `\${1}`,
    '"]; throw 1; //',
    'b',
    'p',
    'at',
    'v',
    'end',
    'most',
    '\0',
    'constructor\0',
    '0',
    '1e3',
    ' ',
    '😀',
    'null',
    'class',
  ]

  it('are names only, in both directions', () => {
    const schema = Type.Object(Object.fromEntries(hostile.map((name) => [name, Type.Optional(Type.Integer())])))
    const value = Object.fromEntries(hostile.map((name, n) => [name, n]))
    const bytes = encodeBody(gateOf(schema), value, defaultLimits)
    expect(decodeBody(gateOf(schema), bytes, 0, bytes.length, defaultLimits)).toEqual(value)
    for (const name of hostile) {
      expect(decoded(Type.Object({ [name]: Type.Integer() }), pack({ [name]: 1 }).slice())).toEqual({ [name]: 1 })
      expect(encoded(Type.Object({ [name]: Type.Integer() }), { [name]: 1 })).toEqual(pack({ [name]: 1 }).slice())
    }
  })

  it('may be constants, patterns and tags as well', () => {
    for (const name of hostile) {
      expectSame(Type.Literal(name), name)
      expectSame(Type.Union([Type.Literal(name), Type.Literal('other')]), name)
      const tagged = Type.Union([
        Type.Object({ [name]: Type.Literal(name), x: Type.Integer() }),
        Type.Object({ [name]: Type.Literal('other'), y: Type.Integer() }),
      ])
      expectSame(tagged, { [name]: name, x: 1 })
      expectSame(tagged, { [name]: 'other', y: 1 })
    }
  })

  it('that objects inherit are nobody’s in records, and the name of the prototype never gets anywhere', () => {
    const Numbers = Type.Record(Type.String(), Type.Integer())
    for (const name of ['toString', 'constructor', 'hasOwnProperty']) {
      const bytes = pack({ [name]: 1 }).slice()
      expect(decodeBody(gateOf(Numbers), bytes, 0, bytes.length, defaultLimits)).toEqual({ [name]: 1 })
    }
    const proto = Uint8Array.from([0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 1])
    expect(decoded(Numbers, proto)).toBe(UNDECIDED)
    expect(() => decodeBody(gateOf(Numbers), proto, 0, proto.length, defaultLimits)).toThrow(/key_forbidden/)
  })
})

describe('memory', () => {
  const Blob = Type.Object({ data: Bytes() })

  it('of what was decoded is not that of the bytes', () => {
    for (const length of [3, 100, 2000]) {
      const bytes = encodeBody(gateOf(Blob), { data: new Uint8Array(length).fill(1) }, defaultLimits).slice()
      const { data } = decodeBody(gateOf(Blob), bytes, 0, bytes.length, defaultLimits) as { data: Uint8Array }
      bytes.fill(9)
      expect(data).toEqual(new Uint8Array(length).fill(1))
      expect(data.buffer.byteLength).toBe(length)
      expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype)
    }
  })

  it('of what encodeBody has returned stays as it is', () => {
    const first = encodeBody(gateOf(Blob), { data: Uint8Array.of(1, 2, 3) }, defaultLimits)
    const copy = first.slice()
    for (let n = 0; n < 100; n++) encodeBody(gateOf(Blob), { data: new Uint8Array(5000).fill(n) }, defaultLimits)
    expect(first).toEqual(copy)
  })

  it('of large bytes is right too', () => {
    for (const length of [8191, 8192, 8193, 65_535, 65_536, 1_000_000]) {
      const data = new Uint8Array(length).map((_, n) => n * 31)
      const bytes = encodeBody(gateOf(Blob), { data }, defaultLimits)
      expect(isDeepStrictEqual(decodeBody(gateOf(Blob), bytes, 0, bytes.length, defaultLimits), { data })).toBe(true)
    }
  })

  it('that does not suffice is said, at every length', () => {
    const Item = Type.Object({
      id: Type.Number(),
      text: Type.String(),
      long: Type.String(),
      data: Bytes(),
      list: Type.Array(Type.Integer()),
    })
    const value = { id: 0.5, text: 'é', long: 'x'.repeat(100), data: new Uint8Array(40), list: [1, 2, 300] }
    const whole = referenceBytes(Item, value)
    for (let length = 0; length < whole.length + 4; length++) {
      const end = encodeInto(gateOf(Item), value, new Uint8Array(length), 2, defaultLimits)
      if (end >= 0) expect([end, length >= end]).toEqual([whole.length + 2, true])
    }
    expect(encodeInto(gateOf(Item), value, room, 2, defaultLimits)).toBe(isOn ? whole.length + 2 : -1)
  })
})

describe('code of the user', () => {
  const Node = Type.Object({ name: Type.String(), score: Type.Number(), tags: Type.Array(Type.String()) })

  it('in a getter may encode and decode with the same codec meanwhile', () => {
    const inner = { name: 'inner', score: 0.25, tags: ['a'] }
    let calls = 0
    const outer = {
      name: 'outer',
      get score() {
        calls++
        const bytes = encodeBody(gateOf(Node), inner, defaultLimits)
        expect(decodeBody(gateOf(Node), bytes, 0, bytes.length, defaultLimits)).toEqual(inner)
        return 1.5
      },
      tags: ['b', 'c'],
    }
    const bytes = encodeBody(gateOf(Node), outer, defaultLimits)
    expect(decodeBody(gateOf(Node), bytes, 0, bytes.length, defaultLimits)).toEqual({
      name: 'outer',
      score: 1.5,
      tags: ['b', 'c'],
    })
    expect(calls).toBeGreaterThan(0)
  })

  it('in a check may decode with the same codec meanwhile', () => {
    let depth = 0
    const Checked: TSchema = Type.Object({
      a: Type.Refine(Type.String({ 'x-name': 'reentrant' }), () => {
        if (depth > 0) return true
        depth++
        const bytes = encodeBody(gateOf(Checked), { a: 'inner', b: 2 }, defaultLimits)
        expect(decodeBody(gateOf(Checked), bytes, 0, bytes.length, defaultLimits)).toEqual({ a: 'inner', b: 2 })
        depth--
        return true
      }),
      b: Type.Integer(),
    })
    const bytes = pack({ a: 'outer', b: 1 }).slice()
    expect(decodeBody(gateOf(Checked), bytes, 0, bytes.length, defaultLimits)).toEqual({ a: 'outer', b: 1 })
  })

  it('that throws in a getter throws through', () => {
    const value = {
      name: 'x',
      get score(): number {
        throw new TypeError('mine')
      },
      tags: [],
    }
    expect(() => encodeBody(gateOf(Node), value, defaultLimits)).toThrow(new TypeError('mine'))
    expect(encodeBody(gateOf(Node), { name: 'x', score: 1, tags: [] }, defaultLimits)).toHaveLength(21)
  })
})

describe('what does not fit', () => {
  const Item = Type.Object({ id: Type.Integer({ minimum: 1 }), name: Type.String({ maxLength: 3 }) })

  it.each<[string, unknown, RegExp]>([
    ['a number out of bounds', { id: 0, name: 'x' }, /^\/id /],
    ['a text that is too long', { id: 1, name: 'long' }, /^\/name /],
    ['a missing property', { id: 1 }, /^\/name is required/],
    ['half of a surrogate pair', { id: 1, name: '\ud800' }, /^\/name holds half/],
    ['an inherited property', Object.create({ id: 1, name: 'x' }), /^\/id is inherited/],
    ['no object', [1], /must be an object/],
  ])('%s is refused in the words of the reference', (_, value, message) => {
    expect(encoded(Item, value)).toBeUndefined()
    let described = 'it fits'
    try {
      encodeBody(gateOf(Item), value, defaultLimits)
    } catch (error) {
      if (error instanceof Misfit) described = error.describe()
    }
    expect(described).toMatch(message)
  })

  it('is never more than the limits allow', () => {
    const Deep = Type.Array(Type.Array(Type.Array(Type.Integer())))
    const bytes = pack([[[1, 2, 3]]]).slice()
    for (const limits of [
      { maxDepth: 2, maxNodes: 100 },
      { maxDepth: 64, maxNodes: 5 },
    ]) {
      expect(() => decodeBody(gateOf(Deep), bytes, 0, bytes.length, limits)).toThrow()
      expect(encodeInto(gateOf(Deep), [[[1, 2, 3]]], room, 0, limits)).toBe(-1)
      expect(() => encodeBody(gateOf(Deep), [[[1, 2, 3]]], limits)).toThrow()
    }
  })

  it.runIf(isOn)('is counted where there are more bytes than values may be', () => {
    const Texts = Type.Array(Type.String())
    const texts = ['a text that is longer than ten bytes', 'another one', '']
    const bytes = pack(texts).slice()
    const compiled = compiledOf(gateOf(Texts))
    expect(compiled.decode(bytes, 0, bytes.length, { maxDepth: 64, maxNodes: 4 })).toEqual(texts)
    const limits = { maxDepth: 64, maxNodes: 3 }
    expect(compiled.decode(bytes, 0, bytes.length, limits)).toBe(UNDECIDED)
    expect(() => decodeBody(gateOf(Texts), bytes, 0, bytes.length, limits)).toThrow(/maxNodes, which is 3/)
  })
})

describe('names that are not declared', () => {
  const Some = Type.Object({ known: Type.Optional(Type.String()) })
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name ${index}`, index]))

  it.each([1, 16, 17, 18, 500])('are skipped, %i of them', (count) => {
    const bytes = pack({ ...many(count), known: 'yes' }).slice()
    expect(decoded(Some, bytes)).toEqual({ known: 'yes' })
  })

  it.each([
    [2, 0],
    [16, 15],
    [17, 16],
    [17, 0],
    [18, 17],
    [40, 5],
    [40, 39],
  ])('may not come twice: of %i that at %i', (count, again) => {
    const { length } = pack(many(count))
    const twice = new Uint8Array(pack({ ...many(count), twice: 1 }))
    const name = pack(`name ${again}`)
    const at = twice.length - pack('twice').length - 1
    const bytes = Buffer.concat([twice.subarray(0, at), name, Uint8Array.of(1)])
    expect(at).toBeGreaterThanOrEqual(length - 2)
    expect(compiledOf(gateOf(Some)).decode(bytes, 0, bytes.length, defaultLimits)).toBe(UNDECIDED)
    expect(() => decodeBody(gateOf(Some), bytes, 0, bytes.length, defaultLimits)).toThrow(/second time/)
  })
})
