/** `nanowire/codec`: values as bytes and back, without a connection (spec/types.md). Only declared errors escape. */
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { codec } from '../../src/codec.ts'
import { Bytes, contract, NanowireError, notify, unary } from '../../src/index.ts'
import { arbitrary } from '../../src/testing/index.ts'
import { pack } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'

const Person = Type.Object({
  name: Type.String({ minLength: 1 }),
  age: Type.Optional(Type.Integer({ minimum: 0 })),
  photo: Type.Optional(Bytes()),
  tags: Type.Array(Type.String()),
})
const Greeter = contract('greeter', {
  hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() })),
  log: notify(Type.Object({ line: Type.String() })),
})

/** The error of `act`, which must be the one class that Nanowire throws. */
function errorOf(act: () => unknown): NanowireError {
  try {
    act()
  } catch (error) {
    if (error instanceof NanowireError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a codec', () => {
  it('gives every value of its schema back', () => {
    const { encode, decode } = codec(Person)
    fc.assert(
      fc.property(arbitrary(Person), (person) => {
        expect(decode(encode(person))).toEqual(person)
      }),
      runs(200),
    )
  })

  it('of a contract has the tagged enum of its requests', () => {
    const { encode, decode } = codec(Greeter)
    expect(decode(encode(Greeter.message.hello({ name: 'Ada' })))).toEqual({
      tag: 'greeter/hello',
      body: { name: 'Ada' },
    })
    expect(decode(encode(Greeter.message.log({ line: 'x' })))).toEqual({ tag: 'greeter/log', body: { line: 'x' } })
    expect(errorOf(() => decode(pack({ tag: 'greeter/bye', body: {} }))).code).toBe('invalid_argument')
  })

  it('writes standard MessagePack with the names as declared', () => {
    expect(codec(Type.Object({ name: Type.String() })).encode({ name: 'Ada' })).toEqual(
      Uint8Array.of(0x81, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xa3, 0x41, 0x64, 0x61),
    )
  })

  it('gives bytes that are their owner’s, and values that hold no bytes of others', () => {
    const { encode, decode } = codec(Person)
    const value = { name: 'Ada', photo: Uint8Array.of(1, 2, 3), tags: [] }
    const one = encode(value)
    const other = encode({ ...value, name: 'Bob' })
    expect(one.buffer.byteLength).toBe(one.length)
    for (const bytes of [one, Buffer.from(one)]) {
      const read = decode(bytes)
      bytes.fill(0)
      expect(read).toEqual(value)
      expect(read.photo?.buffer.byteLength).toBe(3)
    }
    expect(decode(other).name).toBe('Bob')
  })

  it('leaves out what is not declared, both ways', () => {
    const { encode, decode } = codec(Type.Object({ name: Type.String() }))
    const more = { name: 'Ada', hash: 'secret' }
    expect(decode(encode(more))).toEqual({ name: 'Ada' })
    expect(decode(pack(more))).toEqual({ name: 'Ada' })
  })
})

describe('into a buffer', () => {
  const { encode, encodeInto, decode } = codec(Person)

  it('a value is written as by itself, wherever it is to stand, and nothing else is', () => {
    fc.assert(
      fc.property(arbitrary(Person), fc.nat(20), fc.boolean(), (value, at, isPlain) => {
        const expected = encode(value)
        const size = at + expected.length + 5
        const buffer = isPlain ? new Uint8Array(size).fill(0xa5) : Buffer.alloc(size, 0xa5)
        const end = encodeInto(value, buffer, at)
        expect(end).toBe(at + expected.length)
        expect([...buffer.subarray(at, end)]).toEqual([...expected])
        expect([...buffer.subarray(0, at)]).toEqual(new Array(at).fill(0xa5))
        expect(decode(buffer.subarray(at, end))).toEqual(value)
      }),
      runs(100),
    )
  })

  it('a large one is copied', () => {
    const photo = new Uint8Array(20_000).fill(7)
    const value = { name: 'a', photo, tags: [] }
    const buffer = new Uint8Array(30_000)
    const end = encodeInto(value, buffer)
    photo.fill(8)
    expect(decode(buffer.subarray(0, end)).photo?.[19_999]).toBe(7)
  })

  it('one that the reference path decides is written too', () => {
    const Any = codec(Type.Object({ any: Type.Unknown() }))
    const buffer = new Uint8Array(100)
    const end = Any.encodeInto({ any: [1, { a: 'b' }] }, buffer, 3)
    expect(Any.decode(buffer.subarray(3, end))).toEqual({ any: [1, { a: 'b' }] })
  })

  it('where there is too little room is refused, and so is what is no place', () => {
    const value = { name: 'Ada', tags: ['x'] }
    const { length } = encode(value)
    expect(encodeInto(value, new Uint8Array(length))).toBe(length)
    for (const [size, at] of [
      [length - 1, 0],
      [length, 1],
      [10, 20],
      [0, 0],
    ] as const) {
      const { message } = errorOf(() => encodeInto(value, new Uint8Array(size), at))
      expect(message).toBe(`${length} bytes to write, and there is room for ${Math.max(0, size - at)}`)
    }
    for (const at of [-1, 0.5, Number.NaN])
      expect(errorOf(() => encodeInto(value, new Uint8Array(100), at)).message).toMatch(
        'takes a Uint8Array and a place',
      )
    expect(errorOf(() => encodeInto(value, [] as never)).message).toMatch('takes a Uint8Array and a place') // in plain JavaScript
    expect(errorOf(() => encodeInto({ name: 1 } as never, new Uint8Array(100))).message).toMatch('/name')
  })
})

describe('a codec of a schema that has no code of its own', () => {
  const { encode, encodeInto, decode } = codec(Type.Unknown())

  it('gives bytes that are their owner’s as well, and writes where there is just room for them', () => {
    const one = encode(['a', 1])
    expect(one.buffer.byteLength).toBe(one.length)
    encode(['b', 2])
    expect(decode(one)).toEqual(['a', 1])
    const room = new Uint8Array(one.length + 2).fill(9)
    expect(encodeInto(['a', 1], room, 2)).toBe(room.length)
    expect([...room]).toEqual([9, 9, ...one])
    expect(() => encodeInto(['a', 1], room, 3)).toThrow(
      `${one.length} bytes to write, and there is room for ${one.length - 1}`,
    )
  })
})

describe('what a codec refuses', () => {
  const { encode, decode } = codec(Person)

  it.each([
    ['a value', () => encode({ name: '', tags: [] }), /^cannot encode: .*\/name/],
    ['a value of another type', () => encode({ name: 'Ada', tags: [1 as never] }), /^cannot encode: .*\/tags\/0/], // wrong on purpose
    ['a value in bytes', () => decode(pack({ name: 'Ada', tags: [], age: -1 })), /^cannot decode: .*\/age/],
    ['bytes too few', () => decode(Uint8Array.of(0x81, 0xa4)), /^cannot decode: MessagePack, byte 0: /],
    ['bytes too many', () => decode(Uint8Array.of(0x80, 0x80)), /trailing_bytes/],
    ['an extension', () => decode(Uint8Array.of(0xd4, 0x01, 0x00)), /^cannot decode: MessagePack/],
    ['no bytes at all', () => decode(new Uint8Array(0)), /^cannot decode: MessagePack, byte 0: /],
    ['what is no Uint8Array', () => decode('80' as never), /decode takes a Uint8Array/], // likewise
  ])('is %s, and it says what and where', (_, act, message) => {
    const error = errorOf(act)
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toMatch(message)
  })

  it('is never more than a declared error, and it works afterwards', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(arbitrary(Person), fc.nat(), fc.nat({ max: 255 })).map(([person, at, byte]) => {
        const spoilt = encode(person)
        spoilt[at % spoilt.length] = byte
        return spoilt
      }),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          // What is taken is a value of the schema, so it can be written again.
          const value = decode(input)
          expect(decode(encode(value))).toEqual(value)
        } catch (error) {
          expect(error).toBeInstanceOf(NanowireError)
          expect(error).toMatchObject({ code: 'invalid_argument' })
        }
        expect(decode(encode({ name: 'Ada', tags: ['a'] }))).toEqual({ name: 'Ada', tags: ['a'] })
      }),
      runs(500),
    )
  })

  it('is more than maxMessageBytes, and names the limit', () => {
    const small = codec(Type.String(), { maxMessageBytes: 1_024 })
    const fits = pack('x'.repeat(1_021))
    expect(small.decode(fits)).toHaveLength(1_021)
    expect(errorOf(() => small.decode(pack('x'.repeat(1_022)))).message).toMatch(/1025 bytes .*maxMessageBytes is 1024/)
  })

  it.each([null, undefined, 5, 'a', true, false])('is what is neither a schema nor a contract: %s', (of) => {
    expect(errorOf(() => codec(of as never)).code).toBe('invalid_argument') // in plain JavaScript
  })

  it('is a limit that there is not', () => {
    const wrong = { maxMoons: 1 } as never // what a user without types may pass
    expect(errorOf(() => codec(Type.String(), wrong)).message).toContain('there is no limit "maxMoons"')
  })
})
