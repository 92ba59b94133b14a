/** One direction of a stream at its receiver, by itself (spec/streams.md, F10 to F16): what it takes of the room, and gives back. */
import { describe, expect, it, vi } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { Inflow } from '../../src/session/inflow.ts'
import { Room } from '../../src/session/room.ts'
import { type FrameDecoder, flags, kinds, Reassembler } from '../../src/wire/index.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { opened } from '../support/tapped.ts'
import { feed } from './messages.ts'
import { beginAt, Consumer, cancel, data, ramp, said } from './streams-kit.ts'

const { INPUT, MORE, WAIT } = flags
const MOST_BYTES = 100_000

/** Streams that share room of so many bytes. */
function streams(roomBytes = MOST_BYTES) {
  const limits = resolveLimits({ maxMessageBytes: MOST_BYTES, maxReassemblyBytes: 1_000_000 })
  const room = new Room(roomBytes, MOST_BYTES)
  const reassembler = new Reassembler(limits)
  const credits: string[] = []
  const credit = (id: number, bytes: number) => void credits.push(`${id} +${bytes}`)
  let given = 0
  const giveBack = room.giveBack.bind(room)
  vi.spyOn(room, 'giveBack').mockImplementation((bytes) => {
    given += bytes
    giveBack(bytes)
  })
  const seek = vi.spyOn(room, 'seek')
  return {
    credits,
    seek,
    begin: (id: number) => new Inflow(id, { credit }, reassembler, room),
    /** What was given back to the room since the last look. */
    givenBack: () => {
      const bytes = given
      given = 0
      return bytes
    },
  }
}

function receive(inflow: Inflow, bytes: number, bits = 0, id = 1): void {
  const frame = { kind: kinds.DATA, id, flags: bits, buffer: ramp(bytes + 9), start: 9, end: bytes + 9 }
  inflow.dataReceived(frame as unknown as FrameDecoder) // of which it reads no more than this
}

/** Takes all items that are there. */
function take(inflow: Inflow): number {
  let sum = 0
  for (let { chunk } = inflow; chunk; { chunk } = inflow) {
    const bytes = chunk.end - chunk.start
    inflow.taken(bytes)
    sum += bytes
  }
  return sum
}

describe('the room for long items', () => {
  it('is asked for an item of which more than 7,168 bytes have come, and nothing else waits', () => {
    const { begin, seek, credits } = streams()
    const inflow = begin(1)
    receive(inflow, 7_168, MORE)
    expect(seek).not.toHaveBeenCalled()
    receive(inflow, 1, MORE)
    expect(seek).toHaveBeenCalledOnce()
    const other = begin(2)
    receive(other, 1, 0, 2)
    receive(other, 9_000, MORE, 2)
    expect(seek).toHaveBeenCalledOnce()
    expect(credits).toEqual([])
    receive(inflow, 1_023, MORE)
    expect(credits).toEqual(['1 +8192'])
  })

  it('is kept for what an item has, and given back when that was taken', () => {
    const { begin, givenBack } = streams()
    const inflow = begin(1)
    receive(inflow, 16_384, MORE)
    receive(inflow, 3_616)
    expect(givenBack()).toBe(80_000)
    expect(take(inflow)).toBe(20_000)
    expect(givenBack()).toBe(20_000)
  })

  it('is no business of items that need none', () => {
    const { begin, givenBack } = streams()
    const inflow = begin(1)
    for (let count = 0; count < 10; count++) {
      receive(inflow, 1_000, MORE)
      receive(inflow, 100)
      expect(take(inflow)).toBe(1_100)
    }
    inflow.over()
    expect(givenBack()).toBe(0)
  })

  it.each([
    ['the call is over', (inflow: Inflow) => inflow.over()],
    ['nobody takes items any more', (inflow: Inflow) => inflow.stop()],
  ])('is given back whole when %s, once', (_, end) => {
    const { begin, givenBack } = streams()
    const inflow = begin(1)
    receive(inflow, 16_384, MORE)
    end(inflow)
    expect(givenBack()).toBe(MOST_BYTES)
    end(inflow)
    expect(givenBack()).toBe(0)
  })

  it('is granted to one that is waited for, though another has all of it', () => {
    const { begin, credits } = streams()
    const [first, second] = [begin(1), begin(2)]
    receive(first, 12_000, MORE)
    receive(second, 12_000, MORE, 2)
    expect(credits.map((word) => word[0])).toEqual(['1'])
    second.awaited()
    expect(second.isAwaited).toBe(true)
    expect(credits.map((word) => word[0])).toEqual(['1', '2'])
    receive(second, 10, 0, 2)
    take(second)
    expect(second.isAwaited).toBe(false)
  })
})

describe('F12: a window', () => {
  const LARGE = 10_000_000

  it('doubles for a WAIT where no more than half of it is held, and is given back with its stream', () => {
    const { begin, credits, givenBack } = streams(LARGE)
    const inflow = begin(1)
    receive(inflow, 8_192, WAIT)
    expect(credits).toEqual(['1 +16384'])
    inflow.over()
    expect(givenBack()).toBe(16_384)
    const lazy = begin(2)
    receive(lazy, 8_193, WAIT, 2)
    expect(credits).toHaveLength(1)
    lazy.over()
    expect(givenBack()).toBe(0)
  })

  it('stays as it is without a WAIT, without room, and where nobody takes items', () => {
    const { begin, givenBack } = streams(LARGE)
    const [quiet, stopped] = [begin(1), begin(2)]
    receive(quiet, 100)
    stopped.stop()
    receive(stopped, 100, WAIT, 2)
    for (const inflow of [quiet, stopped]) inflow.over()
    const small = streams(10_000)
    const inflow = small.begin(1)
    receive(inflow, 100, WAIT)
    inflow.over()
    expect([givenBack(), small.givenBack(), small.credits]).toEqual([0, 0, []])
  })
})

describe('a stream of which nobody takes items any more', () => {
  it('keeps none, and tells nobody of any', () => {
    const { begin } = streams()
    const inflow = begin(1)
    const listener = { itemsCame: vi.fn(), ended: vi.fn(), tooLong: vi.fn(), stalled: vi.fn() }
    inflow.listen(listener)
    inflow.stop()
    inflow.listen(listener)
    receive(inflow, 10)
    receive(inflow, 0)
    receive(inflow, 10, MORE)
    receive(inflow, 10)
    expect([inflow.chunk, listener.itemsCame.mock.calls.length]).toEqual([undefined, 0])
  })

  it('tells who listens later how it ended', () => {
    const { begin } = streams()
    const inflow = begin(1)
    receive(inflow, 10)
    inflow.endReceived()
    const listener = { itemsCame: vi.fn(), ended: vi.fn(), tooLong: vi.fn(), stalled: vi.fn() }
    inflow.listen(listener)
    expect(listener.ended).toHaveBeenCalledOnce()
    expect(take(inflow)).toBe(10)
  })
})

describe('F16: an item that is half there', () => {
  const limits = { pingAfterMs: 100, idleTimeoutMs: 1_000 }

  it.each([
    [1_024, ['stalled deadline_exceeded yes']],
    [1_023, []],
  ])('is given up where its sender has credit for another piece: %d bytes', (credit, told) => {
    const made = opened({ limits })
    const consumer = new Consumer(beginAt(made, 1, INPUT).flow.inflow, false)
    feed(made, data(1, [1]), data(1, ramp(16_383 - credit), MORE))
    expect(said(made).filter((word) => word.startsWith('CREDIT 1'))).toEqual([])
    for (let passed = 0; passed < 2_500; passed += 50) {
      feed(made, frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)))
      made.clock.advance(50)
    }
    expect(consumer.told).toEqual(told)
    expect(made.effects.limits.map(({ name }) => name)).toEqual(told.map(() => 'idleTimeoutMs'))
    feed(made, cancel(1))
  })
})
