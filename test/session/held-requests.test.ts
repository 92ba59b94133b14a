/** Requests that wait for a slot (spec/session.md, S8, S12), by themselves: their order, their bytes and their time. */
import { describe, expect, it } from 'vitest'
import { HeldRequests } from '../../src/session/held-requests.ts'
import type { IncomingRequest } from '../../src/session/index.ts'

function requestOf(bytes: number, settings: Partial<IncomingRequest> = {}): IncomingRequest {
  const buffer = new Uint8Array(bytes + 4).fill(7)
  return {
    tag: 7,
    oneWay: false,
    timeoutMs: 0,
    metadata: {},
    hash: undefined,
    judged: false,
    input: false,
    output: false,
    buffer,
    start: 4,
    end: 4 + bytes,
    ...settings,
  }
}

describe('requests that wait', () => {
  it('are counted with their bytes, notifies apart, and no more once they were taken', () => {
    const held = new HeldRequests()
    held.add(1, requestOf(10), 0)
    held.add(2, requestOf(20, { oneWay: true }), 0)
    held.add(3, requestOf(30, { oneWay: true }), 0)
    expect([held.size, held.bytes, held.notifies]).toEqual([3, 60, 2])
    expect([held.has(2), held.has(4)]).toEqual([true, false])
    expect(held.take(4)).toBeUndefined()
    expect(held.take(2)?.oneWay).toBe(true)
    expect(held.take(2)).toBeUndefined()
    expect([held.size, held.bytes, held.notifies]).toEqual([2, 40, 1])
    expect([held.takeNext(0).id, held.takeNext(0).id]).toEqual([1, 3])
    expect([held.size, held.bytes, held.notifies]).toEqual([0, 0, 0])
  })

  it('have bytes of their own', () => {
    const held = new HeldRequests()
    const hash = new Uint8Array(16).fill(1)
    const request = requestOf(3, { hash })
    held.add(1, request, 0)
    request.buffer.fill(0xee)
    hash.fill(0xee)
    expect(held.take(1)).toMatchObject({
      buffer: Uint8Array.of(7, 7, 7),
      start: 0,
      end: 3,
      hash: new Uint8Array(16).fill(1),
    })
  })

  it('have what is left of their time, in whole milliseconds, and are late when nothing is', () => {
    const next = (timeoutMs: number, now: number) => {
      const held = new HeldRequests()
      held.add(1, requestOf(1, { timeoutMs }), 1_000)
      const { request, isLate } = held.takeNext(now)
      return [request.timeoutMs, isLate]
    }
    expect(next(500, 1_000)).toEqual([500, false])
    expect(next(500, 1_499.5)).toEqual([1, false])
    expect(next(500, 1_500)).toEqual([0, true])
    expect(next(500, 2_000)).toEqual([-500, true])
    expect(next(0, 90_000)).toEqual([0, false])
  })
})
