/** Deadlines and cancellation: when the caller's promise settles, what it says of the handler, and what the handler sees. */
import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import type { Context } from '../../../src/index.ts'
import { nextTurn, until } from '../../support/hand-clock.ts'
import { casesOf, type TestPlace } from '../../support/places.ts'
import { failureOf, Gate, Lab, lab, never, untyped } from '../lab.ts'

/** A service whose `echo` never ends, and that says when it began and was told to stop. */
function stuck() {
  const begun: Gate<Context> = new Gate()
  const stopped: Gate<unknown> = new Gate()
  const wait = (_: unknown, ctx: Context) => {
    ctx.signal.addEventListener('abort', () => stopped.open(ctx.signal.reason))
    begun.open(ctx)
    return never()
  }
  return { service: lab({ echo: wait, quick: wait, note: wait, quickNote: wait }), begun, stopped }
}

export function deadlinesSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('settles a call at its own deadline, though the handler never ends; the slot stays taken', async () => {
    const { service, begun, stopped } = stuck()
    const { wire, clock, counts } = await place.open(service)
    const call = failureOf(wire.client(Lab).echo({ text: 'x' }, { timeoutMs: 250 }))
    await begun.promise
    clock.advance(249)
    await nextTurn()
    expect(counts().inFlight).toBe(1)
    clock.advance(9)
    const error = await call
    expect(error).toMatchObject({ code: 'deadline_exceeded', processed: 'maybe', data: undefined })
    expect(error.message).toBe('lab/echo: no reply before the deadline')
    expect(await stopped.promise).toMatchObject({ name: 'NanowireError', code: 'deadline_exceeded' })
    expect(counts().inFlight).toBe(1)
  })

  its('is never early', async () => {
    const { service } = stuck()
    const { wire, clock } = await place.open(service)
    await wire.ready()
    for (const timeoutMs of [1, 7, 8, 9, 100]) {
      let settled = false
      const call = failureOf(wire.client(Lab).echo({ text: 'x' }, { timeoutMs })).finally(() => {
        settled = true
      })
      clock.advance(timeoutMs - 0.5)
      await nextTurn()
      expect(settled).toBe(false)
      clock.advance(9)
      expect(await call).toMatchObject({ code: 'deadline_exceeded' })
    }
  })

  its("takes the method's deadline where the call names none, and the call's where it does", async () => {
    const { service } = stuck()
    const { wire, clock } = await place.open(service)
    const { quick } = wire.client(Lab)
    let longSettled = false
    const short = failureOf(quick())
    const long = failureOf(quick(undefined, { timeoutMs: 1_000 })).finally(() => {
      longSettled = true
    })
    await nextTurn()
    clock.advance(108)
    expect(await short).toMatchObject({ code: 'deadline_exceeded' })
    expect(longSettled).toBe(false)
    clock.advance(1_000)
    expect(await long).toMatchObject({ code: 'deadline_exceeded' })
  })

  its("takes the limit's deadline where neither names one", async () => {
    const { service } = stuck()
    const { wire, clock } = await place.open(service, { limits: { callTimeoutMs: 500 } })
    let settled = false
    const call = failureOf(wire.client(Lab).echo({ text: 'x' })).finally(() => {
      settled = true
    })
    await nextTurn()
    clock.advance(499)
    await nextTurn()
    expect(settled).toBe(false)
    clock.advance(9)
    expect(await call).toMatchObject({ code: 'deadline_exceeded' })
  })

  its('has no deadline for Infinity', async () => {
    const { service, begun } = stuck()
    const { wire, clock } = await place.open(service, { limits: { idleTimeoutMs: 2 ** 31 - 1, pingAfterMs: 2 ** 30 } })
    await wire.ready()
    const controller = new AbortController()
    const options = { timeoutMs: Number.POSITIVE_INFINITY, signal: controller.signal }
    const call = failureOf(wire.client(Lab).quick(undefined, options))
    const ctx = await begun.promise
    expect(ctx.deadline).toBeUndefined()
    clock.advance(1_000_000)
    await nextTurn()
    expect(ctx.signal.aborted).toBe(false)
    controller.abort()
    expect(await call).toMatchObject({ code: 'cancelled' })
  })

  its('shows the handler what is left', async () => {
    const { service, begun } = stuck()
    const { wire, clock } = await place.open(service)
    const call = failureOf(wire.client(Lab).echo({ text: 'x' }, { timeoutMs: 300 }))
    const { deadline } = await begun.promise
    expect(deadline?.remainingMs).toBe(300)
    clock.advance(100)
    expect(deadline?.remainingMs).toBe(200)
    clock.advance(300)
    expect(deadline?.remainingMs).toBe(0)
    expect(await call).toMatchObject({ code: 'deadline_exceeded' })
  })

  for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31, '5']) {
    its(`refuses a timeoutMs of ${JSON.stringify(timeoutMs)}`, async () => {
      let runs = 0
      const { wire } = await place.open(
        lab({
          quick() {
            runs++
          },
        }),
      )
      const error = await failureOf(wire.client(Lab).quick(undefined, untyped({ timeoutMs })))
      expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      expect(error.message).toContain('timeoutMs is a whole number of milliseconds from 1')
      expect(runs).toBe(0)
    })
  }

  its('cancels at once: the handler is told, its slot is free when it ends', async () => {
    const end = new Gate()
    const begun: Gate<Context> = new Gate()
    const { wire, counts } = await place.open(
      lab({
        async echo({ text }, ctx) {
          begun.open(ctx)
          await end.promise
          return { text }
        },
      }),
    )
    const controller = new AbortController()
    const call = failureOf(wire.client(Lab).echo({ text: 'x' }, { signal: controller.signal }))
    const ctx = await begun.promise
    expect(ctx.signal.aborted).toBe(false)
    controller.abort(new Error('enough'))
    const error = await call
    expect(error).toMatchObject({
      code: 'cancelled',
      processed: 'maybe',
      message: 'lab/echo was cancelled by its caller',
    })
    expect(error.cause).toEqual(new Error('enough'))
    await until(() => ctx.signal.aborted)
    expect(ctx.signal.reason).toMatchObject({ name: 'NanowireError', code: 'cancelled' })
    expect(counts().inFlight).toBe(1)
    end.open()
    await until(() => counts().inFlight === 0)
  })

  its('shows a cancelled call to a handler that looks only afterwards', async () => {
    const look = new Gate()
    const begun = new Gate()
    const seen: Gate<boolean> = new Gate()
    const { wire } = await place.open(
      lab({
        async quick(_, ctx) {
          begun.open()
          await look.promise
          seen.open(ctx.signal.aborted)
        },
      }),
    )
    const controller = new AbortController()
    const call = failureOf(wire.client(Lab).quick(undefined, { signal: controller.signal }))
    await begun.promise
    controller.abort()
    await call
    await nextTurn() // until the handler's side has heard of it
    await nextTurn()
    look.open()
    expect(await seen.promise).toBe(true)
  })

  its('runs nothing for a signal that is aborted already', async () => {
    let runs = 0
    const { wire } = await place.open(
      lab({
        quick() {
          runs++
        },
      }),
    )
    const error = await failureOf(wire.client(Lab).quick(undefined, { signal: AbortSignal.abort('enough') }))
    expect(error).toMatchObject({ code: 'cancelled', processed: 'no', cause: 'enough' })
    await wire.client(Lab).quick()
    expect(runs).toBe(1)
  })

  its('takes no harm from a signal that is aborted after the reply', async () => {
    const { wire, counts } = await place.open(lab({ echo: (request) => request }))
    const controller = new AbortController()
    expect(await wire.client(Lab).echo({ text: 'x' }, { signal: controller.signal })).toEqual({ text: 'x' })
    controller.abort()
    expect(await wire.client(Lab).echo({ text: 'y' })).toEqual({ text: 'y' })
    expect(counts().calls['lab/echo']).toEqual({ ok: 2 })
  })

  its('puts one listener on a signal that many calls share, and cancels them all', async () => {
    const { service } = stuck()
    const { wire, counts } = await place.open(service)
    const controller = new AbortController()
    const { echo } = wire.client(Lab)
    const calls = Array.from({ length: 200 }, () => failureOf(echo({ text: 'x' }, { signal: controller.signal })))
    await until(() => counts().inFlight === 200)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort()
    const codes = (await Promise.all(calls)).map(({ code }) => code)
    expect(new Set(codes)).toEqual(new Set(['cancelled']))
  })

  its('cancels one of several calls without the others', async () => {
    const { wire } = await place.open(
      lab({
        async echo({ text }, ctx) {
          if (text === 'stay') return { text }
          return new Promise((_, reject) => {
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
          })
        },
      }),
    )
    const { echo } = wire.client(Lab)
    const controller = new AbortController()
    const cancelled = failureOf(echo({ text: 'go' }, { signal: controller.signal }))
    const stays = echo({ text: 'stay' })
    controller.abort()
    expect(await cancelled).toMatchObject({ code: 'cancelled' })
    expect(await stays).toEqual({ text: 'stay' })
  })

  its('refuses what is no AbortSignal', async () => {
    const { wire } = await place.open(lab({ quick: () => undefined }))
    const error = await failureOf(wire.client(Lab).quick(undefined, untyped({ signal: { aborted: false } })))
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toContain('signal is an AbortSignal')
  })

  its('settles once, whatever comes together', async () => {
    const { service, begun } = stuck()
    const { wire, clock } = await place.open(service)
    const controller = new AbortController()
    let settled = 0
    const call = wire.client(Lab).echo({ text: 'x' }, { timeoutMs: 50, signal: controller.signal })
    const watched = call.then(
      () => settled++,
      () => settled++,
    )
    await begun.promise
    controller.abort()
    clock.advance(100)
    await watched
    await nextTurn()
    expect(settled).toBe(1)
    expect(await failureOf(call)).toMatchObject({ code: 'cancelled' })
  })

  its('leaves no timer behind', async () => {
    const { wire, clock } = await place.open(lab({ echo: (request) => request }))
    const { echo } = wire.client(Lab)
    await echo({ text: 'x' })
    await nextTurn()
    const before = clock.timers
    await Promise.all(Array.from({ length: 100 }, () => echo({ text: 'x' }, { timeoutMs: 5_000 })))
    await nextTurn()
    expect(clock.timers).toBe(before)
  })
}
