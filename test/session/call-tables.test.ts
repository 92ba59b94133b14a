/** The tables of calls by themselves: what waits, what is in flight, whose caller has gone, at both ends (spec/session.md). */
import { describe, expect, it, vi } from 'vitest'
import { cancel, IncomingCalls } from '../../src/session/incoming.ts'
import type { Flow } from '../../src/session/index.ts'
import { GoneCall, OutgoingCalls } from '../../src/session/outgoing.ts'
import { IdTable } from '../../src/wire/id-table.ts'
import { RecordedCall } from '../support/calls.ts'

const LAST = 0xffff_ffff

/** Calls that were sent one after the other, the first with `firstId`. */
function inFlight(firstId: number, count: number) {
  const calls = new OutgoingCalls(firstId)
  const sent = Array.from({ length: count }, () => {
    const call = new RecordedCall()
    calls.sent(calls.takeId(), call, 0)
    return call
  })
  return { calls, sent }
}

describe('calls that wait for a place', () => {
  it('come in their order, without those that have left', () => {
    const calls = new OutgoingCalls(1)
    const [first, second, third] = [new RecordedCall(), new RecordedCall(), new RecordedCall()]
    for (const call of [first, second, third]) calls.wait(call)
    expect(calls.waiting).toBe(3)
    expect(calls.isIdle).toBe(false)
    expect(calls.abandon(second)).toBeUndefined()
    expect(calls.nextWaiting()).toBe(first)
    expect(calls.nextWaiting()).toBe(third)
    expect(calls.nextWaiting()).toBeUndefined()
    expect(calls.waiting).toBe(0)
    expect(calls.isIdle).toBe(true)
  })

  it('are found when they come after the last one was taken, and when they come meanwhile', () => {
    const calls = new OutgoingCalls(1)
    expect(calls.nextWaiting()).toBeUndefined()
    const [first, second, third] = [new RecordedCall(), new RecordedCall(), new RecordedCall()]
    calls.wait(first)
    expect(calls.nextWaiting()).toBe(first)
    calls.wait(second)
    expect(calls.nextWaiting()).toBe(second)
    expect(calls.nextWaiting()).toBeUndefined()
    calls.wait(third)
    expect(calls.nextWaiting()).toBe(third)
  })

  it('are all taken at once, in their order, and none waits then', () => {
    const calls = new OutgoingCalls(1)
    expect(calls.takeWaiting()).toEqual([])
    const waiting = [new RecordedCall(), new RecordedCall()]
    for (const call of waiting) calls.wait(call)
    expect(calls.takeWaiting()).toEqual(waiting)
    expect(calls.waiting).toBe(0)
    const later = new RecordedCall()
    calls.wait(later)
    expect(calls.nextWaiting()).toBe(later)
  })
})

describe('calls in flight', () => {
  it('begin with the first id that was asked for, and leave out one that is still in flight after the last', () => {
    const { calls, sent } = inFlight(LAST, 2)
    expect(sent.map(({ id }) => id)).toEqual([LAST, 1])
    const again = inFlight(1, 3)
    expect(again.sent.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(calls.peekId()).toBe(2)
    const around = new OutgoingCalls(LAST)
    const old = new RecordedCall()
    around.sent(1, old, 0)
    expect(around.takeId()).toBe(LAST)
    expect(around.peekId()).toBe(2)
    expect(around.takeId()).toBe(2)
    expect(around.takeId()).toBe(3)
  })

  it('are wanted until they end, once', () => {
    const { calls, sent } = inFlight(1, 2)
    expect(calls.inFlight).toBe(2)
    expect(calls.isWanted(1)).toBe(true)
    expect(calls.get(1)).toBe(sent[0])
    expect(calls.end(1)).toBe(sent[0])
    expect(sent[0]?.id).toBe(0)
    expect(calls.isWanted(1)).toBe(false)
    expect(calls.end(1)).toBeUndefined()
    expect(calls.end(7)).toBeUndefined()
    expect(calls.isIdle).toBe(false)
    calls.end(2)
    expect(calls.isIdle).toBe(true)
    expect(calls.inFlight).toBe(0)
  })

  it('keep their id when their caller goes, until the peer has ended them', () => {
    const { calls, sent } = inFlight(1, 1)
    const [call = new RecordedCall()] = sent
    expect(calls.abandon(call)).toBe(1)
    expect(call.id).toBe(0)
    expect(calls.isWanted(1)).toBe(false)
    expect(calls.inFlight).toBe(1)
    expect(calls.isIdle).toBe(true)
    expect(calls.get(1)).toEqual(new GoneCall(1, false, false))
    expect(calls.abandon(call)).toBeUndefined()
    expect(calls.end(1)).toBeInstanceOf(GoneCall)
    expect(calls.inFlight).toBe(0)
    expect(calls.isIdle).toBe(true)
  })

  it('are refused once, and not where nobody waits for them', () => {
    const calls = new OutgoingCalls(1)
    const [call, stream] = [new RecordedCall(), new RecordedCall({ output: true })]
    calls.sent(calls.takeId(), call, 0)
    calls.sent(calls.takeId(), stream, 0)
    expect(calls.refuse(9)).toBeUndefined()
    expect(calls.refuse(1)).toBe(call)
    expect(calls.get(1)).toEqual(new GoneCall(1, true, false))
    expect(calls.refuse(1)).toBeUndefined()
    calls.abandon(stream)
    expect(calls.get(2)).toEqual(new GoneCall(2, false, true))
    expect(calls.refuse(2)).toBeUndefined()
    expect(calls.isIdle).toBe(true)
  })

  it('are taken out after an id in the order of ids, past the last one too, and without those whose caller has gone', () => {
    const { calls, sent } = inFlight(LAST - 2, 6) // LAST - 2, LAST - 1, LAST, 1, 2, 3
    calls.abandon(sent[4] ?? new RecordedCall())
    const taken = calls.takeAfter(LAST - 1)
    expect(taken.map(({ id }) => id)).toEqual([LAST, 1, 3])
    expect(taken.map(({ call }) => call)).toEqual([sent[2], sent[3], sent[5]])
    expect(taken.map(({ call }) => call.id)).toEqual([0, 0, 0])
    expect(calls.inFlight).toBe(2)
    expect(calls.get(2)).toBeUndefined()
    expect(calls.takeAfter(0).map(({ id }) => id)).toEqual([LAST - 2, LAST - 1])
    expect(calls.inFlight).toBe(0)
    expect(calls.isIdle).toBe(true)
  })

  it('are all taken in the order of ids, without those whose caller has gone', () => {
    const { calls, sent } = inFlight(LAST, 3)
    calls.abandon(sent[1] ?? new RecordedCall())
    expect(calls.takeInFlight()).toEqual([sent[0], sent[2]])
    expect(calls.inFlight).toBe(0)
    expect(calls.isIdle).toBe(true)
  })
})

describe('calls of a peer', () => {
  it('have ids above all before, the first any', () => {
    const calls = new IncomingCalls()
    expect(calls.isNew(LAST)).toBe(true)
    calls.lastId = LAST
    expect(calls.isNew(LAST)).toBe(false)
    expect(calls.isNew(LAST - 1)).toBe(false)
    expect(calls.isNew(1)).toBe(true)
  })

  it('are counted, those of which nobody hears an end apart, however often they are taken out', () => {
    const calls = new IncomingCalls()
    const [call, note] = [calls.add(1, false), calls.add(2, true)]
    expect([calls.size, calls.oneWayCount]).toEqual([2, 1])
    calls.remove(note)
    calls.remove(note)
    expect([calls.size, calls.oneWayCount]).toEqual([1, 0])
    calls.remove(call)
    expect([calls.size, calls.oneWayCount]).toEqual([0, 0])
    expect(calls.get(1)).toBeUndefined()
  })

  it('are told once that their caller is gone, and keep their slot', () => {
    const calls = new IncomingCalls()
    const call = calls.add(1, false)
    const callerGone = vi.fn()
    call.runner = { callerGone }
    calls.add(2, false) // of which no handler has begun
    calls.cancelAll()
    calls.cancelAll()
    cancel(call)
    expect(callerGone).toHaveBeenCalledOnce()
    expect(calls.size).toBe(2)
  })

  it('leave, with their timers, where nothing but the answer was still to be sent', () => {
    const calls = new IncomingCalls()
    const call = calls.add(1, false)
    const cancelTimer = vi.fn()
    call.flow = { isAnswered: true, cancelTimer } as unknown as Flow // of which no more is asked
    calls.cancelAll()
    expect(calls.size).toBe(0)
    expect(cancelTimer).toHaveBeenCalledOnce()
  })
})

describe('an entry that has outlasted a round of ids', () => {
  it('is replaced where it stands, and an id that is not there is left alone', () => {
    const table = new IdTable<{ readonly id: number; readonly mark: string }>()
    table.add({ id: 1, mark: 'old' })
    table.add({ id: 17, mark: 'in its slot' })
    table.replace({ id: 1, mark: 'new' })
    expect(table.get(1)?.mark).toBe('new')
    expect(table.get(17)?.mark).toBe('in its slot')
    expect(table.size).toBe(2)
    expect(table.remove(1)?.mark).toBe('new')
    expect(table.remove(1)).toBeUndefined()
    expect(table.size).toBe(1)
    const fresh = new IdTable<{ readonly id: number }>()
    fresh.add({ id: 3 })
    fresh.replace({ id: 19 })
    expect(fresh.get(19)).toBeUndefined()
  })
})
