/** Deadlines: when the caller's promise settles, what it says of the handler, and what the handler sees. */
import { equal, fails, holds, matches, watch } from '../assert.ts'
import { lab, untyped } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import { stuck } from './stuck.ts'

const kept: Cases = {
  async 'settles a call at its own deadline, though the handler never ends; the slot stays taken'(t) {
    const { service, begun, stopped } = stuck()
    const { client, clock, counts } = await t.open(service)
    const call = client.echo({ text: 'x' }, { timeoutMs: 250 })
    const ended = fails(call, {
      code: 'deadline_exceeded',
      processed: 'maybe',
      data: undefined,
      message: 'lab/echo: no reply before the deadline',
    })
    await begun.promise
    clock.advance(249)
    await t.turns()
    equal(counts().inFlight, 1, 'calls in flight before it')
    clock.advance(9)
    await ended
    matches(await stopped.promise, { name: 'NanowireError', code: 'deadline_exceeded' }, "the signal's reason")
    equal(counts().inFlight, 1, 'calls in flight after it')
  },

  async 'is never early'(t) {
    const { service } = stuck()
    const { client, wire, clock } = await t.open(service)
    await wire.ready()
    for (const timeoutMs of [1, 7, 8, 9, 100]) {
      const call = watch(fails(client.echo({ text: 'x' }, { timeoutMs }), { code: 'deadline_exceeded' }))
      clock.advance(timeoutMs - 0.5)
      await t.turns()
      equal(call.hasSettled, false, `whether a call of ${timeoutMs} ms has settled half a millisecond before`)
      clock.advance(9)
      await call.ended
    }
  },

  async "takes the method's deadline where the call names none, and the call's where it does"(t) {
    const { service } = stuck()
    const { client, clock } = await t.open(service)
    const short = fails(client.quick(), { code: 'deadline_exceeded' })
    const long = watch(fails(client.quick(undefined, { timeoutMs: 1_000 }), { code: 'deadline_exceeded' }))
    await t.turns()
    clock.advance(108)
    await short
    equal(long.hasSettled, false, 'whether the longer call has settled')
    clock.advance(1_000)
    await long.ended
  },

  async "takes the limit's deadline where neither names one"(t) {
    const { service } = stuck()
    const { client, clock } = await t.open(service, { limits: { callTimeoutMs: 500 } })
    const call = watch(fails(client.echo({ text: 'x' }), { code: 'deadline_exceeded' }))
    await t.turns()
    clock.advance(499)
    await t.turns()
    equal(call.hasSettled, false, 'whether the call has settled before its time')
    clock.advance(9)
    await call.ended
  },

  async 'has no deadline for Infinity'(t) {
    const { service, begun } = stuck()
    const { client, wire, clock } = await t.open(service, {
      limits: { idleTimeoutMs: 2 ** 31 - 1, pingAfterMs: 2 ** 30 },
    })
    await wire.ready()
    const controller = new AbortController()
    const call = client.quick(undefined, { timeoutMs: Number.POSITIVE_INFINITY, signal: controller.signal })
    const ended = fails(call, { code: 'cancelled' })
    const ctx = await begun.promise
    equal(ctx.deadline, undefined, "the handler's deadline")
    clock.advance(1_000_000)
    await t.turns()
    equal(ctx.signal.aborted, false)
    controller.abort()
    await ended
  },

  async 'shows the handler what is left'(t) {
    const { service, begun } = stuck()
    const { client, clock } = await t.open(service)
    const call = fails(client.echo({ text: 'x' }, { timeoutMs: 300 }), { code: 'deadline_exceeded' })
    const { deadline } = await begun.promise
    equal(deadline?.remainingMs, 300, 'what is left at first')
    clock.advance(100)
    equal(deadline?.remainingMs, 200, 'what is left then')
    clock.advance(300)
    equal(deadline?.remainingMs, 0, 'what is left in the end')
    await call
  },

  async 'has passed for a handler that looks only afterwards'(t) {
    const { service, begun } = stuck()
    const { client, clock } = await t.open(service)
    const call = fails(client.quick(), { code: 'deadline_exceeded' })
    const ctx = await begun.promise
    clock.advance(200)
    await call
    equal(ctx.deadline?.remainingMs, 0, 'what is left')
    equal(ctx.signal.aborted, true, 'whether the signal is aborted')
  },

  async 'drops a reply that comes too late, and the connection goes on'(t) {
    const { service, begun, release } = stuck()
    const { client, clock, counts } = await t.open(service)
    const late = fails(client.quick(), { code: 'deadline_exceeded', processed: 'maybe' })
    await begun.promise
    clock.advance(200)
    await late
    release()
    await t.until(() => counts().inFlight === 0, 'the handler to end')
    equal(await client.echo({ text: 'fine' }), { text: 'fine' }, 'the reply to the next call')
  },

  async 'leaves no timer behind'(t) {
    const { client, clock } = await t.open(lab({ echo: (request) => request }))
    await client.echo({ text: 'x' })
    await t.turns()
    const before = clock.timers
    await Promise.all(Array.from({ length: 100 }, () => client.echo({ text: 'x' }, { timeoutMs: 5_000 })))
    await t.turns()
    equal(clock.timers, before, 'timers that wait')
  },
}

const refused = each(
  { '0': 0, '-1': -1, '1.5': 1.5, NaN: Number.NaN, '2^31': 2 ** 31, 'the text 5': '5' },
  (value) => `refuses a timeoutMs of ${value}`,
  async (t, timeoutMs) => {
    let runs = 0
    const { client } = await t.open(
      lab({
        quick() {
          runs++
        },
      }),
    )
    await fails(client.quick(undefined, untyped({ timeoutMs })), {
      code: 'invalid_argument',
      processed: 'no',
      message: /timeoutMs is a whole number of milliseconds from 1/,
    })
    await client.quick()
    holds(runs === 1, 'no run of the handler but that of the next call')
  },
)

export const time: Cases = { ...kept, ...refused }
