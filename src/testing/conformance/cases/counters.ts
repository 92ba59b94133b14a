/** What a connection counts of its calls, as their callers saw it. */
import Type from 'typebox'
import { contract, unary } from '../../../contract/index.ts'
import { equal, failureOf, holds } from '../assert.ts'
import { lab, never } from '../lab.ts'
import type { Cases } from '../suite.ts'

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object') return ['number', 'string'].includes(typeof value)
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value).every(isPlain)
}

export const counters: Cases = {
  async 'counts how calls ended, as their callers saw it'(t) {
    const { client, wire, clock } = await t.open(
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
    const { echo, note } = client
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
    ].map((call) => failureOf(call))
    await t.until(() => wire.stats().inFlight === 2, 'two calls to be left')
    controller.abort()
    clock.advance(60)
    await Promise.all(failures)
    equal(
      wire.stats().calls,
      {
        'lab/echo': { ok: 1, Banned: 1, internal: 1, invalid_argument: 1, cancelled: 2, deadline_exceeded: 1 },
        'lab/note': { ok: 1 },
        'other/get': { unimplemented: 1 },
      },
      'how the calls ended',
    )
  },

  async 'has statistics that are plain objects, and copies'(t) {
    const { client, wire } = await t.open(lab({ echo: (request) => request }))
    await client.echo({ text: 'x' })
    const stats = wire.stats()
    holds(isPlain(stats), 'statistics of plain objects, numbers and text')
    equal(JSON.parse(JSON.stringify(stats)), stats, 'the statistics as JSON')
    Object.assign(stats.calls['lab/echo'] ?? {}, { ok: 99 })
    equal(wire.stats().calls, { 'lab/echo': { ok: 1 } }, 'how the calls ended')
  },

  async 'counts what waits and what is in flight, and in the end nothing'(t) {
    const { client, wire } = await t.open(lab({ echo: async (request) => request }))
    equal([wire.stats().inFlight, wire.stats().waiting], [0, 0], 'calls before')
    const calls = Array.from({ length: 10 }, (_, n) => client.echo({ text: `${n}` }))
    const { inFlight, waiting } = wire.stats()
    equal(inFlight + waiting, 10, 'calls meanwhile')
    await Promise.all(calls)
    equal([wire.stats().inFlight, wire.stats().waiting], [0, 0], 'calls afterwards')
  },
}

/** Cases that ask the handlers' side by itself. */
export const serverCounters: Cases = {
  async 'counts at the handlers what callers count'(t) {
    const { client, counts } = await t.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'banned') throw ctx.error('Banned', { until: '' })
          return { text }
        },
      }),
    )
    for (let n = 0; n < 3; n++) await client.echo({ text: 'x' })
    await failureOf(client.echo({ text: 'banned' }))
    equal(counts().calls, { 'lab/echo': { ok: 3, Banned: 1 } }, 'how the calls ended')
    equal(counts().inFlight, 0, 'calls in flight')
  },

  async 'counts a notify as in flight until its handler has ended'(t) {
    let end = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      end = resolve
    })
    const { client, counts } = await t.open(lab({ note: () => waiting }))
    await client.note({ line: 'x' })
    await t.until(() => counts().inFlight === 1, 'the notify to be in flight')
    end()
    await t.until(() => counts().inFlight === 0, 'the notify to have ended')
  },

  async 'counts a notify that succeeds, whatever its handler returned'(t) {
    const { client, counts, log } = await t.open(lab({ note: () => 'ignored' as never })) // as a program without types may
    await client.note({ line: 'x' })
    await t.until(() => counts().calls['lab/note']?.['ok'] === 1, 'the notify to be counted')
    equal(log.lines, [], 'the log')
  },

  async 'counts a notify that fails by its code'(t) {
    const { client, counts } = await t.open(lab({ note: () => Promise.reject(new Error('secret')) }))
    await client.note({ line: 'payload' })
    await t.until(() => counts().calls['lab/note']?.['internal'] === 1, 'the notify to be counted')
  },
}
