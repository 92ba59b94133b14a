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

/** A wheel on a clock that counts the turns and timers which it has asked for, and how often these wake it up. */
function counted(startMs: number) {
  const clock = new VirtualClock(1, startMs)
  let wakes = 0
  let made = 0
  let turns = 0
  const counting = {
    now: () => clock.now(),
    turn(callback: () => void) {
      turns++
      clock.turn(callback)
    },
    random: () => clock.random(),
    after(ms: number, callback: () => void, keeps?: boolean) {
      made++
      const wake = () => {
        wakes++
        callback()
      }
      return clock.after(ms, wake, keeps)
    },
  }
  return { clock, wheel: wheelOf(counting), wakes: () => wakes, made: () => made, turns: () => turns }
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

  it('lets others have their turn between a crowd that rings, and leaves nobody out', () => {
    const clock = new VirtualClock(1, 0)
    const wheel = wheelOf(clock)
    let rings = 0
    const seen: number[] = []
    const look = () => {
      seen.push(rings)
      if (rings < 2_000) clock.turn(look)
    }
    wheel.add(new Alarm(look), 799)
    for (let n = 0; n < 2_000; n++) wheel.add(new Alarm(() => rings++), 799)
    clock.advance(1_000)
    const steps = seen.map((count, index) => count - (seen[index - 1] ?? 0))
    expect(Math.max(...steps)).toBeLessThanOrEqual(256)
    expect([rings, wheel.size, clock.timers]).toEqual([2_000, 0, 0])
  })

  it('forgets those of a crowd that are removed before their turn, and rings for who comes later', () => {
    const clock = new VirtualClock(1, 0)
    const wheel = wheelOf(clock)
    const crowd = Array.from({ length: 1_000 }, () => new Alarm())
    const [next, later] = [new Alarm(), new Alarm()]
    const leave = new Alarm(() => {
      clock.turn(() => {
        for (const alarm of crowd) wheel.remove(alarm)
      })
      wheel.add(later, 400)
    })
    for (const alarm of [leave, ...crowd]) wheel.add(alarm, 80)
    wheel.add(next, 160)
    clock.advance(80)
    expect([crowd.filter(({ rings }) => rings > 0).length, leave.rings, wheel.size]).toEqual([255, 1, 2])
    expect(clock.timers).toBe(1)
    clock.advance(80 + TICK_MS)
    expect(next.rings).toBe(1)
    clock.advance(240)
    expect([later.rings, clock.timers]).toEqual([1, 0])
  })

  it('looks at each deadline of a slot once a round, however many of them ring', () => {
    const clock = new VirtualClock(1, 0)
    const wheel = wheelOf(clock)
    let looks = 0
    let rings = 0
    const addMany = (at: number) => {
      for (let n = 0; n < 1_000; n++)
        wheel.add(
          watched(() => rings++),
          at,
        )
    }
    const watched = (rang: () => void) => {
      const alarm = new Alarm(rang)
      let time = 0
      const look = () => {
        looks++
        return time
      }
      const set = (at: number) => {
        time = at
      }
      return Object.defineProperty(alarm, 'at', { get: look, set })
    }
    addMany(800)
    addMany(800 + ROUND_MS)
    clock.advance(808)
    expect(rings).toBe(1_000)
    expect(looks).toBeLessThanOrEqual(2_000)
    clock.advance(ROUND_MS)
    expect(rings).toBe(2_000)
    expect(looks).toBeLessThanOrEqual(3_000)
  })

  it('wakes up once in a round at most for what is far away', () => {
    const { clock, wheel, wakes } = counted(0)
    const alarm = new Alarm()
    wheel.add(alarm, 100 * ROUND_MS)
    clock.advance(99 * ROUND_MS)
    expect(alarm.rings).toBe(0)
    expect(wakes()).toBeLessThanOrEqual(100)
    clock.advance(ROUND_MS + TICK_MS)
    expect(alarm.rings).toBe(1)
  })

  it('wakes up once for what rings in the same tick, however late the clock began', () => {
    const { clock, wheel, wakes, made } = counted(1_000_000)
    const alarms = [new Alarm(), new Alarm(), new Alarm()] as const
    wheel.add(alarms[0], 1_000_100)
    wheel.add(alarms[1], 1_000_099)
    clock.advance(10)
    wheel.addAfter(alarms[2], 88)
    clock.advance(87)
    expect(alarms.map(({ rings }) => rings)).toEqual([0, 0, 0])
    clock.advance(3 + TICK_MS)
    expect(alarms.map(({ rings }) => rings)).toEqual([1, 1, 1])
    clock.advance(90_000)
    expect([wakes(), made(), clock.timers, wheel.size]).toEqual([1, 1, 0, 0])
  })

  it('rings in time for the first of several, in whatever order they were added', () => {
    for (const isSettled of [true, false]) {
      for (const [one, other] of [
        [16, 1_000],
        [1_000, 16],
      ] as const) {
        const clock = new VirtualClock(1, 0)
        const rang: number[] = []
        const add = (at: number) => wheelOf(clock).add(new Alarm(() => rang.push(clock.now())), at)
        add(one)
        if (isSettled) clock.runTurns()
        add(other)
        clock.advance(16)
        expect(rang).toEqual([16])
        clock.advance(1_000)
        expect(rang).toEqual([16, 1_000])
      }
    }
  })

  it('looks after its timer once in a turn, where it may have to be another', () => {
    const { clock, wheel, turns } = counted(0)
    const alarms = [500, 600, 700].map((at) => {
      const alarm = new Alarm()
      wheel.add(alarm, at)
      return alarm
    })
    expect(turns()).toBe(1)
    clock.runTurns()
    for (const at of [500, 900]) {
      const alarm = new Alarm()
      wheel.add(alarm, at)
      wheel.remove(alarm)
    }
    expect(turns()).toBe(1)
    for (const alarm of alarms) wheel.remove(alarm)
    expect(turns()).toBe(2)
    clock.runTurns()
    expect(clock.timers).toBe(0)
  })

  it.each([500, 600])('keeps its timer where another begins as the last has ended: at %d', (at) => {
    const { clock, wheel, made } = counted(0)
    const alarm = new Alarm()
    wheel.add(alarm, 500)
    clock.runTurns()
    wheel.remove(alarm)
    wheel.add(alarm, at)
    clock.runTurns()
    expect([made(), clock.timers]).toEqual([1, 1])
    clock.advance(at + TICK_MS)
    expect([alarm.rings, clock.timers]).toEqual([1, 0])
  })

  it('makes one timer for all that ring later than another', () => {
    const { clock, wheel, made } = counted(0)
    for (let count = 0; count < 100; count++) {
      wheel.add(new Alarm(), 500 + count)
      clock.runTurns()
    }
    expect(made()).toBe(1)
    wheel.add(new Alarm(), 50)
    clock.runTurns()
    expect([made(), clock.timers]).toEqual([2, 1])
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
