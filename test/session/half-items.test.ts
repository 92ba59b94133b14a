/**
 * Items that come in fragments, at a receiver that takes each as soon as it is whole: whatever their lengths, a sender that
 * waits while it has credit for less than a piece always gets more (spec/streams.md, F10 and F15).
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { FIRST_CREDIT_BYTES, Inflow } from '../../src/session/inflow.ts'
import { Room } from '../../src/session/room.ts'
import { LEAST_PIECE_BYTES, PIECE_BYTES } from '../../src/session/turns.ts'
import { type FrameDecoder, flags, kinds, Reassembler } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

const ID = 1

/** Sends items of these lengths, in pieces of at most so many bytes; returns how many were taken when nothing more can be sent. */
function takenOf(lengths: readonly number[], mostBytes: number): number {
  const limits = resolveLimits(undefined)
  let credit = FIRST_CREDIT_BYTES
  let taken = 0
  const sender = {
    credit(_: number, increment: number) {
      credit += increment
    },
  }
  const room = new Room(limits.maxStreamBytes, limits.maxMessageBytes)
  const inflow = new Inflow(ID, sender, new Reassembler(limits), room)
  const itemsCame = () => {
    for (let { chunk } = inflow; chunk; { chunk } = inflow) {
      inflow.taken(chunk.end - chunk.start)
      taken++
    }
  }
  inflow.listener = { itemsCame, ended() {}, tooLong() {}, stalled() {} }
  for (const length of lengths) {
    let left = length
    while (left > 0) {
      const bytes = Math.min(left, mostBytes, credit)
      if (bytes < left && bytes < LEAST_PIECE_BYTES) return taken // as Nanowire's sender does
      left -= bytes
      credit -= bytes
      const frame = {
        kind: kinds.DATA,
        id: ID,
        flags: left > 0 ? flags.MORE : 0,
        buffer: new Uint8Array(bytes),
        start: 0,
        end: bytes,
      }
      inflow.dataReceived(frame as unknown as FrameDecoder) // of which it reads no more than this
    }
  }
  return taken
}

it('F10, F15: whatever the lengths of items, no sender waits for credit that does not come', () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 9_000, max: 60_000 }))
  fc.assert(
    fc.property(
      fc.array(length, { minLength: 1, maxLength: 30 }),
      fc.constantFrom(LEAST_PIECE_BYTES, 4_096, PIECE_BYTES),
      (lengths, most) => {
        expect(takenOf(lengths, most)).toBe(lengths.length)
      },
    ),
    runs(2_000),
  )
})

it('F10, F15: an item whose first 8,192 bytes leave credit for less than a piece comes whole', () => {
  expect(takenOf([FIRST_CREDIT_BYTES - 8_192 - 1_021, 20_000], 4_096)).toBe(2)
})
