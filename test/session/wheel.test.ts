/** The wheel of deadlines against a list (spec/session.md, S12 and S13): never early, a tick late at most. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadline, wheelOf } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { runs } from '../support/runs.ts'

const TICK_MS = 8
/** Longer than one round of the wheel. */
const ROUND_MS = 256 * TICK_MS

class Alarm extends Deadline {
  rings = 0
  readonly #rang: (alarm: Alarm) => void

  constructor(rang: (alarm: Alarm) => void = () => {}) {
    super()
    this.#rang = rang
  }

  override expire(): void {
    this.rings++
    this.#rang(this)
  }
}

/** What an alarm does when it rings, besides. */
type Deed = 'nothing' | 'removes another' | 'adds another' | 'adds itself'

type Step =
  | { readonly do: 'add'; readonly inMs: number; readonly deed: Deed }
  | { readonly do: 'remove'; readonly index: number }
  | { readonly do: 'pass'; readonly ms: number }

const span = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 3 * ROUND_MS }),
  fc.constantFrom(ROUND_MS - 1, ROUND_MS, ROUND_MS + 1, 2 * ROUND_MS, 2 ** 31 - 1),
  fc.double({ min: 0, max: 100, noNaN: true }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('add' as const),
    inMs: span.map((ms) => ms - 3),
    deed: fc.constantFrom<Deed>('nothing', 'nothing', 'removes another', 'adds another', 'adds itself'),
  }),
  fc.record({ do: fc.constant('remove' as const), index: fc.nat() }),
  fc.record({ do: fc.constant('pass' as const), ms: span.filter((ms) => ms < 4 * ROUND_MS) }),
)

/** The wheel with the list of what waits, which is all that it should be. */
class Checked {
  readonly clock: VirtualClock
  readonly wheel
  readonly waiting: Alarm[] = []

  constructor(startMs: number) {
    this.clock = new VirtualClock(1, startMs)
    this.wheel = wheelOf(this.clock)
  }

  add(at: number, deed: Deed = 'nothing'): void {
    const alarm = new Alarm((one) => this.#rang(one, deed))
    this.waiting.push(alarm)
    this.wheel.add(alarm, at)
  }

  remove(index: number): void {
    const [alarm] = this.waiting.splice(index % Math.max(1, this.waiting.length), 1)
    if (!alarm) return
    this.wheel.remove(alarm)
    this.wheel.remove(alarm)
  }

  #rang(alarm: Alarm, deed: Deed): void {
    const found = this.waiting.indexOf(alarm)
    expect(found).toBeGreaterThanOrEqual(0)
    this.waiting.splice(found, 1)
    const now = this.clock.now()
    expect(alarm.at).toBeLessThanOrEqual(now)
    if (deed === 'removes another') this.remove(alarm.rings + this.waiting.length)
    else if (deed === 'adds another') this.add(now + (now % 50))
    else if (deed === 'adds itself' && alarm.rings < 3) {
      this.waiting.push(alarm)
      this.wheel.add(alarm, now + 5)
    }
  }

  /** What holds after each step. */
  check(): void {
    expect(this.wheel.size).toBe(this.waiting.length)
    // What should have rung a tick ago has.
    for (const { at } of this.waiting) expect(at).toBeGreaterThan(this.clock.now() - TICK_MS)
    this.clock.runTurns()
    expect(this.clock.timers).toBe(this.waiting.length === 0 ? 0 : 1)
  }
}

describe('S13: the wheel', () => {
  it('is a list of deadlines that is never early, and late by a tick at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.array(step, { maxLength: 80 }), (startMs, steps) => {
        const checked = new Checked(startMs)
        for (const one of steps) {
          if (one.do === 'add') checked.add(checked.clock.now() + one.inMs, one.deed)
          else if (one.do === 'remove') checked.remove(one.index)
          else checked.clock.advance(one.ms)
          checked.check()
        }
      }),
      runs(400),
    )
  })

  it.each([5e-324, 8_000 + 1e-12])('is no round late for what is hardly after a tick: %d', (at) => {
    const checked = new Checked(Math.floor(at / TICK_MS) * TICK_MS)
    checked.add(at)
    checked.clock.advance(2 * TICK_MS)
    expect(checked.waiting).toEqual([])
  })

  it('rings in the order of ticks', () => {
    const clock = new VirtualClock(1, 0)
    const rang: number[] = []
    for (const at of [900, 20, 5_000, 40, 3_000, 2_055]) wheelOf(clock).add(new Alarm(({ at }) => rang.push(at)), at)
    clock.runAll()
    expect(rang).toEqual([20, 40, 900, 2_055, 3_000, 5_000])
  })

  it('wakes up once in a round at most for what is far away', () => {
    const clock = new VirtualClock(1, 0)
    let wakes = 0
    const counting = {
      now: () => clock.now(),
      turn: (callback: () => void) => clock.turn(callback),
      random: () => clock.random(),
      after: (ms: number, callback: () => void, keeps?: boolean) =>
        clock.after(
          ms,
          () => {
            wakes++
            callback()
          },
          keeps,
        ),
    }
    const alarm = new Alarm()
    wheelOf(counting).add(alarm, 100 * ROUND_MS)
    clock.advance(99 * ROUND_MS)
    expect(alarm.rings).toBe(0)
    expect(wakes).toBeLessThanOrEqual(100)
    clock.advance(ROUND_MS + TICK_MS)
    expect(alarm.rings).toBe(1)
  })

  it('keeps the process alive while somebody waits, and has no timer when nobody does', () => {
    const clock = new VirtualClock()
    const wheel = wheelOf(clock)
    const alarms = [new Alarm(), new Alarm()]
    for (const alarm of alarms) wheel.add(alarm, clock.now() + 1_000)
    clock.runTurns()
    expect([clock.timers, clock.keepers]).toEqual([1, 1])
    for (const alarm of alarms) wheel.remove(alarm)
    clock.runTurns()
    expect([clock.timers, wheel.size]).toEqual([0, 0])
  })

  it('is the same for all who ask with one clock, and another for another clock', () => {
    const clock = new VirtualClock()
    expect(wheelOf(clock)).toBe(wheelOf(clock))
    expect(wheelOf(clock)).not.toBe(wheelOf(new VirtualClock()))
  })

  it('survives a clock that sleeps for longer than a round', () => {
    const clock = new VirtualClock(1, 0)
    const alarms = [10, ROUND_MS - 1, ROUND_MS + 20, 7 * ROUND_MS].map((at) => {
      const alarm = new Alarm()
      wheelOf(clock).add(alarm, at)
      return alarm
    })
    clock.sleep(5 * ROUND_MS)
    clock.advance(0)
    expect(alarms.map(({ rings }) => rings)).toEqual([1, 1, 1, 0])
    clock.runAll()
    expect(alarms.map(({ rings }) => rings)).toEqual([1, 1, 1, 1])
  })
})
