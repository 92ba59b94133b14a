/** Buffers that are used again (spec/architecture.md): here or with one who took them, and never more than is said. */
import { beforeEach, describe, expect, it } from 'vitest'
import { keepSpare, keepUntouched, newLendable, roomFor, takeOut, takeSpare, wasKept } from '../../src/wire/spare.ts'

const KIB = 1_024
const LEAST = 64 * KIB
const MOST = 4 * KIB * KIB

/** Whatever other tests have left. */
beforeEach(() => {
  for (let bytes = 1; bytes <= 2 * MOST; bytes *= 2) while (takeSpare(bytes));
})

describe('a buffer that nobody needs any more', () => {
  it('is taken once by whoever needs so much, the shortest that will do', () => {
    const [short, middle, long] = [LEAST, 2 * LEAST, 4 * LEAST].map((bytes) => new Uint8Array(bytes)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ] // three of three
    for (const buffer of [middle, long, short]) keepSpare(buffer)
    expect(takeSpare(LEAST + 1)).toBe(middle)
    expect(takeSpare(LEAST + 1)).toBe(long)
    expect(takeSpare(LEAST + 1)).toBeUndefined()
    expect(takeSpare(1)).toBe(short)
    expect(takeSpare(1)).toBeUndefined()
  })

  it('is not taken for a quarter of it or less, but that the smallest is for anything', () => {
    const long = new Uint8Array(8 * LEAST)
    keepSpare(long)
    expect(takeSpare(2 * LEAST - 1)).toBeUndefined()
    expect(takeSpare(2 * LEAST)).toBe(long)
    const smallest = new Uint8Array(LEAST)
    keepSpare(smallest)
    expect(takeSpare(1)).toBe(smallest)
    const above = new Uint8Array(LEAST + 1)
    keepSpare(above)
    expect(takeSpare(1)).toBeUndefined()
    expect(takeSpare(LEAST)).toBe(above)
  })

  it('is let go where it is too short, too long, or one too many', () => {
    keepSpare(new Uint8Array(LEAST - 1))
    keepSpare(new Uint8Array(MOST + 1))
    expect(takeSpare(1)).toBeUndefined()
    expect(takeSpare(MOST)).toBeUndefined()
    for (let count = 0; count < 20; count++) keepSpare(new Uint8Array(LEAST))
    let kept = 0
    while (takeSpare(LEAST)) kept++
    expect(kept).toBe(16)
    for (let count = 0; count < 4; count++) keepSpare(new Uint8Array(MOST)) // 8 MiB in all
    keepSpare(new Uint8Array(LEAST))
    expect(takeSpare(MOST)).toHaveLength(MOST)
    keepSpare(new Uint8Array(LEAST))
    expect(takeSpare(1)).toHaveLength(LEAST)
    expect(takeSpare(MOST)).toHaveLength(MOST)
    expect(takeSpare(MOST)).toBeUndefined()
  })

  it('is a fault of this library where it is given back twice', () => {
    const buffer = new Uint8Array(LEAST)
    keepSpare(buffer)
    expect(() => keepSpare(buffer)).toThrow('given back twice')
    expect(() => keepSpare(new Uint8Array(buffer.buffer))).toThrow('given back twice')
    expect(takeSpare(LEAST)).toBe(buffer)
    keepSpare(buffer)
  })
})

describe('room for so many bytes', () => {
  it('is a spare buffer, or fresh memory of a length that is worth keeping', () => {
    const spare = new Uint8Array(LEAST)
    keepSpare(spare)
    expect(roomFor(LEAST / 2 - 1)).toHaveLength(LEAST / 2 - 1)
    expect(roomFor(LEAST / 2)).toBe(spare)
    expect(roomFor(LEAST / 2)).toHaveLength(LEAST)
    expect(roomFor(LEAST + 5)).toHaveLength(LEAST + 5)
  })
})

describe('memory that a value is handed out of', () => {
  it('is handed out where it lies, once, where the value is most of it', () => {
    const memory = newLendable(100)
    expect(memory).toHaveLength(100)
    memory.fill(7)
    const out = takeOut(memory, 50, 100)
    expect(out.buffer).toBe(memory.buffer)
    expect(out).toHaveLength(50)
    expect(wasKept(memory)).toBe(false)
    expect(takeOut(memory, 0, 100).buffer).not.toBe(memory.buffer)
  })

  it('is copied out of where the value is less than half of it, and kept then', () => {
    const memory = newLendable(100)
    memory.fill(7)
    const out = takeOut(memory, 51, 100)
    expect(out.buffer).not.toBe(memory.buffer)
    expect([...out]).toEqual(Array(49).fill(7))
    expect(wasKept(memory)).toBe(true)
    expect(wasKept(memory)).toBe(false) // told once
  })

  it('is no other', () => {
    const other = new Uint8Array(100)
    expect(wasKept(other)).toBe(false)
    expect(takeOut(other, 0, 100).buffer).not.toBe(other.buffer)
  })

  it('is kept and is no longer handed out of, where nothing was', () => {
    const memory = newLendable(LEAST)
    keepUntouched(memory)
    expect(takeSpare(LEAST)).toBe(memory)
    expect(wasKept(memory)).toBe(false)
    expect(takeOut(memory, 0, LEAST).buffer).not.toBe(memory.buffer)
  })
})
