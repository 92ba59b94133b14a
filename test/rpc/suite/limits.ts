/** Limits of calls, and what both sides count: the same numbers in every place. */
import Type from 'typebox'
import { expect } from 'vitest'
import { contract, unary } from '../../../src/index.ts'
import { nextTurn, until } from '../../support/hand-clock.ts'
import { casesOf, type TestPlace } from '../../support/places.ts'
import { failureOf, Gate, Lab, lab, never } from '../lab.ts'

/** A service whose calls of `echo` end when they are told to, and which sees how many run at once. */
function gated() {
  const running = new Map<string, Gate>()
  const begun: string[] = []
  let most = 0
  const service = lab({
    async echo({ text }) {
      const gate = new Gate()
      running.set(text, gate)
      begun.push(text)
      most = Math.max(most, running.size)
      await gate.promise
      running.delete(text)
      return { text }
    },
  })
  return { service, running, begun, most: () => most }
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object') return ['number', 'string'].includes(typeof value)
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value).every(isPlain)
}

export function limitsSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('lets one at a time be called where one slot and no queue is', async () => {
    const { wire } = await place.open(lab({ echo: (request) => request }), {
      limits: { maxCallsInFlight: 1, maxCallsQueued: 0 },
    })
    await wire.ready()
    for (let n = 0; n < 10; n++) expect(await wire.client(Lab).echo({ text: `${n}` })).toEqual({ text: `${n}` })
  })

  its('queues what is above maxCallsInFlight, in order', async () => {
    const { service, running, begun, most } = gated()
    const { wire } = await place.open(service, { limits: { maxCallsInFlight: 2 } })
    await wire.ready()
    const { echo } = wire.client(Lab)
    const texts = ['a', 'b', 'c', 'd', 'e']
    const calls = texts.map((text) => echo({ text }))
    await until(() => begun.length === 2)
    expect(wire.stats()).toMatchObject({ inFlight: 2, waiting: 3 })
    for (const text of texts) {
      await until(() => running.has(text))
      running.get(text)?.open()
    }
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(texts)
    expect(begun).toEqual(texts)
    expect(most()).toBe(2)
    expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  its('queues them from the very first call on', async () => {
    const service = lab({
      async echo(request) {
        await nextTurn()
        return request
      },
    })
    const { wire } = await place.open(service, { limits: { maxCallsInFlight: 2 } })
    const { echo } = wire.client(Lab)
    const texts = Array.from({ length: 200 }, (_, n) => `${n}`)
    const ended = await Promise.allSettled(texts.map((text) => echo({ text })))
    expect(ended.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  its('runs none whose time has passed while it waited, also of the first burst', async () => {
    const { service, running, begun } = gated()
    const { wire, clock } = await place.open(service, { limits: { maxCallsInFlight: 1 } })
    const { echo } = wire.client(Lab)
    const first = echo({ text: 'first' })
    const late = failureOf(echo({ text: 'late' }, { timeoutMs: 50 }))
    await until(() => begun.length === 1)
    await wire.ready()
    clock.advance(60)
    expect(await late).toMatchObject({ code: 'deadline_exceeded' })
    running.get('first')?.open()
    await first
    const last = echo({ text: 'last' })
    await until(() => running.size === 1)
    running.get('last')?.open()
    running.get('late')?.open()
    await last
    expect(begun).toEqual(['first', 'last'])
  })

  its('refuses what is above maxCallsQueued, and says which limit it was', async () => {
    const { service, running, begun } = gated()
    const { wire } = await place.open(service, { limits: { maxCallsInFlight: 1, maxCallsQueued: 2 } })
    await wire.ready()
    const { echo } = wire.client(Lab)
    const calls = ['a', 'b', 'c'].map((text) => echo({ text }))
    const error = await failureOf(echo({ text: 'd' }))
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(error.message).toMatch(
      /^too many calls wait for a place: maxCallsQueued is 2 \(peer .+; option limits\.maxCallsQueued\)$/,
    )
    expect(wire.stats().refused).toEqual({ maxCallsQueued: 1 })
    for (const text of ['a', 'b', 'c']) {
      await until(() => running.has(text))
      running.get(text)?.open()
    }
    await Promise.all(calls)
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  its('lets a call that waits go away: it never ran', async () => {
    const { service, running, begun } = gated()
    const { wire, clock } = await place.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const { echo } = wire.client(Lab)
    const first = echo({ text: 'first' })
    const controller = new AbortController()
    const cancelled = failureOf(echo({ text: 'cancelled' }, { signal: controller.signal }))
    const late = failureOf(echo({ text: 'late' }, { timeoutMs: 50 }))
    const last = echo({ text: 'last' })
    await until(() => begun.length === 1)
    controller.abort()
    clock.advance(60)
    expect(await cancelled).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(await late).toMatchObject({ code: 'deadline_exceeded', processed: 'no' })
    running.get('first')?.open()
    await first
    await until(() => running.has('last'))
    running.get('last')?.open()
    await last
    expect(begun).toEqual(['first', 'last'])
  })

  its('keeps the slot of a handler whose caller has gone away', async () => {
    const { service, running, begun } = gated()
    const { wire } = await place.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const { echo } = wire.client(Lab)
    const controller = new AbortController()
    const gone = failureOf(echo({ text: 'gone' }, { signal: controller.signal }))
    await until(() => begun.length === 1)
    controller.abort()
    await gone
    const next = echo({ text: 'next' })
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    expect(begun).toEqual(['gone'])
    expect(wire.stats()).toMatchObject({ inFlight: 1, waiting: 1 })
    running.get('gone')?.open()
    await until(() => running.has('next'))
    running.get('next')?.open()
    expect(await next).toEqual({ text: 'next' })
  })

  its('counts how calls ended, as their callers saw it', async () => {
    const { wire, clock } = await place.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'stuck') return never()
          if (text === 'banned') throw ctx.error('Banned', { until: '' })
          if (text === 'bad') throw new Error('bad')
          return { text }
        },
        note: () => undefined,
      }),
    )
    const { echo, note } = wire.client(Lab)
    const Other = contract('other', { get: unary(Type.Void(), Type.Void()) })
    const controller = new AbortController()
    await echo({ text: 'x' })
    await note({ line: 'x' })
    const failures = [
      echo({ text: 'banned' }),
      echo({ text: 'bad' }),
      echo({ text: 7 } as never), // as a program without types may call it
      echo({ text: 'x' }, { signal: AbortSignal.abort() }),
      echo({ text: 'stuck' }, { timeoutMs: 50 }),
      echo({ text: 'stuck' }, { signal: controller.signal }),
      wire.client(Other).get(),
    ].map(failureOf)
    await until(() => wire.stats().inFlight === 2)
    controller.abort()
    clock.advance(60)
    await Promise.all(failures)
    expect(wire.stats().calls).toEqual({
      'lab/echo': { ok: 1, Banned: 1, internal: 1, invalid_argument: 1, cancelled: 2, deadline_exceeded: 1 },
      'lab/note': { ok: 1 },
      'other/get': { unimplemented: 1 },
    })
  })

  its('has statistics that are plain objects, and copies', async () => {
    const { wire, server } = await place.open(lab({ echo: (request) => request }))
    const sides = [wire, ...(server ? [server] : [])]
    await wire.client(Lab).echo({ text: 'x' })
    for (const side of sides) {
      const stats = side.stats()
      expect(isPlain(stats)).toBe(true)
      expect(JSON.parse(JSON.stringify(stats))).toEqual(stats)
      Object.assign(stats.calls['lab/echo'] ?? {}, { ok: 99 })
      expect(side.stats().calls).toEqual({ 'lab/echo': { ok: 1 } })
    }
  })

  its('counts connections and bytes', async () => {
    const { wire, server } = await place.open(lab({ echo: (request) => request }))
    expect(wire.stats()).toMatchObject({ connections: 0, bytesReceived: 0, bytesSent: 0, inFlight: 0, waiting: 0 })
    await wire.client(Lab).echo({ text: 'x'.repeat(1_000) })
    const { connections, bytesSent, bytesReceived } = wire.stats()
    expect(connections).toBe(place.name === 'memory' ? 0 : 1)
    expect(bytesSent > 1_000 && bytesReceived > 1_000).toBe(place.name !== 'memory')
    if (!server) return
    expect(server.stats()).toMatchObject({ connections: 1, bytesReceived: bytesSent, bytesSent: bytesReceived })
  })
}
