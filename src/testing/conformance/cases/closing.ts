/** The end of a connection: what is in flight ends first, what comes later never runs, and closing twice is once. */
import type { Context } from '../../../rpc/index.ts'
import { equal, fails, matches, same } from '../assert.ts'
import { lab } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import { stuck } from './stuck.ts'

const CLOSED = { code: 'unavailable', processed: 'no' }

const once: Cases = {
  async 'lets calls in flight end, and takes no new ones'(t) {
    const { service, begun, release } = stuck()
    const { client, wire } = await t.open(service)
    const call = client.echo({ text: 'x' })
    await begun.promise
    let closed = false
    const closing = wire.close().then(() => {
      closed = true
    })
    for (const late of [client.quick(), wire.ready()]) await fails(late, CLOSED)
    await t.turns()
    equal(closed, false, 'whether it has closed')
    release()
    equal(await call, { text: 'x' }, 'the reply to the call in flight')
    await closing
    const { connections, inFlight, waiting } = wire.stats()
    equal([connections, inFlight, waiting], [0, 0, 0], 'connections and calls')
    await fails(client.quick(), { ...CLOSED, message: 'this connection was closed' })
  },

  async 'closes once: each time the same promise'(t) {
    const { client, wire } = await t.open(lab({ quick: () => undefined }))
    await client.quick()
    const closing = wire.close()
    same(wire.close({ drainMs: 1 }), closing, 'the second promise')
    await closing
    same(wire.close(), closing, 'the third promise')
    await wire[Symbol.asyncDispose]()
  },

  async 'closes what was never used'(t) {
    const { client, wire } = await t.open(lab({}))
    await wire.close()
    await fails(client.quick(), CLOSED)
  },

  async 'is disposed by `await using`'(t) {
    const { client, wire } = await t.open(lab({ quick: () => undefined }))
    await wire.ready()
    await client.quick()
    await wire[Symbol.asyncDispose]()
    equal(wire.stats().connections, 0, 'connections')
    await fails(client.quick(), CLOSED)
  },

  async 'closes while calls of every kind end'(t) {
    const { client, wire } = await t.open(
      lab({
        async echo({ text }, ctx) {
          await t.turns(2)
          if (text === 'bad') throw ctx.error('Banned', { until: '' })
          return { text }
        },
        note: () => undefined,
      }),
    )
    await wire.ready()
    const calls = [client.echo.try({ text: 'fine' }), client.echo.try({ text: 'bad' }), client.note.try({ line: 'x' })]
    await wire.close()
    const ended = await Promise.all(calls)
    equal(
      ended.map((one) => (one.ok ? 'ok' : one.error.code)),
      ['ok', 'Banned', 'ok'],
      'how the calls ended',
    )
  },
}

const cut: Cases = {
  async 'cuts off what has not ended after drainMs, and tells its handler'(t) {
    const { service, begun } = stuck()
    const { client, wire, clock } = await t.open(service)
    await wire.ready()
    const ended = fails(client.echo({ text: 'x' }), {
      code: 'unavailable',
      processed: 'maybe',
      message: /^the connection to .+ was closed$/,
    })
    const ctx: Context = await begun.promise
    const closing = wire.close({ drainMs: 300 })
    await t.turns() // over a wire it begins a little later
    clock.advance(299)
    await t.turns()
    equal(ctx.signal.aborted, false, 'whether the handler was told before')
    clock.advance(2)
    await ended
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    matches(ctx.signal.reason, { name: 'NanowireError' }, "the signal's reason")
    clock.advance(1_000) // the rest that a broken connection is given
    await closing
  },

  async 'cuts off at once for a drainMs of 0'(t) {
    const { service, begun } = stuck()
    const { client, wire, clock } = await t.open(service)
    const ended = fails(client.echo({ text: 'x' }), { code: 'unavailable', processed: 'maybe' })
    const ctx = await begun.promise
    const closing = wire.close({ drainMs: 0 })
    await t.turns()
    clock.advance(1)
    await ended
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    clock.advance(1_000)
    await closing
  },

  async 'loses what waits for a place: it never ran'(t) {
    const { service, begun, release } = stuck()
    const { client, wire } = await t.open(service, { limits: { maxCallsInFlight: 1 } })
    await wire.ready()
    const first = client.echo({ text: 'x' })
    const second = fails(client.echo({ text: 'y' }), CLOSED)
    await begun.promise
    const closing = wire.close()
    await second
    release()
    await first
    await closing
  },
}

const refused = each(
  { '-1': -1, '1.5': 1.5, NaN: Number.NaN, '2^31': 2 ** 31, 'the text 5': '5' },
  (value) => `refuses a drainMs of ${value}, and stays open`,
  async (t, given) => {
    const { client, wire } = await t.open(lab({ quick: () => undefined }))
    const drainMs = given as number // as a program without types may pass it
    const close = async () => wire.close({ drainMs })
    await fails(close(), {
      code: 'invalid_argument',
      processed: 'no',
      message: /drainMs is a whole number of milliseconds from 0/,
    })
    equal(await client.quick(), undefined)
  },
)

export const closing: Cases = { ...once, ...cut, ...refused }
