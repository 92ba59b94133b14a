/** What all links of bytes share (spec/architecture.md): when to flush, and how much is done for one of them in a turn. */
import { describe, expect, it } from 'vitest'
import { type LimitOptions, resolveLimits } from '../../src/limits.ts'
import type { LinkListener } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type FrameDecoder, kinds, type ProtocolError } from '../../src/wire/index.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'
import { TapLink } from '../support/tap-link.ts'
import { helloBytes } from '../support/tapped.ts'

class Ear implements LinkListener {
  readonly ids: number[] = []
  readonly told: string[] = []
  onFrame: (id: number) => void = () => {}

  frameReceived({ id }: FrameDecoder): void {
    this.ids.push(id)
    this.onFrame(id)
  }

  bytesReceived(count: number): void {
    this.told.push(`${count} bytes`)
  }

  streamBroken(error: ProtocolError): void {
    this.told.push(`broken ${error.rule}`)
  }

  linkDrained(): void {
    this.told.push('drained')
  }

  linkClosed(error: Error | undefined): void {
    this.told.push(`closed ${error?.message}`)
  }
}

/** A link that has read a HELLO, and had a turn. */
function linked(
  limits: LimitOptions = {},
  clock = new VirtualClock(),
): {
  readonly link: TapLink
  readonly ear: Ear
  readonly clock: VirtualClock
} {
  const link = new TapLink(clock, resolveLimits(limits))
  const ear = new Ear()
  link.attach(ear)
  link.feed(helloBytes())
  clock.runTurns()
  ear.ids.length = 0
  ear.told.length = 0
  link.asked.length = 0
  return { link, ear, clock }
}

/** Frames of 17 bytes with the ids from `from` on. */
const frames = (from: number, count: number) =>
  joined(Array.from({ length: count }, (_, at) => frameBytes(kinds.RESPONSE, 0, from + at, new Uint8Array(8))))
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

describe('a link flushes', () => {
  const write = (link: TapLink, bytes: number, underway = 1_000) => {
    link.writer.large(frameBytes(kinds.RESPONSE, 0, 1, new Uint8Array(bytes - 9)))
    link.written(underway)
  }

  it('at the end of the turn, once', () => {
    const { link, clock } = linked()
    for (let count = 0; count < 5; count++) write(link, 100)
    expect([link.sent.length, link.flushedBytes, link.writtenBytes]).toEqual([0, 0, 500])
    clock.runTurn()
    expect([link.sent.length, link.flushedBytes]).toEqual([5, 500])
    expect(clock.runTurn()).toBe(false)
  })

  it('at once where there are four kilobytes', () => {
    const { link } = linked()
    write(link, 4_095)
    expect(link.sent).toHaveLength(0)
    write(link, 9)
    expect([link.sent.length, link.flushedBytes]).toEqual([2, 4_104])
  })

  it('at once where half a kilobyte is a quarter of what is under way', () => {
    const { link } = linked()
    for (let count = 1; count <= 9; count++) write(link, 64, 40)
    expect(link.sent).toHaveLength(0)
    write(link, 64, 40)
    expect(link.sent).toHaveLength(10)
    for (let count = 1; count <= 7; count++) write(link, 64, 4)
    expect(link.sent).toHaveLength(10)
    write(link, 64, 4)
    expect(link.sent).toHaveLength(18)
  })

  it('at once where nothing else is under way, and when what came in was read', () => {
    const { link, ear, clock } = linked()
    write(link, 50, 0)
    expect(link.sent).toHaveLength(1)
    ear.onFrame = () => {
      write(link, 50, 0)
      expect(link.sent).toHaveLength(1)
    }
    link.feed(frames(1, 3))
    expect([link.sent.length, clock.runTurn()]).toEqual([4, true])
  })

  it('before it ends, and nothing after it is closed', () => {
    const { link, clock } = linked()
    write(link, 50)
    link.end()
    expect([link.sent.length, link.asked]).toEqual([1, ['end']])
    write(link, 50)
    link.close()
    clock.runTurns()
    expect([link.sent.length, link.writer.buffer.length]).toEqual([1, 0])
  })
})

describe('what one connection has done for it in a turn', () => {
  it('is maxTurnFrames, however many turns a chunk takes', () => {
    const { link, ear, clock } = linked({ maxTurnFrames: 10 })
    link.feed(frames(1, 55))
    for (const handled of [10, 20, 30, 40, 50, 55]) {
      expect(ear.ids).toEqual(upTo(handled))
      clock.runTurn()
    }
    expect([ear.ids.length, link.asked]).toEqual([55, []])
  })

  it('is 1,024 frames by default, also of a chunk with more frames than two turns may handle', () => {
    const { link, ear, clock } = linked()
    link.feed(frames(1, 3_600))
    expect(ear.ids).toHaveLength(1_024)
    clock.runTurns()
    expect(ear.ids).toEqual(upTo(3_600))
    expect(link.asked).toEqual([])
  })

  it('is shared evenly by those that are busy, and a quiet one among them is heard at once', () => {
    const clock = new VirtualClock()
    const flood = Array.from({ length: 8 }, () => linked({ maxTurnFrames: 40 }, clock))
    const quiet = linked({ maxTurnFrames: 40 }, clock)
    for (const { link } of flood) link.feed(frames(1, 400))
    const first = flood.map(({ ear }) => ear.ids.length)
    expect(first).toEqual([40, 40, 40, 40, 32, 27, 23, 20])
    for (let turn = 1; turn <= 5; turn++) {
      clock.runTurn()
      quiet.link.feed(frames(turn, 1))
      expect(quiet.ear.ids).toEqual(upTo(turn))
      const handled = flood.map(({ ear }, at) => ear.ids.length - (first[at] ?? 0))
      expect(Math.min(...handled)).toBeGreaterThanOrEqual(18 * turn) // 160 shared by nine
      expect(Math.max(...handled)).toBeLessThanOrEqual(23 * turn) // by eight, or by the seven others
    }
    clock.runTurns()
    for (const { ear } of flood) expect(ear.ids).toEqual(upTo(400))
  })

  it('is a sixteenth of maxTurnFrames at least, however many are busy', () => {
    const clock = new VirtualClock()
    const many = Array.from({ length: 80 }, () => linked({ maxTurnFrames: 256 }, clock))
    for (const { link } of many) link.feed(frames(1, 100))
    expect(many.at(-1)?.ear.ids).toEqual(upTo(16))
    clock.runTurn()
    expect(many.at(-1)?.ear.ids).toEqual(upTo(32))
    clock.runTurns()
    for (const { ear } of many) expect(ear.ids).toEqual(upTo(100))
  })

  it('is asked for anew where neighbours have made it less than it has had', () => {
    const { link, ear, clock } = linked({ maxTurnFrames: 64 })
    const neighbours = Array.from({ length: 12 }, () => linked({}, clock))
    const all = frames(1, 101)
    link.feed(all.subarray(0, all.length - 1))
    clock.runTurn() // the rest of it, and one frame is not there yet
    expect(ear.ids).toEqual(upTo(100))
    for (const { link } of neighbours) link.feed(frames(1, 1))
    link.feed(all.subarray(all.length - 1))
    expect([ear.ids.length, link.asked]).toEqual([100, ['pause']])
    clock.runTurns()
    expect([ear.ids, link.asked.at(-1)]).toEqual([upTo(101), 'resume'])
  })

  it('holds one chunk more, and none after it, until its turn', () => {
    const { link, ear, clock } = linked({ maxTurnFrames: 10 })
    link.feed(frames(1, 25))
    expect(link.asked).toEqual([])
    link.feed(frames(26, 1))
    expect([ear.ids.length, link.asked]).toEqual([10, ['pause']])
    clock.runTurns()
    expect([ear.ids, link.asked]).toEqual([upTo(26), ['pause', 'resume']])
  })

  it('is what was begun before maxTurnBytes were there', () => {
    const { link, ear, clock } = linked({ maxTurnBytes: 1_700 })
    link.feed(frames(1, 99), frames(100, 1))
    expect([ear.ids.length, link.asked]).toEqual([100, []])
    link.feed(frames(101, 1))
    expect([ear.ids.length, link.asked]).toEqual([100, ['pause']])
    clock.runTurn()
    expect(ear.ids).toHaveLength(101)
    expect(link.asked).toEqual(['pause', 'resume'])
  })

  it('counts what came in one turn together, and forgets it in the next', () => {
    const { link, ear, clock } = linked({ maxTurnBytes: 1_700 })
    for (let turn = 0; turn < 5; turn++) {
      link.feed(frames(turn * 90 + 1, 90))
      clock.runTurn()
    }
    expect(ear.ids).toEqual(upTo(450))
    expect(link.asked).toEqual([])
  })

  it('is told as bytes at once, also what waits', () => {
    const { link, ear } = linked({ maxTurnFrames: 1 })
    link.feed(frames(1, 2), frames(3, 2))
    expect([ear.told, link.receivedBytes]).toEqual([['34 bytes', '34 bytes'], helloBytes().length + 68])
    expect(ear.ids).toEqual([1])
  })
})

describe('a link that is paused', () => {
  it('gives no frame more, from that very moment, and all of them afterwards', () => {
    const { link, ear, clock } = linked()
    ear.onFrame = (id) => {
      if (id === 3) link.pauseReading()
    }
    link.feed(frames(1, 5), frames(6, 5))
    clock.runTurns()
    expect([ear.ids, link.asked]).toEqual([upTo(3), ['pause']])
    link.pauseReading()
    link.resumeReading()
    link.resumeReading()
    expect(ear.ids).toEqual(upTo(3))
    clock.runTurn()
    expect([ear.ids, link.asked]).toEqual([upTo(10), ['pause', 'resume']])
  })

  it('may be paused and resumed at every frame', () => {
    const { link, ear, clock } = linked({ maxTurnFrames: 2 })
    ear.onFrame = () => {
      link.pauseReading()
      link.resumeReading()
    }
    link.feed(frames(1, 9), frames(10, 4))
    clock.runTurns()
    expect(ear.ids).toEqual(upTo(13))
    expect(link.asked.at(-1)).toBe('resume')
  })
})

describe('a stream that breaks', () => {
  it('is told once, after the frames before it, and what comes is thrown away', () => {
    const { link, ear, clock } = linked()
    link.feed(joined([frames(1, 2), frameBytes(99), frames(3, 2)]), frames(5, 2))
    clock.runTurns()
    link.feed(frames(7, 2), Uint8Array.of(0xff))
    clock.runTurns()
    expect(ear.ids).toEqual([1, 2])
    expect(ear.told.filter((what) => what.startsWith('broken'))).toEqual(['broken frame_kind'])
    expect(link.asked).toEqual([])
  })

  it('goes on being read, so that the end is seen', () => {
    const { link, ear, clock } = linked({ maxTurnFrames: 1 })
    link.feed(joined([frames(1, 1), frameBytes(99)]), frames(2, 1))
    expect(link.asked).toEqual(['pause'])
    clock.runTurns()
    expect([ear.told.at(-1), link.asked]).toEqual(['broken frame_kind', ['pause', 'resume']])
  })

  it('lets faults that are no breach of the protocol out', () => {
    const { link, ear } = linked()
    ear.onFrame = () => {
      throw new TypeError('a fault of ours')
    }
    expect(() => link.feed(frames(1, 1))).toThrow(new TypeError('a fault of ours'))
  })
})

it('a link that is closed tells so once, and gives nothing after it', () => {
  const { link, ear, clock } = linked({ maxTurnFrames: 1 })
  link.feed(frames(1, 3))
  link.close(new Error('reset'))
  link.close()
  clock.runTurns()
  expect([ear.ids, ear.told]).toEqual([[1], ['51 bytes', 'closed reset']])
})
