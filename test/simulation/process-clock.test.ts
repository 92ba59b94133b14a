/** The clock of one simulated process: it leaps and changes its pace, and no timer is early by it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProcessClock } from '../../src/testing/simulate/process-clock.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { runs } from '../support/runs.ts'

function clocks() {
  const shared = new VirtualClock(1, 1_000)
  return { shared, own: new ProcessClock(shared, 2) }
}

describe('the clock of a process', () => {
  it('is the one that all share until it is disturbed', () => {
    const { shared, own } = clocks()
    shared.advance(0.1)
    expect(own.now()).toBe(shared.now())
  })

  it('leaps ahead, and what was due by then comes at once, in its order', () => {
    const { shared, own } = clocks()
    const rung: string[] = []
    own.after(300, () => rung.push('late'))
    own.after(100, () => rung.push('early'))
    own.after(900, () => rung.push('not yet'))
    own.leap(500)
    expect(rung).toEqual([])
    shared.advance(0)
    expect(rung).toEqual(['early', 'late'])
    expect(own.now()).toBe(1_500)
    shared.advance(399)
    expect(rung).toHaveLength(2)
    shared.advance(1)
    expect(rung).toEqual(['early', 'late', 'not yet'])
  })

  it('runs fast and slow, and so do timers that wait already', () => {
    const { shared, own } = clocks()
    let rungAt = 0
    own.after(100, () => {
      rungAt = shared.now()
    })
    own.run(0.5)
    shared.advance(100)
    expect([rungAt, own.now()]).toEqual([0, 1_050])
    own.run(4)
    shared.advance(100)
    expect([rungAt, own.now()]).toEqual([1_112.5, 1_450])
  })

  it('does nothing while its process is stopped, and then all that is due', () => {
    const { shared, own } = clocks()
    const rung: string[] = []
    own.after(100, () => rung.push(`timer ${own.now()}`))
    own.after(900, () => rung.push(`not yet ${own.now()}`))
    own.pause()
    own.turn(() => rung.push('turn'))
    own.after(10, () => rung.push('made meanwhile'))
    shared.advance(500)
    expect([rung, own.now(), own.leapMs]).toEqual([[], 1_500, 500])
    own.resume()
    shared.advance(400)
    expect(rung.sort()).toEqual(['made meanwhile', 'not yet 1900', 'timer 1500', 'turn'])
    expect(own.leapMs).toBe(500)
  })

  it('does nothing any more when it has stopped', () => {
    const { shared, own } = clocks()
    const rung: string[] = []
    own.after(10, () => rung.push('timer'))
    own.wait(10, () => rung.push('wait'))
    own.turn(() => rung.push('turn'))
    own.stop()
    own.after(10, () => rung.push('later'))()
    own.turn(() => rung.push('another turn'))
    shared.advance(1_000)
    expect([rung, own.timers, shared.timers]).toEqual([[], 0, 0])
  })

  it('counts the timers of the library, and not what a user waits for', () => {
    const { shared, own } = clocks()
    own.wait(10, () => {})
    const cancel = own.after(10, () => {})
    own.after(20, () => {})
    expect(own.timers).toBe(2)
    cancel()
    expect(own.timers).toBe(1)
    shared.advance(20)
    expect([own.timers, shared.timers]).toEqual([0, 0])
  })

  it('never goes back and rings nothing early, whatever is done to it', () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant('leap'), by: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ kind: fc.constant('run'), by: fc.constantFrom(0.5, 1, 2, 4) }),
      fc.record({ kind: fc.constant('pass'), by: fc.double({ min: 0, max: 500, noNaN: true }) }),
      fc.record({ kind: fc.constant('after'), by: fc.double({ min: 0, max: 3_000, noNaN: true }) }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { shared, own } = clocks()
        const waiting = new Set<number>()
        let before = own.now()
        for (const { kind, by } of acts) {
          if (kind === 'leap') own.leap(by)
          if (kind === 'run') own.run(by)
          if (kind === 'pass') shared.advance(by)
          if (kind === 'after') {
            const dueAt = own.now() + by
            waiting.add(dueAt)
            own.after(by, () => {
              expect(own.now()).toBeGreaterThanOrEqual(dueAt)
              waiting.delete(dueAt)
            })
          }
          expect(own.now()).toBeGreaterThanOrEqual(before)
          before = own.now()
        }
        shared.advance(20_000)
        expect([waiting.size, own.timers, shared.timers]).toEqual([0, 0, 0])
      }),
      runs(200),
    )
  })
})
