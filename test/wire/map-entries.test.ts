/** Where the entries of a map lie (spec/msgpack.md): found without a value being built, of any values in any of their forms. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/limits.ts'
import { entriesOf, walkedEntries } from '../../src/wire/map-entries.ts'
import { runs } from '../support/runs.ts'
import { strictMessage } from './arbitrary-msgpack.ts'

/** Each token that says a length or count by itself, or in so many bytes, and a value of that form. */
const forms: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['positive fixint', [0x7f]],
  ['negative fixint', [0xe0]],
  ['fixmap', [0x81, 0xa1, 0x61, 0x01]],
  ['fixarray', [0x92, 0x01, 0x02]],
  ['fixstr', [0xa3, 0x61, 0x62, 0x63]],
  ['fixstr of 31', [0xbf, ...Array<number>(31).fill(0x61)]],
  ['nil', [0xc0]],
  ['false', [0xc2]],
  ['true', [0xc3]],
  ['bin 8', [0xc4, 2, 9, 9]],
  ['bin 16', [0xc5, 0, 2, 9, 9]],
  ['bin 32', [0xc6, 0, 0, 0, 2, 9, 9]],
  ['ext 8', [0xc7, 12, 0xff, ...Array<number>(12).fill(0)]],
  ['ext 16', [0xc8, 0, 4, 0xff, 0, 0, 0, 1]],
  ['ext 32', [0xc9, 0, 0, 0, 8, 0xff, 0, 0, 0, 1, 0, 0, 0, 1]],
  ['float 32', [0xca, 0x3f, 0x80, 0, 0]],
  ['float 64', [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
  ['uint 8', [0xcc, 0x80]],
  ['uint 16', [0xcd, 1, 0]],
  ['uint 32', [0xce, 0, 1, 0, 0]],
  ['uint 64', [0xcf, 0, 0, 0, 1, 0, 0, 0, 0]],
  ['int 8', [0xd0, 0x80]],
  ['int 16', [0xd1, 0x80, 0]],
  ['int 32', [0xd2, 0x80, 0, 0, 0]],
  ['int 64', [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]],
  ['fixext 4', [0xd6, 0xff, 0, 0, 0, 1]],
  ['fixext 8', [0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]],
  ['str 8', [0xd9, 1, 0x61]],
  ['str 16', [0xda, 0, 1, 0x61]],
  ['str 32', [0xdb, 0, 0, 0, 1, 0x61]],
  ['array 16', [0xdc, 0, 2, 1, 2]],
  ['array 32', [0xdd, 0, 0, 0, 2, 1, 0xa1, 0x61]],
  ['map 16', [0xde, 0, 1, 0xa1, 0x61, 1]],
  ['map 32', [0xdf, 0, 0, 0, 2, 0xa1, 0x61, 1, 0xa1, 0x62, 0x91, 2]],
]

const keyOf = (index: number) => `key ${index}`
const packedKey = (index: number, form: number): number[] => {
  const key = [...new TextEncoder().encode(keyOf(index))]
  if (form === 0) return [0xa0 | key.length, ...key]
  if (form === 1) return [0xd9, key.length, ...key]
  return form === 2 ? [0xda, 0, key.length, ...key] : [0xdb, 0, 0, 0, key.length, ...key]
}
const headers = (count: number): number[][] => [
  ...(count < 16 ? [[0x80 | count]] : []),
  [0xde, count >> 8, count & 0xff],
  [0xdf, 0, 0, count >> 8, count & 0xff],
]

/** A map of these values, and where each of them lies. */
function mapOf(values: readonly (readonly number[])[], header: readonly number[], keyForm: number) {
  const bytes = [0xee, ...header] // what is before it is none of its
  const entries = values.map((value, index) => {
    bytes.push(...packedKey(index, keyForm))
    const offset = bytes.length
    bytes.push(...value)
    return { key: keyOf(index), offset, length: value.length }
  })
  return { bytes: Uint8Array.from(bytes), entries }
}

const found = (bytes: Uint8Array, start = 1) => entriesOf(bytes, start, bytes.length, defaultLimits)

describe('the entries of a map', () => {
  it.each(forms)('are found beside a value of the form %s', (_, value) => {
    const { bytes, entries } = mapOf([[0x01], value, [0xa1, 0x78]], [0x83], 0)
    expect(found(bytes)).toEqual(entries)
  })

  it('are found whatever the values, and however the map and its keys say how long they are', () => {
    const values = fc.array(strictMessage, { maxLength: 20 })
    fc.assert(
      fc.property(values, fc.nat({ max: 2 }), fc.nat({ max: 3 }), (some, form, keyForm) => {
        const able = headers(some.length)
        const { bytes, entries } = mapOf(
          some.map((value) => [...value]),
          able[form % able.length] ?? [],
          keyForm,
        )
        expect(found(bytes)).toEqual(entries)
      }),
      runs(200),
    )
  })

  it('are none where the bytes are no map, or not strict', () => {
    expect(found(Uint8Array.of(0x80), 0)).toEqual([])
    for (const [name, value] of forms) {
      if (!name.includes('map')) expect(found(Uint8Array.from(value), 0), name).toEqual([])
    }
    expect(found(Uint8Array.of(0x81, 0xa1, 0x61), 0)).toEqual([])
    expect(found(Uint8Array.of(0x81, 0x01, 0x01), 0)).toEqual([])
    expect(found(Uint8Array.of(0xc1), 0)).toEqual([])
    expect(found(Uint8Array.of(0x81, 0xa1, 0x61, 0x01, 0x01), 0)).toEqual([])
  })

  it('are not looked for where there are more than are wanted, however that is said', () => {
    for (const header of headers(15)) {
      const { bytes, entries } = mapOf(Array<number[]>(15).fill([0xc0]), header, 0)
      expect(walkedEntries(bytes, 1, bytes.length, 15)).toEqual(entries)
      expect(walkedEntries(bytes, 1, bytes.length, 14)).toBeUndefined()
    }
    expect(walkedEntries(Uint8Array.of(0x91, 0x01), 0, 2, 9)).toBeUndefined()
  })

  it('are none of a map of none, and not even none of what is no map', () => {
    for (const header of headers(0)) expect(walkedEntries(Uint8Array.from(header), 0, header.length)).toEqual([])
    for (const token of [0x00, 0x7f, 0x90, 0xa0, 0xc0, 0xe0])
      expect(walkedEntries(Uint8Array.of(token), 0, 1)).toBeUndefined()
    expect(() => entriesOf(Uint8Array.of(0x80), 0, 2, defaultLimits)).toThrow(RangeError) // a fault of whoever asks
  })

  it('have keys of any form', () => {
    for (const form of [0, 1, 2, 3]) {
      const { bytes, entries } = mapOf([[0x01], [0xc0]], [0x82], form)
      expect(found(bytes)).toEqual(entries)
    }
  })
})
