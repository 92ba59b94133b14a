/** What stands before and beside a stream's items (spec/streams.md), at its edges; a buffer has other bytes around it. */
import { describe, expect, it } from 'vitest'
import {
  flags,
  itemsStart,
  pack,
  readEnd,
  readGap,
  readIncrement,
  readPriority,
  readRequestHead,
} from '../../src/wire/index.ts'

/** The bytes at 3, between some that are none of them. */
const around = (...bytes: readonly number[]): Uint8Array => Uint8Array.from([1, 1, 1, ...bytes, 1, 1])
const body = expect.objectContaining({ name: 'ProtocolError', rule: 'body' })

describe('a DATA', () => {
  it('F20: has the number of its gap before the items', () => {
    const bytes = around(0xff, 0xff, 0xff, 0xfe, 0xc0)
    expect([itemsStart(0, 3, 8), readGap(0, bytes, 3)]).toEqual([3, 0])
    for (const bits of [flags.GAP, flags.GAP | flags.WAIT | flags.MORE]) {
      expect([itemsStart(bits, 3, 8), readGap(bits, bytes, 7)]).toEqual([7, 0xffff_fffe])
    }
    expect(itemsStart(flags.GAP, 3, 7)).toBe(7)
  })

  it('F3, F20: that is too short for it is a breach', () => {
    for (const end of [3, 4, 6]) expect(() => itemsStart(flags.GAP, 3, end)).toThrow(body)
    expect(itemsStart(flags.WAIT | flags.MORE, 3, 3)).toBe(3)
  })
})

describe('an END', () => {
  const metadata = pack({ a: 'x' })
  const limit = 100

  it('F4: has metadata where it says so, and nothing else', () => {
    const bytes = around(0, metadata.length, ...metadata)
    const end = bytes.length - 2
    expect(readEnd(flags.METADATA, bytes, 3, end, limit)).toEqual({ a: 'x' })
    expect(readEnd(0, bytes, 3, 3, limit)).toEqual({})
    expect(() => readEnd(0, bytes, 3, end, limit)).toThrow(body)
    expect(() => readEnd(flags.METADATA, bytes, 3, end + 1, limit)).toThrow(body)
    expect(() => readEnd(flags.METADATA, bytes, 3, end - 1, limit)).toThrow(body)
  })

  it('P19: has metadata within the limit', () => {
    const bytes = around(0, metadata.length, ...metadata)
    const read = (most: number) => () => readEnd(flags.METADATA, bytes, 3, bytes.length - 2, most)
    expect(read(metadata.length)()).toEqual({ a: 'x' })
    expect(read(metadata.length - 1)).toThrow(expect.objectContaining({ rule: 'limit', limit: 'maxMetadataBytes' }))
  })
})

it('F11: a CREDIT has an increment that is not 0', () => {
  expect(readIncrement(around(0xff, 0xff, 0xff, 0xff), 3)).toBe(2 ** 32 - 1)
  expect(readIncrement(around(0, 0, 0, 1), 3)).toBe(1)
  expect(() => readIncrement(around(0, 0, 0, 0), 3)).toThrow(expect.objectContaining({ rule: 'credit' }))
})

it('F17: a PRIORITY is 0, 1 or 2', () => {
  expect([0, 1, 2].map((priority) => readPriority(around(priority), 3))).toEqual([0, 1, 2])
  for (const other of [3, 128, 255]) expect(() => readPriority(around(other), 3)).toThrow(body)
})

it('F1: a REQUEST whose items follow has no body', () => {
  const head = [0, 0, 0, 7, 0, 0, 0, 0]
  expect(readRequestHead(flags.INPUT, around(...head), 3, 11)).toMatchObject({ input: true, output: false })
  expect(() => readRequestHead(flags.INPUT, around(...head, 0xc0), 3, 12)).toThrow(body)
  expect(() => readRequestHead(flags.INPUT | flags.METADATA, around(...head, 0, 1, 0x80, 0xc0), 3, 15)).toThrow(body)
  expect(readRequestHead(flags.OUTPUT, around(...head, 0xc0), 3, 12)).toMatchObject({ input: false, output: true })
})
