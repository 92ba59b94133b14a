/** `pack` and `unpack`: what goes in comes out, in bytes of its own, whatever else msgpackr is used for. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import * as everyones from 'msgpackr'
import { describe, expect, it, vi } from 'vitest'
import { NegativeZero } from '../../src/contract/index.ts'
import { pack, unpack } from '../../src/wire/index.ts'
import { walkStrict } from '../../src/wire/strict.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { strictMessage } from './arbitrary-msgpack.ts'
import { outcomeOf, slowUnpack } from './slow-msgpack.ts'

const limits = { maxDepth: 64, maxNodes: 524_288 }
const KIB = 1024

function read(bytes: Uint8Array): unknown {
  return unpack(bytes, 0, bytes.length, limits)
}

function readHex(hex: string): unknown {
  return read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

const keyName = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('constructor', 'toString', 'toJSON', 'valueOf', '', '0', '7'),
  )
  .filter((name) => name !== '__proto__')

/** Anything that may travel, as contracts let it through: no half surrogates, no invalid dates, no -0, no __proto__. */
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 18 }),
    fc.dictionary(keyName, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value

describe('pack and unpack', () => {
  it('any value that may travel comes out as it went in', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = pack(value)
        walkStrict(bytes, 0, bytes.length, limits)
        deepStrictEqual(read(bytes), value)
      }),
      runs(1000),
    )
  })

  it('any strict message, longer forms included, reads as the slow twin reads it', { timeout: PATIENCE_MS }, () => {
    fc.assert(
      fc.property(strictMessage, fc.nat({ max: 9 }), (message, offset) => {
        const expected = slowUnpack(message, limits)
        deepStrictEqual(read(message), expected)
        const within = Buffer.concat([Buffer.alloc(offset, 0xc1), message, Buffer.alloc(3, 0xc1)])
        deepStrictEqual(unpack(within, offset, offset + message.length, limits), expected)
      }),
      runs(1000),
    )
  })

  it('any bytes: a value or a StrictError, and both go on working', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        deepStrictEqual(
          outcomeOf(() => read(bytes)),
          outcomeOf(() => slowUnpack(bytes, limits)),
        )
        deepStrictEqual(read(pack({ name: 'Ada' })), { name: 'Ada' })
      }),
      runs(1000),
    )
  })

  it('M17: any other reader of MessagePack reads what pack writes', () => {
    const others = new everyones.Unpackr({ useRecords: false, mapsAsObjects: true })
    const value = { text: 'é', list: [1, -1, 300, 1.5, 5e9], map: { a: null, b: true }, big: 5n, at: new Date(1) }
    deepStrictEqual(others.unpack(pack(value)), value)
  })

  it.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [4_294_967_295, 'ceffffffff'],
    [4_294_967_296, 'cb41f0000000000000'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32_769, 'd2ffff7fff'],
    [-2_147_483_648, 'd280000000'],
    [-2_147_483_649, 'cbc1e0000000200000'],
    [0.5, 'cb3fe0000000000000'],
    [Number.NaN, 'cb7ff8000000000000'],
    [Number.NEGATIVE_INFINITY, 'cbfff0000000000000'],
    [0n, 'd30000000000000000'],
    [-1n, 'd3ffffffffffffffff'],
    [2n ** 63n - 1n, 'd37fffffffffffffff'],
    [2n ** 63n, 'cf8000000000000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [-(2n ** 63n), 'd38000000000000000'],
  ])('M17: %s is written %s', (value, hex) => {
    expect(hexOf(pack(value))).toBe(hex)
    deepStrictEqual(readHex(hex), value)
  })

  it('M17: -0 is written as the float that it is, wherever it stands', () => {
    const minusZero = new NegativeZero()
    expect(hexOf(pack(minusZero))).toBe('cb8000000000000000')
    deepStrictEqual(read(pack([minusZero, 1, { a: minusZero, b: 'x' }, minusZero])), [-0, 1, { a: -0, b: 'x' }, -0])
    deepStrictEqual(read(pack(new Array(5000).fill(minusZero))), new Array(5000).fill(-0)) // across the ends of slabs
  })

  it('M17: undefined is nil, and a bigint of more than 64 bits is a RangeError that spoils nothing', () => {
    expect(hexOf(pack([undefined, { a: undefined }]))).toBe('92c081a161c0')
    for (const large of [2n ** 64n, -(2n ** 63n) - 1n]) expect(() => pack({ a: [1, large] })).toThrow(RangeError)
    expect(hexOf(pack([1]))).toBe('9101')
  })

  it('M7: 64-bit integers are bigints however small, other numbers are numbers', () => {
    deepStrictEqual(readHex('94 cf0000000000000005 d3fffffffffffffffb ce00000005 ca3fc00000'), [5n, -5n, 5, 1.5])
  })

  it('M16: timestamps are rounded down to milliseconds, on both sides of 1970', () => {
    const at = (hex: string): number => (readHex(hex) as Date).getTime() // a timestamp, as the bytes say
    expect(at('d6ff 5a4af6a5')).toBe(1_514_862_245_000)
    expect(at('d6ff ffffffff')).toBe(4_294_967_295_000)
    expect(at('d7ff a1dcd7c8 5a4af6a5')).toBe(1_514_862_245_678) // and 901,234 ns
    expect(at('d7ff ee6b27ff ffffffff')).toBe(17_179_869_183_999) // and 999,999 ns
    expect(at('c70cff 3b9ac9ff ffffffffffffffff')).toBe(-1) // a nanosecond before 1970
    expect(at('c70cff 00000001 0000000000000000')).toBe(0)
    expect(at('c70cff 3b9ac9ff ffffffff7c55817f')).toBe(-2_208_988_800_001)
    expect(at('c70cff 00000000 000007dba8218000')).toBe(8.64e15)
    expect(at('c70cff 00000000 fffff82457de8000')).toBe(-8.64e15)
  })

  it('M17: dates are timestamps to the millisecond, from the first to the last', () => {
    for (const ms of [
      0, 1, 999, 1000, 1500, -1, -999, -1000, 4_294_967_295_999, 4_294_967_296_000, 17_179_869_184_001, 8.64e15,
      -8.64e15,
    ]) {
      deepStrictEqual(read(pack(new Date(ms))), new Date(ms))
    }
  })

  it('texts and bytes of every header come back whole, and so do arrays and maps', { timeout: PATIENCE_MS }, () => {
    for (const length of [
      0, 1, 15, 16, 24, 25, 31, 32, 63, 64, 65, 255, 256, 4095, 4096, 4097, 65_535, 65_536, 70_000,
    ]) {
      for (const unit of ['a', 'é', '€', '😀', '\ufeff', '\u0000']) {
        const text = unit.repeat(length)
        deepStrictEqual(read(pack([text, { text }])), [text, { text }])
      }
      const key = 'k'.repeat(length)
      deepStrictEqual(read(pack({ [key]: 1, [`\ufeff${key}`]: 2, [`é${key}`]: 3 })), {
        [key]: 1,
        [`\ufeff${key}`]: 2,
        [`é${key}`]: 3,
      })
      deepStrictEqual(read(pack(new Uint8Array(length).fill(7))), new Uint8Array(length).fill(7))
      deepStrictEqual(read(pack(new Array(length).fill(1))), new Array(length).fill(1))
      const map = Object.fromEntries(Array.from({ length }, (_, index) => [`key ${index}`, index]))
      deepStrictEqual(read(pack(map)), map)
    }
    const huge = `${'x'.repeat(5 * KIB * KIB)}é`
    expect(read(pack(huge)) === huge).toBe(true)
  })

  it('keys that Object.prototype has are own data, even where it is frozen or has a setter', () => {
    const names = [
      ...Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== '__proto__'),
      'toJSON',
      'then',
      'planted',
    ]
    const bytes = pack(Object.fromEntries(names.map((name, index) => [name, index])))
    Object.defineProperty(Object.prototype, 'planted', { set: () => expect.unreachable(), configurable: true })
    Object.defineProperty(Object.prototype, 'valueOf', { writable: false })
    try {
      for (const value of [read(bytes), read(bytes)]) {
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
        deepStrictEqual(
          Object.entries(value as object),
          names.map((name, index) => [name, index]),
        ) // a map, as packed
      }
    } finally {
      Reflect.deleteProperty(Object.prototype, 'planted')
      Object.defineProperty(Object.prototype, 'valueOf', { writable: true })
    }
  })

  it('keys that share a slot of the cache do not stand for each other', () => {
    // The same length, first, middle and last byte: only a comparison of all bytes tells them apart.
    const alike = Array.from({ length: 26 }, (_, index) => `a${String.fromCharCode(97 + index)}cde`)
    const notAscii = ['aéde', 'aède', 'a\u0000de\u007f']
    for (let round = 0; round < 3; round++) {
      for (const key of [...alike, ...notAscii])
        deepStrictEqual(read(pack({ [key]: { [key]: round } })), { [key]: { [key]: round } })
    }
  })

  it('a key whose characters are the bytes of another one is not taken for it', () => {
    const key = `\u03c0${'\u00c0'.repeat(7)}` // 16 bytes of UTF-8 ...
    const alike = Buffer.from(key).toString('latin1') // ... and the 16 characters of those, which meet in the cache
    for (const name of [alike, key, alike]) deepStrictEqual(read(pack({ [name]: 1 })), { [name]: 1 })
  })
})

describe('memory', () => {
  it('decoded bytes are plain, have a buffer of their own size, and do not change with what they came from', () => {
    for (const length of [0, 1, 3, 100, 5000, 70_000]) {
      for (const kind of [Buffer, Uint8Array]) {
        const slab = kind.from([0xc1, ...pack({ bytes: new Uint8Array(length).fill(5) }), 0xc1])
        const { bytes } = unpack(slab, 1, slab.length - 1, limits) as { bytes: Uint8Array } // as packed
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
        expect(bytes.buffer.byteLength).toBe(length)
        slab.fill(0)
        deepStrictEqual(bytes, new Uint8Array(length).fill(5))
      }
    }
  })

  it('what pack returned stays as it was, and its slice is a copy', () => {
    const kept = Array.from(
      { length: 3000 },
      (_, index) => [index, pack({ index, text: 'x'.repeat(index % 90) })] as const,
    )
    for (const [index, bytes] of kept) deepStrictEqual(read(bytes), { index, text: 'x'.repeat(index % 90) })
    const packed = pack([1, 2, 3])
    packed.slice().fill(0)
    expect(hexOf(packed)).toBe('93010203')
  })

  it('a small value after a large one does not keep the room of the large one', () => {
    for (const large of ['x'.repeat(1024 * KIB), new Array(200_000).fill(1.5), new Uint8Array(300 * KIB)]) {
      pack(large)
      expect(pack({ small: 'x'.repeat(100), é: 'é'.repeat(100) }).buffer.byteLength).toBeLessThanOrEqual(64 * KIB)
    }
    deepStrictEqual(read(pack('é'.repeat(100))), 'é'.repeat(100))
  })

  it('nothing that was read, or refused, is held on to', async () => {
    const { gc } = globalThis
    if (!gc) throw new Error('run with --expose-gc')
    let buffers: WeakRef<Uint8Array>[] = []
    const readAll = (): void => {
      const good = pack({ list: ['x', { y: 1 }] }).slice()
      const bad = good.slice(0, -1)
      const duplicate = Buffer.from('82a161c0a161c0', 'hex')
      buffers = [good, bad, Buffer.concat([duplicate])].map((bytes) => {
        outcomeOf(() => read(bytes))
        return new WeakRef(bytes)
      })
    }
    readAll()
    const held = () => buffers.flatMap((buffer) => buffer.deref() ?? [])
    for (let tries = 0; tries < 10; tries++) {
      await new Promise((resolve) => setImmediate(resolve)) // a WeakRef holds until the end of its turn, and of one that looked
      gc()
      if (held().length === 0) break
    }
    expect(held()).toEqual([])
  })
})

describe('other users of msgpackr in the process', () => {
  it('change nothing here, and notice nothing', () => {
    const theirs = new everyones.Packr({ useRecords: false, variableMapSize: true })
    expect(hexOf(theirs.pack([new NegativeZero(), new Date(0)]))).toBe('9280d6ff00000000') // our extension is not there

    class Anything {}
    const toOne = () => Buffer.of(1)
    for (const [index, Class] of [Date, Uint8Array, NegativeZero, Anything].entries()) {
      everyones.addExtension({ Class, type: 0x20 + index, pack: toOne, unpack: () => 'theirs' })
    }
    everyones.addExtension({ type: 0xff, unpack: () => 'theirs' })
    theirs.useBuffer(Buffer.alloc(4096))

    const value = { at: new Date(1500), bytes: Uint8Array.of(1, 2), list: [new NegativeZero()] }
    deepStrictEqual(read(pack(value)), { at: new Date(1500), bytes: Uint8Array.of(1, 2), list: [-0] })
    expect(hexOf(theirs.pack([new NegativeZero(), new Date(0)]))).toBe('92d42201d42001') // theirs is there
  })

  it('may pack and unpack within an extension of theirs', () => {
    class Envelope {}
    everyones.addExtension({
      Class: Envelope,
      type: 0x30,
      pack: () => Buffer.from(pack({ inner: 'text', at: new Date(1) })),
      unpack: (bytes) => read(bytes),
    })
    const theirs = new everyones.Packr({ useRecords: false })
    deepStrictEqual(theirs.unpack(theirs.pack(['a', new Envelope(), 'b'])), [
      'a',
      { inner: 'text', at: new Date(1) },
      'b',
    ])
  })
})

describe('without Buffer, as in a browser', () => {
  it('text reads the same', async () => {
    vi.resetModules()
    vi.stubGlobal('Buffer', undefined)
    const { decodeText } = await import('../../src/wire/octets.ts')
    vi.unstubAllGlobals()
    for (const text of ['', 'ascii', 'é', '\ufeff', 'x'.repeat(100), `\ufeff${'x'.repeat(100)}`, '😀'.repeat(100)]) {
      const bytes = new TextEncoder().encode(`<<${text}>>`)
      expect(decodeText(bytes, 2, bytes.length - 2)).toBe(text)
    }
  })
})

it('packs what a getter gives that packs something itself', () => {
  const inner: Uint8Array[] = []
  const outer = pack({
    before: [1, 2],
    get text() {
      inner.push(pack({ nested: 'x'.repeat(300) }))
      return 'outer'
    },
    after: 'z'.repeat(40),
  })
  expect(read(outer)).toEqual({
    before: [1, 2],
    text: 'outer',
    after: 'z'.repeat(40),
  })
  for (const bytes of inner) {
    expect(read(bytes)).toEqual({ nested: 'x'.repeat(300) })
  }
  expect(inner.length).toBeGreaterThan(0)
  expect(pack(5)).toEqual(Uint8Array.of(5))
})

it('packs what such a getter stands among, whatever that is', () => {
  const inner: Uint8Array[] = []
  const disturbing = (value: unknown) => ({
    get first() {
      inner.push(pack(value).slice())
      return 1
    },
    value,
  })
  const values = [
    null,
    [1, [null, { a: [2] }], 'x'],
    { a: { b: null } },
    new Date(1_500),
    Uint8Array.of(1, 2),
    [new Date(5), Uint8Array.of(3)],
    'text',
    5n,
  ]
  for (const value of values) {
    expect(read(pack(disturbing(value)))).toEqual({ first: 1, value })
    expect(inner.length).toBeGreaterThan(0)
    for (const bytes of inner.splice(0)) expect(read(bytes)).toEqual(value)
  }
  expect(hexOf(pack(disturbing(new NegativeZero())))).toBe('82a5666972737401a576616c7565cb8000000000000000')
  expect(hexOf(pack(disturbing(undefined)))).toBe('82a5666972737401a576616c7565c0')
  expect(read(pack([disturbing(5)]))).toEqual([{ first: 1, value: 5 }])
})

it('a key that Object.prototype has may be changed and taken away again, as any other', () => {
  expect(Object.getOwnPropertyDescriptor(read(pack({ toString: 1 })), 'toString')).toEqual({
    value: 1,
    writable: true,
    enumerable: true,
    configurable: true,
  })
})

it('a value that packs something whenever it is looked at is a fault that is told, and spoils nothing', () => {
  class Odd {}
  const odd = Object.defineProperty(new Odd(), 'a', { enumerable: true, get: () => pack([1]).length })
  expect(() => pack(odd)).toThrow(/^packing a value without getters was disturbed$/)
  expect(hexOf(pack({ a: 1 }))).toBe('81a16101')
})
