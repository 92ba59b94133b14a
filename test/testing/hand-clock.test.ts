/** `HandClock`: time that passes when a test says so. */
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { faultyLink, HandClock } from '../../src/testing/index.ts'
import { Lab, lab } from '../rpc/lab.ts'
import { nextTurn } from '../support/hand-clock.ts'
import { exampleOf, runExample } from '../support/testing-example.ts'

describe('HandClock', () => {
  it('calls what is due in the order of time, each once, at its own time', () => {
    const clock = new HandClock()
    const start = clock.now()
    const calls: [string, number][] = []
    const at = (name: string, ms: number) => clock.after(ms, () => calls.push([name, clock.now() - start]))
    at('late', 30)
    at('soon', 10)
    at('as soon', 10)
    at('never', 31)
    const cancel = at('cancelled', 5)
    cancel()
    expect([clock.timers, clock.nextAt - start]).toEqual([4, 10])
    clock.advance(30)
    const expected = [
      ['soon', 10],
      ['as soon', 10],
      ['late', 30],
    ]
    expect(calls).toEqual(expected)
    clock.advance(0)
    cancel()
    expect(calls).toEqual(expected)
    expect([clock.now() - start, clock.timers, clock.nextAt - start]).toEqual([30, 1, 31])
  })

  it('calls what falls due while it is moved, and not what is cancelled then', () => {
    const clock = new HandClock()
    const calls: string[] = []
    clock.after(10, () => {
      calls.push('first')
      clock.after(5, () => calls.push('made by it'))
      cancel()
    })
    const cancel = clock.after(12, () => calls.push('cancelled by it'))
    clock.advance(100)
    expect(calls).toEqual(['first', 'made by it'])
    expect([clock.timers, clock.nextAt]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('has real turns, which come before time passes', async () => {
    const clock = new HandClock()
    const calls: string[] = []
    clock.turn(() => calls.push('turn'))
    expect(calls).toEqual([])
    await nextTurn()
    expect(calls).toEqual(['turn'])
    clock.after(0, () => calls.push('timer'))
    clock.turn(() => calls.push('next turn'))
    clock.advance(0)
    await nextTurn()
    expect(calls).toEqual(['turn', 'next turn', 'timer'])
  })

  it('calls the others of a turn of which one throws, in their order, in the next', () => {
    const clock = new HandClock()
    const calls: string[] = []
    const say = (name: string) => () => void calls.push(name)
    clock.turn(say('first'))
    clock.turn(() => {
      clock.turn(say('asked for last'))
      throw new Error('mine')
    })
    clock.turn(say('third'))
    expect(() => clock.advance(0)).toThrow('mine')
    expect(calls).toEqual(['first'])
    clock.advance(0)
    expect(calls).toEqual(['first', 'third', 'asked for last'])
  })

  it('has real turns for what is left over of one that threw', async () => {
    const clock = new HandClock()
    const calls: string[] = []
    clock.turn(() => {
      throw new Error('mine')
    })
    clock.turn(() => void calls.push('second'))
    expect(() => clock.advance(0)).toThrow('mine')
    await nextTurn()
    await nextTurn()
    expect(calls).toEqual(['second'])
  })

  it('may be moved by a handler, whatever is on its way then', async () => {
    const clock = new HandClock()
    const link = await faultyLink(
      lab({
        echo({ text }) {
          clock.advance(5)
          return { text: text.trimEnd() }
        },
      }),
      { clock },
    )
    const wire = connect(link, { clock })
    const { echo } = wire.client(Lab)
    const texts = Array.from({ length: 300 }, (_, n) => `${n}`.padEnd(9_000))
    const replies = await Promise.all(texts.map((text) => echo({ text })))
    expect(replies.map(({ text }) => text)).toEqual(texts.map((text) => text.trimEnd()))
    await wire.close({ drainMs: 0 })
    await link.close({ drainMs: 0 })
  })

  it('gives the same numbers for the same seed, and others for another', () => {
    const numbersOf = (clock: HandClock) => Array.from({ length: 20 }, () => clock.random())
    expect(numbersOf(new HandClock(7))).toEqual(numbersOf(new HandClock(7)))
    expect(numbersOf(new HandClock(8))).not.toEqual(numbersOf(new HandClock(7)))
    for (const number of numbersOf(new HandClock(-1))) {
      expect(number).toBeGreaterThanOrEqual(0)
      expect(number).toBeLessThan(1)
    }
  })

  it('never goes back, where what is due moves it further', () => {
    const clock = new HandClock()
    clock.after(5, () => clock.advance(100))
    clock.advance(10)
    expect(clock.now()).toBe(1_105)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 1n])('is not moved by %s', (ms) => {
    const clock = new HandClock()
    clock.after(0, () => expect.unreachable())
    expect(() => clock.advance(ms as number)).toThrow(`a clock is moved by 0 ms or more, not ${ms}`)
    expect([clock.now(), clock.timers]).toEqual([1_000, 1])
  })

  it.each([Number.NaN, '5', null, undefined])('has no timer of %s', (ms) => {
    const clock = new HandClock()
    expect(() => clock.after(ms as number, () => {})).toThrow(`a timer waits for milliseconds, not ${ms}`)
    expect(clock.timers).toBe(0)
  })

  it.each([1.5, Number.NaN])('takes no seed of %s', (seed) => {
    expect(() => new HandClock(seed)).toThrow(`seed is a whole number, not ${seed}`)
  })

  it('ends a connection when it is moved by idleTimeoutMs at once, and in steps does not', async () => {
    const clock = new HandClock()
    const link = await faultyLink(lab({}), { clock })
    const wire = connect(link, { clock, limits: { pingAfterMs: 1_000, idleTimeoutMs: 3_000 } })
    await wire.ready()
    const [first] = link.connections
    for (let step = 0; step < 10; step++) {
      clock.advance(1_000)
      for (let turn = 0; turn < 10; turn++) await nextTurn()
    }
    expect(link.connections).toEqual([first])
    clock.advance(3_000)
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    expect(link.connections).not.toContain(first)
    await wire.close({ drainMs: 0 })
    await link.close({ drainMs: 0 })
  })

  it('is shown by a test that passes, and looks at how the call ended', async () => {
    const example = exampleOf('hand-clock')
    expect(await runExample(example)).toBe(1)
    await expect(runExample(example.replace("'deadline_exceeded'", "'unavailable'"))).rejects.toThrow('to match object')
  })
})
