/** Messages of which something is still to come, and what is said of them (spec/protocol.md, P31 to P34). */
import { describe, expect, it } from 'vitest'
import { saidBodyStart } from '../../src/wire/body.ts'
import {
  announcedBytes,
  BufferWriter,
  flags,
  isWhole,
  joinBody,
  Reassembler,
  writeGoaway,
} from '../../src/wire/index.ts'

const limits = { maxMessageBytes: 100_000, maxReassemblyBytes: 400_000 }
const bytes = new Uint8Array(1_000).fill(7)

describe('a message of which more is to come', () => {
  it('has what its first fragment said, until it is removed', () => {
    const reassembler = new Reassembler(limits)
    expect([reassembler.flagsOf(1), reassembler.has(1), reassembler.size]).toEqual([0, false, 0])
    expect(reassembler.add(1, flags.METADATA, bytes, 0, 1_000, true)).toBeUndefined()
    expect(reassembler.add(1, 0, bytes, 0, 1_000, true)).toBeUndefined()
    expect([reassembler.flagsOf(1), reassembler.has(1), reassembler.size]).toEqual([flags.METADATA, true, 1])
    expect([reassembler.flagsOf(2), reassembler.fragments]).toEqual([0, 2])
    expect(reassembler.wanted).toEqual([1])
    reassembler.remove(1)
    expect([reassembler.flagsOf(1), reassembler.has(1), reassembler.heldBytes]).toEqual([0, false, 0])
    reassembler.remove(1) // of which nothing is known any more
    expect(reassembler.heldBytes).toBe(0)
  })

  it('is not wanted once it is discarded, and holds nothing, whatever else is asked of it', () => {
    const reassembler = new Reassembler(limits)
    reassembler.discard(1)
    expect(reassembler.isDiscarded(1)).toBe(false)
    reassembler.add(1, 0, bytes, 0, 1_000, true)
    reassembler.add(2, 0, bytes, 0, 1_000, true)
    reassembler.discard(1)
    reassembler.discard(1)
    const held = reassembler.heldBytes
    expect(reassembler.isDiscarded(1)).toBe(true)
    expect(reassembler.wanted).toEqual([2])
    reassembler.expectWhole(1)
    expect(reassembler.heldBytes).toBe(held)
    expect(reassembler.add(1, 0, bytes, 0, 1_000, false)).toBeUndefined()
    expect(reassembler.add(2, 0, bytes, 0, 1_000, false)).toMatchObject({ flags: 0, isLendable: false })
    expect(reassembler.heldBytes).toBe(0)
  })

  it('is given room for all that it announces only where it has begun', () => {
    const reassembler = new Reassembler(limits)
    reassembler.expectWhole(1)
    expect([reassembler.size, reassembler.heldBytes]).toEqual([0, 0])
    const announcing = new Uint8Array(1_000)
    announcing.set([0xc5, 0xc0, 0x00]) // 49,152 bytes
    reassembler.add(1, 0, announcing, 0, 1_000, true, false, announcedBytes(announcing, 0, 0, 1_000), 10_000)
    reassembler.add(1, 0, bytes.subarray(0, 900), 0, 900, true)
    reassembler.add(1, 0, bytes.subarray(0, 900), 0, 900, true)
    reassembler.add(1, 0, bytes.subarray(0, 900), 0, 900, true)
    expect(reassembler.heldBytes).toBe(4_000) // more than a sixteenth has come, and its word goes as far as 10,000
    reassembler.expectWhole(1)
    expect(reassembler.heldBytes).toBe(49_155)
    reassembler.expectWhole(1)
    expect(reassembler.heldBytes).toBe(49_155)
    const rest = new Uint8Array(49_155 - 3_700)
    expect(reassembler.add(1, 0, rest, 0, rest.length, false)).toMatchObject({ isLendable: true })
    expect(reassembler.heldBytes).toBe(0)
  })
})

describe('where a body begins by what its message says', () => {
  it('is where the message begins, or behind its metadata, be that beyond what has come', () => {
    const frame = Uint8Array.of(0xee, 0x01, 0x02, 0xc0)
    expect(saidBodyStart(0, frame, 1)).toBe(1)
    expect(saidBodyStart(flags.MORE, frame, 1)).toBe(1)
    expect(saidBodyStart(flags.METADATA, frame, 1)).toBe(1 + 2 + 0x0102)
    expect(saidBodyStart(flags.METADATA | flags.MORE, frame, 2)).toBe(2 + 2 + 0x02c0)
    expect(saidBodyStart(flags.METADATA, frame, 3)).toBe(3 + 2 + 0xc000) // its length is half there
  })
})

describe('a body in pieces', () => {
  it('is not whole any more where a piece was transferred', () => {
    const piece = new Uint8Array(10)
    const body = { pieces: [Uint8Array.of(1), piece], length: 11 }
    expect(isWhole(body)).toBe(true)
    expect(joinBody(body)).toHaveLength(11)
    structuredClone(piece, { transfer: [piece.buffer] })
    expect(isWhole(body)).toBe(false)
    expect(isWhole(piece)).toBe(true) // it says no other length than it has
  })
})

describe('the reason of a GOAWAY', () => {
  const reasonOf = (reason: string) => {
    const writer = new BufferWriter()
    writeGoaway(writer, true, 7, reason)
    return new TextDecoder('utf-8', { fatal: true }).decode(writer.bytes().subarray(13))
  }

  it('is cut between two characters, and not where it fits', () => {
    expect(reasonOf('')).toBe('')
    expect(reasonOf('x'.repeat(1_024))).toBe('x'.repeat(1_024))
    expect(reasonOf('x'.repeat(1_025))).toBe('x'.repeat(1_024))
    expect(reasonOf(`${'x'.repeat(1_023)}é`)).toBe('x'.repeat(1_023))
    expect(reasonOf(`${'x'.repeat(1_022)}é`)).toBe(`${'x'.repeat(1_022)}é`)
    expect(reasonOf(`${'x'.repeat(1_021)}🙂`)).toBe('x'.repeat(1_021))
    expect(reasonOf('🙂'.repeat(300))).toBe('🙂'.repeat(256))
  })
})
