/** The last seconds of a connection (spec/session.md, "Closing"): when it is destroyed, and that nothing stays behind. */
import { describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { Farewell } from '../../src/session/farewell.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { TapLink } from '../support/tap-link.ts'

const limits = resolveLimits({ idleTimeoutMs: 9_000, pingAfterMs: 100, lingerMs: 500 })

function leaving(takesAtOnce = true) {
  const clock = new VirtualClock()
  const link = new TapLink(clock, limits)
  link.takesAtOnce = takesAtOnce
  return { clock, link, farewell: new Farewell(link, clock, limits) }
}

describe('a connection that was ended', () => {
  it('reads what comes, and is destroyed after lingerMs, whatever its last bytes do', () => {
    for (const takesAtOnce of [true, false]) {
      const { clock, link, farewell } = leaving(takesAtOnce)
      link.pauseReading()
      farewell.say(false)
      clock.advance(499)
      expect([...link.asked].sort()).toEqual(['end', 'pause', 'resume'])
      clock.advance(1)
      expect(link.asked.at(-1)).toBe('destroy')
      expect(clock.timers).toBe(0)
    }
  })

  it('is not destroyed where the peer has ended it, too', () => {
    const { clock, link, farewell } = leaving()
    farewell.say(false)
    farewell.over()
    expect(clock.timers).toBe(0)
    clock.advance(60_000)
    expect(link.asked).toEqual(['end'])
  })
})

describe('a connection that has drained', () => {
  it('has idleTimeoutMs for its last bytes, and is destroyed then', () => {
    const { clock, link, farewell } = leaving(false)
    farewell.say(true)
    clock.advance(8_999)
    expect(link.asked).toEqual(['end'])
    clock.advance(1)
    expect(link.asked).toEqual(['end', 'destroy'])
    expect(clock.timers).toBe(0)
  })

  it('has lingerMs from when they were taken, and one timer at a time', () => {
    const { clock, link, farewell } = leaving(false)
    farewell.say(true)
    clock.advance(8_000)
    link.flushed()
    expect(clock.timers).toBe(1)
    clock.advance(499)
    expect(link.asked).toEqual(['end'])
    clock.advance(1)
    expect([link.asked, clock.timers]).toEqual([['end', 'destroy'], 0])
  })

  it('waits for nothing once it is over, whenever its last bytes are taken', () => {
    const { clock, link, farewell } = leaving(false)
    farewell.say(true)
    farewell.over()
    link.flushed()
    expect(clock.timers).toBe(0)
  })
})
