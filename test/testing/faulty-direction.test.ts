/** One direction of a faulty connection, by a clock that is moved by hand: what comes through, when, and in which pieces. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Direction } from '../../src/testing/faulty/direction.ts'
import type { Faults } from '../../src/testing/faulty/faults.ts'
import { mulberry32 } from '../../src/testing/simulate/chance.ts'
import { HandClock } from '../support/hand-clock.ts'
import { runs } from '../support/runs.ts'

function directed(faults: Faults, maxQueuedBytes?: number) {
  const clock = new HandClock()
  const started = clock.now()
  /** What came, as `<ms>:<text>`. */
  const came: string[] = []
  const flow: boolean[] = []
  const state = { takesMore: true }
  const tell = (what: string): void => void came.push(`${clock.now() - started}:${what}`)
  const direction: Direction = new Direction({
    clock,
    random: mulberry32(1),
    faults,
    maxQueuedBytes,
    deliver(bytes) {
      tell(Buffer.from(bytes).toString())
      return state.takesMore
    },
    ended: (how) => tell(`[${how}]`),
    close(how) {
      direction.stop()
      tell(`[close: ${how}]`)
    },
    flow: (goesOn) => void flow.push(goesOn),
  })
  const push = (...texts: string[]): void => {
    for (const text of texts) direction.push(Buffer.from(text))
  }
  /** All turns that are asked for without time passing. */
  const settle = (): void => {
    for (let before = -1; before !== came.length; ) {
      before = came.length
      clock.advance(0)
    }
  }
  return { clock, direction, came, flow, state, push, settle }
}

describe('a direction', () => {
  it('without faults hands on what was sent as it was sent, and nothing while it is sent', () => {
    const { direction, came, push, settle } = directed({})
    push('ab', 'c')
    direction.end('end')
    expect(came).toEqual([])
    settle()
    expect(came).toEqual(['0:ab', '0:c', '0:[end]'])
  })

  it('takes its time, the end included', () => {
    const { clock, direction, came, push } = directed({ latencyMs: 30 })
    push('a')
    clock.advance(10)
    push('b')
    direction.end('end')
    clock.advance(19)
    expect(came).toEqual([])
    clock.advance(1)
    clock.advance(10)
    expect(came).toEqual(['30:a', '40:b', '40:[end]'])
  })

  it('varies by no more than the jitter, and keeps the order', () => {
    const { clock, came, push } = directed({ latencyMs: 10, jitterMs: 20 })
    push(...'abcdefgh')
    for (let ms = 0; ms < 30; ms++) clock.advance(1)
    const times = came.map((line) => Number(line.split(':')[0]))
    expect(came.map((line) => line.split(':')[1]).join('')).toBe('abcdefgh')
    expect(new Set(times).size).toBeGreaterThan(1)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...times)).toBeLessThanOrEqual(30)
  })

  it('lets no more through than its rate', () => {
    const { clock, direction, push } = directed({ bytesPerSecond: 1_000 })
    push('x'.repeat(5_000))
    for (let ms = 0; ms < 2_000; ms++) clock.advance(1)
    expect(direction.deliveredBytes).toBeGreaterThanOrEqual(2_000)
    expect(direction.deliveredBytes).toBeLessThanOrEqual(2_040)
  })

  it('cuts what comes into pieces, with time between them', () => {
    const { clock, came, push } = directed({ sliceBytes: 2, slicePauseMs: 5 })
    push('abcde', 'f')
    for (let ms = 0; ms < 20; ms++) clock.advance(1)
    expect(came).toEqual(['0:ab', '5:cd', '10:e', '15:f'])
  })

  it('joins what is sent in a short time', () => {
    const { clock, came, push } = directed({ joinMs: 10 })
    push('a')
    clock.advance(4)
    push('b')
    clock.advance(6)
    push('c')
    clock.advance(20)
    expect(came).toEqual(['10:ab', '20:c'])
  })

  it('stalls without losing anything, not even the end', () => {
    const { clock, direction, came, push, settle } = directed({ stall: true })
    push('a')
    direction.end('end')
    clock.advance(100_000)
    expect(came).toEqual([])
    direction.setFaults({})
    settle()
    expect(came).toEqual(['100000:a', '100000:[end]'])
  })

  it('lets nothing through until its timeout closes the connection', () => {
    const { clock, came, push } = directed({ timeoutMs: 50 })
    push('a')
    clock.advance(49)
    expect(came).toEqual([])
    clock.advance(1)
    expect(came).toEqual(['50:[close: end]'])
  })

  it('resets the connection after a time, whatever is on its way', () => {
    const { clock, came, push } = directed({ resetMs: 5, latencyMs: 10 })
    push('a')
    clock.advance(20)
    expect(came).toEqual(['5:[close: reset]'])
  })

  it.each([
    [0, ['0:[close: end]']],
    [1, ['0:a', '0:[close: end]']],
    [3, ['0:ab', '0:c', '0:[close: end]']],
    [4, ['0:ab', '0:cd', '0:[close: end]']],
    [5, ['0:ab', '0:cd']],
  ])('closes after %i bytes, and not before', (limitBytes, expected) => {
    const { came, push, settle } = directed({ limitBytes })
    settle()
    expect(came).toEqual([])
    push('ab', 'cd')
    settle()
    expect(came).toEqual(expected)
  })

  it('counts bytes from when the limit was set', () => {
    const { direction, came, push, settle } = directed({})
    push('abc')
    settle()
    direction.setFaults({ limitBytes: 2 })
    push('defg')
    settle()
    expect(came).toEqual(['0:abc', '0:de', '0:[close: end]'])
  })

  it('ends late, where the close is slow', () => {
    const { clock, direction, came, push } = directed({ slowCloseMs: 40 })
    push('a')
    direction.end('end')
    clock.advance(50)
    expect(came).toEqual(['0:a', '40:[end]'])
  })

  it('tells a reset behind the bytes, even after an end, and once', () => {
    const { direction, came, push, settle } = directed({})
    push('a')
    direction.end('end')
    direction.end('end')
    push('lost')
    direction.end('reset')
    direction.end('reset')
    settle()
    expect(came).toEqual(['0:a', '0:[end]', '0:[reset]'])
  })

  it('waits no longer than new faults say', () => {
    const { clock, direction, came, push, settle } = directed({ latencyMs: 1_000 })
    push('a')
    settle()
    direction.setFaults({ latencyMs: 10 })
    push('b')
    clock.advance(10)
    settle()
    expect(came).toEqual(['10:a', '10:b'])
  })

  it('forgets the timers of faults that are off', () => {
    const { clock, direction } = directed({ resetMs: 10, timeoutMs: 10 })
    direction.setFaults({})
    expect(clock.timers).toBe(0)
  })

  it('keeps no timer and no bytes when it is stopped', () => {
    const { clock, direction, came, push, settle } = directed({ latencyMs: 10, resetMs: 10 })
    push('a')
    settle()
    direction.stop()
    expect(clock.timers).toBe(0)
    clock.advance(20)
    expect(came).toEqual([])
  })

  it('holds its source back while too much waits', () => {
    const { direction, came, flow, state, push, settle } = directed({}, 10)
    state.takesMore = false
    push('0123456789')
    expect(flow).toEqual([])
    push('a')
    expect(flow).toEqual([false])
    settle()
    expect(came).toEqual(['0:0123456789'])
    direction.ready()
    settle()
    expect(flow).toEqual([false, true])
    expect(came).toEqual(['0:0123456789', '0:a'])
  })
})

describe('any faults that end nothing', () => {
  const someFaults = fc.record(
    {
      latencyMs: fc.nat(50),
      jitterMs: fc.nat(50),
      bytesPerSecond: fc.integer({ min: 100, max: 100_000 }),
      sliceBytes: fc.integer({ min: 1, max: 20 }),
      joinMs: fc.nat(20),
      slowCloseMs: fc.nat(50),
      stall: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  const step = fc.oneof(
    fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }) }),
    fc.record({ faults: someFaults }),
    fc.record({ passMs: fc.nat(40) }),
    fc.record({ takesMore: fc.boolean() }),
  )

  it('lose, double and turn around no byte, and tell the end behind all', () => {
    const property = (steps: readonly Readonly<Record<string, unknown>>[]) => {
      const clock = new HandClock()
      const sent: number[] = []
      const came: number[] = []
      let takesMore = true
      let ended = 0
      const direction = new Direction({
        clock,
        random: mulberry32(7),
        faults: {},
        deliver(bytes) {
          expect(ended).toBe(0)
          came.push(...bytes)
          return takesMore
        },
        ended: () => void ended++,
        close: () => expect.unreachable('nothing asks for it'),
      })
      for (const { bytes, faults, passMs, takesMore: takes } of steps) {
        if (bytes) {
          sent.push(...(bytes as Uint8Array)) // as `step` makes it
          direction.push(bytes as Uint8Array) // as `step` makes it
        }
        if (faults) direction.setFaults(faults)
        if (takes !== undefined) takesMore = takes === true
        for (let ms = 0; ms < Number(passMs ?? 0); ms++) clock.advance(1)
      }
      direction.end('end')
      direction.setFaults({})
      takesMore = true
      for (let round = 0; round <= steps.length + 100; round++) {
        direction.ready()
        clock.advance(1)
      }
      expect(came).toEqual(sent)
      expect(ended).toBe(1)
      expect(clock.timers).toBe(0)
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), property), runs(300))
  })
})
