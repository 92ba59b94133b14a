/** Cancelling: at once for the caller, told to the handler, and its slot is held until it ends. */
import type { Context } from '../../../rpc/index.ts'
import { equal, fails, matches, same } from '../assert.ts'
import { Gate, lab, untyped } from '../lab.ts'
import type { Cases } from '../suite.ts'
import { stuck } from './stuck.ts'

const told: Cases = {
  async 'cancels at once: the handler is told, its slot is free when it ends'(t) {
    const { service, begun, release } = stuck()
    const { client, counts } = await t.open(service)
    const controller = new AbortController()
    const call = client.echo({ text: 'x' }, { signal: controller.signal })
    const pattern = { code: 'cancelled', processed: 'maybe', message: 'lab/echo was cancelled by its caller' }
    const ended = fails(call, pattern)
    const ctx = await begun.promise
    equal(ctx.signal.aborted, false)
    const reason = new Error('enough')
    controller.abort(reason)
    same((await ended).cause, reason, "the error's cause")
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    matches(ctx.signal.reason, { name: 'NanowireError', code: 'cancelled' }, "the signal's reason")
    equal(counts().inFlight, 1, 'calls in flight')
    release()
    await t.until(() => counts().inFlight === 0, 'the slot to be free')
  },

  async 'shows a cancelled call to a handler that looks only afterwards'(t) {
    const look = new Gate()
    const begun: Gate<Context> = new Gate()
    const seen: Gate<boolean> = new Gate()
    const { client } = await t.open(
      lab({
        async quick(_, ctx) {
          begun.open(ctx)
          await look.promise
          seen.open(ctx.signal.aborted)
        },
        echo: (request) => request,
      }),
    )
    const controller = new AbortController()
    const call = fails(client.quick(undefined, { signal: controller.signal }), { code: 'cancelled' })
    await begun.promise
    controller.abort()
    await call
    await client.echo({ text: 'x' }) // behind the word that it was cancelled
    look.open()
    equal(await seen.promise, true, 'whether the signal is aborted')
  },

  async 'cancels one of several calls without the others'(t) {
    const { client } = await t.open(
      lab({
        async echo({ text }, ctx) {
          if (text === 'stay') return { text }
          return new Promise((_, reject) => {
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
          })
        },
      }),
    )
    const controller = new AbortController()
    const cancelled = fails(client.echo({ text: 'go' }, { signal: controller.signal }), { code: 'cancelled' })
    const stays = client.echo({ text: 'stay' })
    controller.abort()
    await cancelled
    equal(await stays, { text: 'stay' })
  },

  async 'lets a handler that stops at its signal free the slot by itself'(t) {
    const { client, wire, counts } = await t.open(
      lab({
        quick: (_, ctx) =>
          new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
      }),
    )
    await wire.ready()
    const controller = new AbortController()
    const call = fails(client.quick(undefined, { signal: controller.signal }), { code: 'cancelled' })
    await t.until(() => counts().inFlight === 1, 'the handler to begin')
    controller.abort()
    await call
    await t.until(() => counts().inFlight === 0 && wire.stats().inFlight === 0, 'the slot to be free')
  },

  async 'reaches a handler that another handler called for the cancelled one'(t) {
    const inner = stuck()
    const place = await t.open(inner.service)
    const { client } = await t.open(lab({ echo: (request, ctx) => place.client.echo(request, { signal: ctx.signal }) }))
    const controller = new AbortController()
    const call = fails(client.echo({ text: 'x' }, { signal: controller.signal }), { code: 'cancelled' })
    await inner.begun.promise
    controller.abort()
    await call
    matches(await inner.stopped.promise, { code: 'cancelled' }, "the inner signal's reason")
  },
}

/** A signal, and how often a listener was added to it. */
function counted() {
  const controller = new AbortController()
  const { signal } = controller
  const counter = { controller, signal, added: 0 }
  const add = signal.addEventListener.bind(signal)
  Object.defineProperty(signal, 'addEventListener', {
    value: (...args: Parameters<typeof add>) => {
      counter.added++
      add(...args)
    },
  })
  return counter
}

const signals: Cases = {
  async 'runs nothing for a signal that is aborted already'(t) {
    let runs = 0
    const { client } = await t.open(
      lab({
        quick() {
          runs++
        },
      }),
    )
    const call = client.quick(undefined, { signal: AbortSignal.abort('enough') })
    await fails(call, { code: 'cancelled', processed: 'no', cause: 'enough' })
    await client.quick()
    equal(runs, 1, 'runs of the handler, that of the next call among them')
  },

  async 'takes no harm from a signal that is aborted after the reply'(t) {
    const { client, counts } = await t.open(lab({ echo: (request) => request }))
    const controller = new AbortController()
    equal(await client.echo({ text: 'x' }, { signal: controller.signal }), { text: 'x' })
    controller.abort()
    equal(await client.echo({ text: 'y' }), { text: 'y' })
    equal(counts().calls, { 'lab/echo': { ok: 2 } }, 'how the calls ended')
  },

  async 'puts one listener on a signal that many calls share, and cancels them all'(t) {
    const { service } = stuck()
    const { client, counts } = await t.open(service)
    const shared = counted()
    const calls = Array.from({ length: 200 }, () =>
      fails(client.echo({ text: 'x' }, { signal: shared.signal }), { code: 'cancelled' }),
    )
    await t.until(() => counts().inFlight === 200, '200 handlers to begin')
    equal(shared.added, 1, 'listeners on the signal')
    shared.controller.abort()
    await Promise.all(calls)
  },

  async 'refuses what is no AbortSignal'(t) {
    const { client } = await t.open(lab({ quick: () => undefined }))
    await fails(client.quick(undefined, untyped({ signal: { aborted: false } })), {
      code: 'invalid_argument',
      processed: 'no',
      message: /signal is an AbortSignal/,
    })
  },

  async 'settles once, whatever comes together'(t) {
    const { service, begun } = stuck()
    const { client, clock } = await t.open(service)
    const controller = new AbortController()
    let settled = 0
    const call = client.echo({ text: 'x' }, { timeoutMs: 50, signal: controller.signal })
    const count = () => settled++
    const watched = call.then(count, count)
    await begun.promise
    controller.abort()
    clock.advance(100)
    await watched
    await t.turns()
    equal(settled, 1, 'how often it settled')
    await fails(call, { code: 'cancelled' })
  },
}

export const cancellation: Cases = { ...told, ...signals }
