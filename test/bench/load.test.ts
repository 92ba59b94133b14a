/** How loads are measured, with a client in memory. */
import { describe, expect, it } from 'vitest'
import { measureClosed, measureOpen } from './load.ts'
import { answer, type Client } from './work.ts'

/** Answers in a later turn, and counts the calls that wait. */
function clientOf(): { client: Client; seen: { most: number; calls: number } } {
  const seen = { most: 0, calls: 0 }
  let waiting = 0
  const later = async <T>(value: T): Promise<T> => {
    seen.calls++
    seen.most = Math.max(seen.most, ++waiting)
    await new Promise((resolve) => setImmediate(resolve))
    waiting--
    return value
  }
  const client: Client = {
    small: (request) => later(answer(request)),
    record: later,
    bytes: later,
  }
  return { client, seen }
}

describe('the closed loop', () => {
  it.each(['small', 'record', 'bytes'] as const)('keeps as many calls of %s going as it is told', async (work) => {
    const { client, seen } = clientOf()
    const measured = await measureClosed(client, { work, inFlight: 7, calls: 100 })
    expect(seen).toEqual({ most: 7, calls: 100 })
    expect(measured.callsPerSecond).toBeGreaterThan(0)
    expect(measured.p50).toBeLessThanOrEqual(measured.p99)
    expect(measured.p99).toBeLessThanOrEqual(measured.p999)
  })

  it('finds a reply that is not its own', async () => {
    const { client } = clientOf()
    const mixed: Client = { ...client, small: async ({ id }) => answer({ id: id + 1, name: '', tags: [], score: 0 }) }
    const problem = 'call 0 got a reply that is not its own'
    await expect(measureClosed(mixed, { work: 'small', inFlight: 1, calls: 3 })).rejects.toThrow(problem)
    await expect(measureOpen(mixed, { work: 'small', perSecond: 1_000_000, calls: 3 })).rejects.toThrow(problem)
  })
})

describe('the open loop', () => {
  it('starts every call, however slow the replies are', async () => {
    const { client, seen } = clientOf()
    const measured = await measureOpen(client, { work: 'small', perSecond: 1_000_000, calls: 500 })
    expect(seen.calls).toBe(500)
    expect(measured.p50).toBeLessThanOrEqual(measured.p999)
  })

  it('counts latency from when a call was to start: a pause counts for all that it delays', async () => {
    let nowMs = 0
    const now = () => {
      nowMs += 0.000_1 // time passes while it is looked at, or no call would ever be due
      return nowMs
    }
    const { client } = clientOf()
    const paused: Client = {
      ...client,
      small: async (request) => {
        if (request.id === 0) nowMs += 30 // the whole process stands still, as in a collection
        return answer(request)
      },
    }
    // The first of ten calls takes 30 ms, and the others, due after 1, 2 … 9 ms, wait for 29, 28 … 21.
    const { p50, p999 } = await measureOpen(paused, { work: 'small', perSecond: 1_000, calls: 10 }, now)
    expect(Math.round(p50 / 1_000)).toBe(25)
    expect(Math.round(p999 / 1_000)).toBe(30)
  })
})
