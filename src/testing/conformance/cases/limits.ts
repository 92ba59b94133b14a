/** Limits of calls: the same numbers in every place. */
import { equal, fails } from '../assert.ts'
import { Gate, lab } from '../lab.ts'
import type { Cases } from '../suite.ts'
import type { Trial } from '../trial.ts'

/** A service whose calls of `echo` end when they are told to, and which sees how many run at once. */
function gated(t: Trial) {
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
  /** Lets one end that has begun, or will. */
  const end = async (text: string): Promise<void> => {
    await t.until(() => running.has(text), `the call ${text} to begin`)
    running.get(text)?.open()
  }
  return { service, begun, end, most: () => most }
}

const queue: Cases = {
  async 'lets one at a time be called where one slot and no queue is'(t) {
    const limits = { maxCallsInFlight: 1, maxCallsQueued: 0 }
    const { client, wire } = await t.open(lab({ echo: (request) => request }), { limits })
    await wire.ready()
    for (let n = 0; n < 10; n++) equal(await client.echo({ text: `${n}` }), { text: `${n}` })
  },

  async 'queues what is above maxCallsInFlight, in order'(t) {
    const { service, begun, end, most } = gated(t)
    const { client, wire } = await t.open(service, { limits: { maxCallsInFlight: 2 } })
    await wire.ready()
    const texts = ['a', 'b', 'c', 'd', 'e']
    const calls = texts.map((text) => client.echo({ text }))
    await t.until(() => begun.length === 2, 'two calls to begin')
    const { inFlight, waiting } = wire.stats()
    equal({ inFlight, waiting }, { inFlight: 2, waiting: 3 }, 'the numbers of calls')
    for (const text of texts) await end(text)
    equal(
      (await Promise.all(calls)).map(({ text }) => text),
      texts,
      'the replies',
    )
    equal(begun, texts, 'the order in which handlers began')
    equal(most(), 2, 'handlers at once')
    const after = wire.stats()
    equal([after.inFlight, after.waiting], [0, 0], 'calls afterwards')
  },

  async 'queues them from the very first call on'(t) {
    const service = lab({
      async echo(request) {
        await t.turns()
        return request
      },
    })
    const { client } = await t.open(service, { limits: { maxCallsInFlight: 2 } })
    const texts = Array.from({ length: 200 }, (_, n) => `${n}`)
    const got = await Promise.all(texts.map((text) => client.echo.try({ text })))
    equal(
      got.filter(({ ok }) => !ok),
      [],
      'calls that failed',
    )
  },

  async 'refuses what is above maxCallsQueued, and says which limit it was'(t) {
    const { service, begun, end } = gated(t)
    const { client, wire } = await t.open(service, { limits: { maxCallsInFlight: 1, maxCallsQueued: 2 } })
    await wire.ready()
    const calls = ['a', 'b', 'c'].map((text) => client.echo({ text }))
    await fails(client.echo({ text: 'd' }), {
      code: 'resource_exhausted',
      processed: 'no',
      message: /^too many calls wait for a place: maxCallsQueued is 2 \(peer .+; option limits\.maxCallsQueued\)$/,
    })
    equal(wire.stats().refused, { maxCallsQueued: 1 }, 'the limits that fired')
    for (const text of ['a', 'b', 'c']) await end(text)
    await Promise.all(calls)
    equal(begun, ['a', 'b', 'c'], 'the handlers that began')
  },
}

const leaving: Cases = {
  async 'runs none whose time has passed while it waited, also of the first burst'(t) {
    const { service, begun, end } = gated(t)
    const { client, wire, clock } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    const first = client.echo({ text: 'first' })
    const late = fails(client.echo({ text: 'late' }, { timeoutMs: 50 }), { code: 'deadline_exceeded' })
    await t.until(() => begun.length === 1, 'the first call to begin')
    await wire.ready()
    clock.advance(60)
    await late
    await end('first')
    await first
    await t.turns(3)
    equal(begun, ['first'], 'the handlers that began once the slot was free')
    const last = client.echo({ text: 'last' })
    await end('last')
    await last
    equal(begun, ['first', 'last'], 'the handlers that began')
  },

  async 'lets a call that waits go away: it never ran'(t) {
    const { service, begun, end } = gated(t)
    const { client, wire, clock } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const first = client.echo({ text: 'first' })
    const controller = new AbortController()
    const gone = client.echo({ text: 'cancelled' }, { signal: controller.signal })
    const cancelled = fails(gone, { code: 'cancelled', processed: 'no' })
    const slow = client.echo({ text: 'late' }, { timeoutMs: 50 })
    const late = fails(slow, { code: 'deadline_exceeded', processed: 'no' })
    const last = client.echo({ text: 'last' })
    await t.until(() => begun.length === 1, 'the first call to begin')
    controller.abort()
    clock.advance(60)
    await cancelled
    await late
    await end('first')
    await first
    await end('last')
    await last
    equal(begun, ['first', 'last'], 'the handlers that began')
  },

  async 'keeps the slot of a handler whose caller has gone away'(t) {
    const { service, begun, end } = gated(t)
    const { client, wire } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const controller = new AbortController()
    const gone = fails(client.echo({ text: 'gone' }, { signal: controller.signal }), { code: 'cancelled' })
    await t.until(() => begun.length === 1, 'the first call to begin')
    controller.abort()
    await gone
    const next = client.echo({ text: 'next' })
    await t.turns(5)
    equal(begun, ['gone'], 'the handlers that began')
    const { inFlight, waiting } = wire.stats()
    equal({ inFlight, waiting }, { inFlight: 1, waiting: 1 }, 'the numbers of calls')
    await end('gone')
    await end('next')
    equal(await next, { text: 'next' })
  },

  async 'keeps the slot of a handler whose caller waited too long'(t) {
    const { service, begun, end } = gated(t)
    const { client, wire, clock } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const late = fails(client.echo({ text: 'late' }, { timeoutMs: 50 }), { code: 'deadline_exceeded' })
    await t.until(() => begun.length === 1, 'the first call to begin')
    clock.advance(60)
    await late
    const next = client.echo({ text: 'next' })
    await t.turns(5)
    equal(begun, ['late'], 'the handlers that began')
    await end('late')
    await end('next')
    equal(await next, { text: 'next' })
  },

  async 'gives every slot back after failures of every kind'(t) {
    const service = lab({
      echo({ text }, ctx) {
        if (text === 'declared') throw ctx.error('Banned', { until: '' })
        if (text === 'thrown') throw new Error('bad')
        if (text === 'misfit') return { text: 7 } as never // as a program without types may
        return { text }
      },
    })
    const { client, wire } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    for (const text of ['declared', 'thrown', 'misfit', 'declared', 'thrown', 'misfit']) {
      await fails(client.echo({ text }), { processed: 'yes' })
    }
    await fails(client.echo({ text: 7 } as never), { processed: 'no' }) // likewise
    equal(await client.echo({ text: 'x' }), { text: 'x' })
    equal(wire.stats().inFlight, 0, 'calls in flight')
  },
}

export const limits: Cases = { ...queue, ...leaving }
