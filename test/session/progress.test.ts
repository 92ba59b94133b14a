/** Whether what has begun goes on (spec/streams.md, F16), by itself: what is looked at, for how long, and what is told. */
import { describe, expect, it } from 'vitest'
import { Progress } from '../../src/session/progress.ts'

const IDLE_MS = 1_000

/** What a session tells of itself, and what it is told. */
class Session {
  come: number | undefined
  acknowledged: number | undefined
  readonly told: string[] = []

  bulkCome(): number | undefined {
    return this.come
  }

  bulkAcknowledged(): number | undefined {
    return this.acknowledged
  }

  messagesStalled(ms: number): void {
    this.told.push(`stalled ${ms}`)
  }

  peerSilent(what: string): void {
    this.told.push(what)
  }
}

/** Looks at a session's progress again and again; each look says in how many milliseconds to look again. */
function watched() {
  const session = new Session()
  const progress = new Progress()
  return { session, look: (now: number) => progress.look(session, now, IDLE_MS) }
}

describe('progress', () => {
  it('is looked at where something comes in parts, or waits to be acknowledged', () => {
    const session = new Session()
    expect(Progress.isDue(session)).toBe(false)
    session.come = 0
    expect(Progress.isDue(session)).toBe(true)
    session.come = undefined
    session.acknowledged = 0
    expect(Progress.isDue(session)).toBe(true)
  })

  it('is waited for from when it was first missed, and anew whenever there is some', () => {
    const { session, look } = watched()
    session.come = 0
    expect(look(5_000)).toBe(IDLE_MS)
    expect(look(5_300)).toBe(700)
    session.come = 10
    expect(look(5_900)).toBe(IDLE_MS)
    expect(look(6_899)).toBe(1)
    expect(session.told).toEqual([])
    expect(look(6_900)).toBe(IDLE_MS)
    expect(session.told).toEqual(['stalled 1000'])
  })

  it('need not be while nothing is under way, and that counts as no time', () => {
    const { session, look } = watched()
    session.come = 0
    look(5_000)
    session.come = undefined
    expect(look(5_900)).toBe(IDLE_MS)
    session.come = 0
    expect(look(7_500)).toBe(IDLE_MS)
    expect(look(8_000)).toBe(500)
    expect(session.told).toEqual([])
  })

  it('of what is acknowledged has its own time: the peer is given up without it, whatever comes', () => {
    const { session, look } = watched()
    session.acknowledged = 0
    look(5_000)
    session.come = 1
    expect(look(5_400)).toBe(600) // whichever ends first
    session.come = 2
    expect(look(5_999.4)).toBeCloseTo(0.6)
    expect(session.told).toEqual([])
    expect(look(6_000.4)).toBe(0)
    expect(session.told).toEqual(['nothing was acknowledged for 1000 ms'])
  })
})
