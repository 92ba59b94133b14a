/** What streams of one connection share, where it ends or says no (spec/streams.md, F3 and F13). */
import { describe, expect, it, vi } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { Inflow } from '../../src/session/inflow.ts'
import { type ItemSender, Outflow } from '../../src/session/outflow.ts'
import { Room } from '../../src/session/room.ts'
import { SendWindow } from '../../src/session/send-window.ts'
import { Turns } from '../../src/session/turns.ts'
import { type FrameDecoder, flags, kinds, Reassembler } from '../../src/wire/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { Item } from './streams-kit.ts'

describe('room for long items', () => {
  const options = { maxMessageBytes: 100_000, maxReassemblyBytes: 1_000_000, maxStreamBytes: 100_000 }

  /** Two streams with a long item half there, of which the first has all the room. */
  function crowded(limits = resolveLimits(options)) {
    const room = new Room(limits.maxStreamBytes, limits.maxMessageBytes)
    const reassembler = new Reassembler(limits)
    const credit = vi.fn()
    const begin = (id: number) => {
      const inflow = new Inflow(id, { credit }, reassembler, room)
      const frame = { kind: kinds.DATA, id, flags: flags.MORE, buffer: new Uint8Array(12_000), start: 0, end: 12_000 }
      inflow.dataReceived(frame as unknown as FrameDecoder) // of which it reads no more than this
      return inflow
    }
    const [first, second] = [begin(1), begin(2)]
    return { room, credit, first, second }
  }

  it('goes to the next when a stream gives it back', () => {
    const { credit, first } = crowded()
    expect(credit.mock.calls.map(([id]) => id)).toEqual([1])
    first.over()
    expect(credit.mock.calls.map(([id]) => id)).toEqual([1, 2])
  })

  it('is there for one item at a time where maxStreamBytes is 0, if somebody waits for it', () => {
    const { credit, first, second } = crowded(resolveLimits({ ...options, maxStreamBytes: 0 }))
    expect(credit.mock.calls).toEqual([])
    for (const inflow of [first, second]) inflow.awaited()
    expect(credit.mock.calls.map(([id]) => id)).toEqual([1])
    first.over()
    expect(credit.mock.calls.map(([id]) => id)).toEqual([1, 2])
  })

  it('goes to nobody any more when the connection is over, for nothing can be written', () => {
    const { room, credit, first, second } = crowded()
    room.close()
    first.over()
    second.over()
    expect(credit.mock.calls.map(([id]) => id)).toEqual([1])
  })
})

describe('an item that would fit into a frame', () => {
  it('F3: is refused all the same where it is longer than the peer takes', () => {
    const written: number[] = []
    const link = { peer: 'peer', isCongested: false }
    const sender: ItemSender = {
      link,
      peerLimits: { maxMessageBytes: 4_000 },
      limitFired() {},
      itemInPlace(_, item, maxBytes) {
        const bytes = item.encodeInto(new Uint8Array(maxBytes), 0)
        if (bytes >= 0) written.push(bytes)
        return bytes
      },
      itemsWritten() {},
      items() {},
      emptyData() {},
      end() {},
    }
    const window = new SendWindow(new HandClock())
    const outflow = new Outflow(1, sender, window, new Turns(link as never, window)) // of the link turns ask for no more
    expect(outflow.put(new Item(4_000))).toBe(true)
    expect(() => outflow.put(new Item(4_001))).toThrow('an item of 4001 bytes: maxMessageBytes is 4000')
    expect(written).toEqual([4_000])
  })
})

describe('room for larger windows', () => {
  it('is never all given to one stream, for it cannot be taken back', () => {
    const room = new Room(16_000, 4_000)
    const widen = (): number => {
      let window = 100
      while (room.widen(window)) window *= 2
      return window
    }
    const windows = [widen(), widen(), widen(), widen()]
    expect(windows).toEqual([...windows].sort((one, other) => other - one))
    expect(windows.every((window) => window > 100)).toBe(true)
  })
})
