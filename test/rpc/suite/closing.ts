/** The end of a connection: what is in flight ends first, what comes later never runs, and closing twice is once. */
import { expect } from 'vitest'
import type { Context } from '../../../src/index.ts'
import { nextTurn, until } from '../../support/hand-clock.ts'
import { casesOf, type Skips, type TestPlace } from '../../support/places.ts'
import { failureOf, Gate, Lab, lab, never } from '../lab.ts'

const SERVER: Skips = { memory: 'there is no server', encoded: 'its server cannot be closed by itself' }

/** A service whose `echo` waits to be let go. */
function waiting() {
  const begun: Gate<Context> = new Gate()
  const go = new Gate()
  const service = lab({
    async echo(request, ctx) {
      begun.open(ctx)
      await go.promise
      return request
    },
    quick: () => undefined,
  })
  return { service, begun, go }
}

export function closingSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('lets calls in flight end, and takes no new ones', async () => {
    const { service, begun, go } = waiting()
    const { wire } = await place.open(service)
    const call = wire.client(Lab).echo({ text: 'x' })
    await begun.promise
    let closed = false
    const closing = wire.close().then(() => {
      closed = true
    })
    for (const late of [wire.client(Lab).quick(), wire.ready()]) {
      expect(await failureOf(late)).toMatchObject({ code: 'unavailable', processed: 'no' })
    }
    await nextTurn()
    expect(closed).toBe(false)
    go.open()
    expect(await call).toEqual({ text: 'x' })
    await closing
    expect(wire.stats()).toMatchObject({ connections: 0, inFlight: 0, waiting: 0 })
    const after = await failureOf(wire.client(Lab).quick())
    expect(after).toMatchObject({ code: 'unavailable', processed: 'no', message: 'this connection was closed' })
  })

  its('closes once: each time the same promise', async () => {
    const { wire } = await place.open(lab({ quick: () => undefined }))
    await wire.client(Lab).quick()
    const closing = wire.close()
    expect(wire.close({ drainMs: 1 })).toBe(closing)
    await closing
    expect(wire.close()).toBe(closing)
    await wire[Symbol.asyncDispose]()
  })

  its('closes what was never used', async () => {
    const { wire } = await place.open(lab({}))
    await wire.close()
    expect(await failureOf(wire.client(Lab).quick())).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  its('is disposed by `await using`', async () => {
    const { wire } = await place.open(lab({ quick: () => undefined }))
    await wire.ready()
    await wire.client(Lab).quick()
    await wire[Symbol.asyncDispose]()
    expect(wire.stats().connections).toBe(0)
    expect(await failureOf(wire.client(Lab).quick())).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  its('cuts off what has not ended after drainMs, and tells its handler', async () => {
    const begun: Gate<Context> = new Gate()
    const { wire, clock } = await place.open(
      lab({
        echo(_, ctx) {
          begun.open(ctx)
          return never()
        },
      }),
    )
    await wire.ready()
    const call = failureOf(wire.client(Lab).echo({ text: 'x' }))
    const ctx = await begun.promise
    const closing = wire.close({ drainMs: 300 })
    await nextTurn() // over a wire it begins a little later
    clock.advance(299)
    await nextTurn()
    expect(ctx.signal.aborted).toBe(false)
    clock.advance(2)
    const error = await call
    expect(error).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    expect(error.message).toMatch(/^the connection to .+ was closed$/)
    await until(() => ctx.signal.aborted)
    expect(ctx.signal.reason).toMatchObject({ name: 'NanowireError' })
    clock.advance(1_000) // the rest that a broken connection is given
    await closing
  })

  its('loses what waits for a place: it never ran', async () => {
    const { service, begun, go } = waiting()
    const { wire } = await place.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const first = wire.client(Lab).echo({ text: 'x' })
    const second = failureOf(wire.client(Lab).echo({ text: 'y' }))
    await begun.promise
    const closing = wire.close()
    expect(await second).toMatchObject({ code: 'unavailable', processed: 'no' })
    go.open()
    await first
    await closing
  })

  for (const drainMs of [-1, 1.5, Number.NaN, 2 ** 31, '5']) {
    its(`refuses a drainMs of ${JSON.stringify(drainMs)}, and stays open`, async () => {
      const { wire, server } = await place.open(lab({ quick: () => undefined }))
      for (const side of [wire, ...(server ? [server] : [])]) {
        const close = async () => side.close({ drainMs: drainMs as number })
        const error = await failureOf(close())
        expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
        expect(error.message).toContain('drainMs is a whole number of milliseconds from 0')
      }
      expect(await wire.client(Lab).quick()).toBeUndefined()
    })
  }

  its(
    'drains a server: calls in flight end, later ones are sent nowhere',
    async () => {
      const { service, begun, go } = waiting()
      const { wire, server } = await place.open(service)
      const call = wire.client(Lab).echo({ text: 'x' })
      await begun.promise
      const closing = server?.close()
      expect(server?.close()).toBe(closing)
      await until(() => server?.stats().inFlight === 1)
      go.open()
      expect(await call).toEqual({ text: 'x' })
      await closing
      await until(() => wire.stats().connections === 0)
      const error = await failureOf(wire.client(Lab).quick())
      expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
      expect(error.message).toContain('nothing listens at 127.0.0.1:')
      expect(server?.stats()).toMatchObject({ connections: 0, inFlight: 0 })
    },
    SERVER,
  )

  its(
    'cuts off what a server has not ended after drainMs',
    async () => {
      const begun: Gate<Context> = new Gate()
      const { wire, server, clock } = await place.open(
        lab({
          echo(_, ctx) {
            begun.open(ctx)
            return never()
          },
        }),
      )
      const call = failureOf(wire.client(Lab).echo({ text: 'x' }))
      const ctx = await begun.promise
      const closing = server?.close({ drainMs: 200 })
      clock.advance(201)
      expect(await call).toMatchObject({ code: 'unavailable', processed: 'maybe' })
      expect(ctx.signal.reason).toMatchObject({ code: 'cancelled' })
      await closing
    },
    SERVER,
  )

  its(
    'counts a handler that outlives its connection as in flight until it ends',
    async () => {
      const { service, begun, go } = waiting()
      const { wire, server, clock } = await place.open(service)
      await wire.ready()
      const call = failureOf(wire.client(Lab).echo({ text: 'x' }))
      await begun.promise
      const closing = wire.close({ drainMs: 0 })
      await nextTurn()
      clock.advance(1)
      await call
      await closing
      await until(() => server?.stats().connections === 0)
      expect(server?.stats().inFlight).toBe(1)
      go.open()
      await until(() => server?.stats().inFlight === 0)
    },
    SERVER,
  )

  its(
    'disposes a server likewise',
    async () => {
      const { wire, server } = await place.open(lab({ quick: () => undefined }))
      await wire.client(Lab).quick()
      await server?.[Symbol.asyncDispose]()
      expect(server?.stats().connections).toBe(0)
    },
    SERVER,
  )
}
