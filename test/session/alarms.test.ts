/** The alarms of a clock against a list (spec/session.md, S14 and S15): each rings in its own moment, by one timer for all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Alarm, Alarms, alarmsOf } from '../../src/session/alarms.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { runs } from '../support/runs.ts'

class Bell extends Alarm {
  readonly #rang: (bell: Bell) => void

  constructor(rang: (bell: Bell) => void = () => {}) {
    super()
    this.#rang = rang
  }

  override ring(): void {
    this.#rang(this)
  }
}

/** What a bell does when it rings, besides. */
type Deed = 'nothing' | 'removes another' | 'adds another' | 'adds itself'

type Step =
  | { readonly do: 'add'; readonly inMs: number; readonly deed: Deed }
  | { readonly do: 'move'; readonly index: number; readonly inMs: number }
  | { readonly do: 'remove'; readonly index: number }
  | { readonly do: 'pass'; readonly ms: number }

const span = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.constantFrom(20_000, 20_000, 30_000, 2 ** 31 - 1),
  fc.double({ min: 0, max: 100, noNaN: true }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      inMs: span,
      deed: fc.constantFrom<Deed>('nothing', 'nothing', 'removes another', 'adds another', 'adds itself'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), index: fc.nat(), inMs: span }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), index: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: span }) },
)

/** The alarms with the list of what waits, which is all that they should be. */
class Checked {
  readonly clock = new VirtualClock()
  readonly alarms = alarmsOf(this.clock)
  readonly waiting = new Map<Bell, number>()
  #rang = 0

  add(inMs: number, deed: Deed = 'nothing'): void {
    this.move(new Bell((bell) => this.#bellRang(bell, deed)), inMs)
  }

  move(bell: Bell | undefined, inMs: number): void {
    if (!bell) return
    const at = this.clock.now() + inMs
    this.waiting.set(bell, at)
    this.alarms.add(bell, at)
  }

  remove(bell: Bell | undefined): void {
    if (!bell) return
    this.waiting.delete(bell)
    this.alarms.remove(bell)
    this.alarms.remove(bell)
  }

  at(index: number): Bell | undefined {
    return [...this.waiting.keys()][index % Math.max(1, this.waiting.size)]
  }

  #bellRang(bell: Bell, deed: Deed): void {
    expect(this.waiting.get(bell)).toBe(this.clock.now())
    expect(Math.min(...this.waiting.values())).toBe(this.clock.now())
    this.waiting.delete(bell)
    if (deed === 'removes another') this.remove(this.at(this.#rang++))
    else if (deed === 'adds another') this.add(this.#rang++ % 50)
    else if (deed === 'adds itself' && this.#rang++ < 200) this.move(bell, 5)
  }

  /** What holds after each step. */
  check(): void {
    expect(this.alarms.size).toBe(this.waiting.size)
    for (const at of this.waiting.values()) expect(at).toBeGreaterThanOrEqual(this.clock.now())
    expect(this.clock.timers).toBe(this.waiting.size === 0 ? 0 : 1)
  }
}

/** Alarms on a clock that counts the timers which they have made. */
function counted() {
  const clock = new VirtualClock(1, 0)
  let made = 0
  const counting = {
    now: () => clock.now(),
    turn: (callback: () => void) => clock.turn(callback),
    random: () => clock.random(),
    after: (ms: number, callback: () => void) => {
      made++
      return clock.after(ms, callback)
    },
  }
  return { clock, alarms: new Alarms(counting), made: () => made }
}

describe('the alarms of a clock', () => {
  it('are a list whose members ring in their own moment, by one timer', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const checked = new Checked()
        for (const one of steps) {
          if (one.do === 'add') checked.add(one.inMs, one.deed)
          else if (one.do === 'move') checked.move(checked.at(one.index), one.inMs)
          else if (one.do === 'remove') checked.remove(checked.at(one.index))
          else checked.clock.advance(one.ms)
          checked.check()
        }
      }),
      runs(400),
    )
  })

  it('ring in the order of their times, whoever was added or removed before', () => {
    const clock = new VirtualClock(1, 0)
    const rang: number[] = []
    const alarms = alarmsOf(clock)
    const bells = Array.from({ length: 300 }, (_, index) => ({
      at: 1 + ((index * 7_919) % 1_009), // no two alike
      bell: new Bell(({ at }) => rang.push(at)),
    }))
    for (const { at, bell } of bells) alarms.add(bell, at)
    const [left, removed] = [bells.filter((_, at) => at % 3 > 0), bells.filter((_, at) => at % 3 === 0)]
    for (const { bell } of removed) alarms.remove(bell)
    clock.advance(2_000)
    expect(rang).toEqual(left.map(({ at }) => at).sort((one, other) => one - other))
  })

  it('are removed once, and go on when all have rung', () => {
    const clock = new VirtualClock(1, 0)
    const alarms = alarmsOf(clock)
    const rang: number[] = []
    const [one, ...others] = [10, 20, 30].map((at) => {
      const bell = new Bell(() => rang.push(clock.now()))
      alarms.add(bell, at)
      return bell
    })
    for (let count = 0; count < 3; count++) if (one) alarms.remove(one)
    expect([alarms.size, others.length]).toEqual([2, 2])
    clock.advance(30)
    expect([rang, clock.timers]).toEqual([[20, 30], 0])
    alarms.add(new Bell(() => rang.push(clock.now())), 40)
    expect(clock.timers).toBe(1)
    clock.advance(10)
    expect([rang, clock.timers]).toEqual([[20, 30, 40], 0])
  })

  it('keep no process alive', () => {
    const clock = new VirtualClock()
    alarmsOf(clock).add(new Bell(), 20_000)
    expect([clock.timers, clock.keepers]).toEqual([1, 0])
  })

  it('make a new timer only for what is due before all others', () => {
    const { alarms, clock, made } = counted()
    const bells = Array.from({ length: 1_000 }, () => new Bell())
    for (const [index, bell] of bells.entries()) alarms.add(bell, 20_000 + index)
    expect(made()).toBe(1)
    alarms.add(new Bell(), 10)
    expect([made(), clock.timers]).toEqual([2, 1])
    for (const bell of bells) alarms.remove(bell)
    expect([made(), clock.timers]).toEqual([2, 1])
  })

  it('make one new timer for all that are added while one rings', () => {
    const { alarms, clock, made } = counted()
    alarms.add(
      new Bell((bell) => {
        alarms.add(bell, 60)
        alarms.add(new Bell(), 50)
        alarms.add(new Bell(), 40)
      }),
      10,
    )
    expect(made()).toBe(1)
    clock.advance(10)
    expect([made(), alarms.size, clock.timers]).toEqual([2, 3, 1])
  })

  it('ring the others when one of them throws', () => {
    const clock = new VirtualClock(1, 0)
    const rang: string[] = []
    const alarms = alarmsOf(clock)
    alarms.add(
      new Bell(() => {
        throw new Error('a broken listener')
      }),
      10,
    )
    alarms.add(new Bell(() => rang.push('same moment')), 10)
    alarms.add(new Bell(() => rang.push('later')), 20)
    expect(() => clock.advance(10)).toThrow('a broken listener')
    clock.advance(10)
    expect([rang, clock.timers]).toEqual([['same moment', 'later'], 0])
  })

  it('wait longer than any timer can', () => {
    const clock = new VirtualClock(1, 0)
    let rangAt = 0
    alarmsOf(clock).add(new Bell(() => (rangAt = clock.now())), 2 ** 31 + 0.5)
    clock.advance(2 ** 31)
    expect(rangAt).toBe(0)
    clock.advance(1)
    expect(rangAt).toBe(2 ** 31 + 0.5)
  })

  it('are the same for all who ask with one clock, and others for another clock', () => {
    const clock = new VirtualClock()
    expect(alarmsOf(clock)).toBe(alarmsOf(clock))
    expect(alarmsOf(new VirtualClock())).not.toBe(alarmsOf(clock))
  })
})
