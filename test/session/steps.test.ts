/** The states' steps, and the process's clock: what the rest of the chapter stands on. */
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/session/index.ts'
import { updateReading } from '../../src/session/intake.ts'
import type { Keepalive } from '../../src/session/keepalive.ts'
import type { Link } from '../../src/session/link.ts'
import { ADMITTING, CLOSED, OPEN, OPENING, requireStep, type State, type Step, steps } from '../../src/session/state.ts'

const NOTHING = () => {}
const states: readonly State[] = [
  OPENING,
  ADMITTING,
  OPEN,
  { name: 'draining', by: 'self', step: 'announced', cancelTimer: NOTHING },
  { name: 'closing', cause: undefined, cancelTimer: NOTHING },
  CLOSED,
]

describe('a step', () => {
  it.each(Object.keys(steps) as Step[])(
    '%s leads from the states that it is for to its own, and from no other',
    (step) => {
      const { from, to }: { from: readonly string[]; to: string } = steps[step]
      for (const here of states) {
        for (const there of states) {
          const judge = () => requireStep(step, here, there)
          if (from.includes(here.name) && to === there.name) expect(judge).not.toThrow()
          else expect(judge).toThrow(`no step ${step} from ${here.name} to ${there.name}`)
        }
      }
    },
  )
})

describe('the clock of the process', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

  it('keeps the process for a timer where it is asked to, and not otherwise', () => {
    const before = timers()
    const cancels = [systemClock.after(1_000_000, NOTHING), systemClock.after(1_000_000, NOTHING, false)]
    expect(timers()).toBe(before)
    cancels.push(systemClock.after(1_000_000, NOTHING, true))
    expect(timers()).toBe(before + 1)
    for (const cancel of cancels) cancel()
    expect(timers()).toBe(before)
  })

  it('takes turns, and throws dice', async () => {
    const told: string[] = []
    const turn = new Promise<void>((resolve) => {
      systemClock.turn(() => {
        told.push('turn')
        resolve()
      })
    })
    told.push('now')
    await turn
    expect(told).toEqual(['now', 'turn'])
    const dice = Array.from({ length: 100 }, () => systemClock.random())
    expect(dice.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(new Set(dice).size).toBeGreaterThan(90)
    expect(systemClock.now()).toBeLessThanOrEqual(systemClock.now())
  })
})

describe('whether a server reads', () => {
  function reading() {
    const link = { isCongested: false, pauseReading: vi.fn(), resumeReading: vi.fn() }
    const keepalive = {
      paused: undefined as string | undefined,
      pause: (reason: string) => {
        keepalive.paused = reason
      },
      resume: () => {
        keepalive.paused = undefined
      },
    }
    const update = (hasRoom: boolean) =>
      updateReading(link as unknown as Link, keepalive as unknown as Keepalive, hasRoom) // all that it asks of them
    return { link, keepalive, update }
  }

  it('is told to the link once, whatever it is for', () => {
    const { link, keepalive, update } = reading()
    update(true)
    expect(link.pauseReading).not.toHaveBeenCalled()
    expect(link.resumeReading).not.toHaveBeenCalled()
    update(false)
    expect(keepalive.paused).toBe('busy')
    update(false)
    link.isCongested = true
    update(false)
    expect(keepalive.paused).toBe('congested')
    update(true)
    expect(link.pauseReading).toHaveBeenCalledOnce()
    expect(link.resumeReading).not.toHaveBeenCalled()
    link.isCongested = false
    update(true)
    expect(keepalive.paused).toBeUndefined()
    expect(link.resumeReading).toHaveBeenCalledOnce()
  })
})
