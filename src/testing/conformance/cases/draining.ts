/** The handlers' side closes by itself: in two steps, so that no call is lost that was begun. */
import { equal, fails, matches } from '../assert.ts'
import { lab } from '../lab.ts'
import { Mismatch } from '../mismatch.ts'
import type { Cases } from '../suite.ts'
import type { Opened } from '../trial.ts'
import { stuck } from './stuck.ts'

function closerOf({ closeServer }: Opened): NonNullable<Opened['closeServer']> {
  if (closeServer) return closeServer
  throw new Mismatch('the place', 'a function close, or a skip of the topic draining', 'neither')
}

export const draining: Cases = {
  async 'lets calls in flight end, and sends later ones nowhere'(t) {
    const { service, begun, release } = stuck()
    const opened = await t.open(service)
    const { client, wire, counts } = opened
    const call = client.echo({ text: 'x' })
    await begun.promise
    const closing = closerOf(opened)()
    await t.until(() => counts().inFlight === 1, 'the call to be in flight')
    release()
    equal(await call, { text: 'x' }, 'the reply to the call in flight')
    await closing
    await t.until(() => wire.stats().connections === 0, 'the connection to end')
    await fails(client.quick(), { code: 'unavailable', processed: 'no' })
    equal(counts().inFlight, 0, 'calls in flight')
  },

  async 'cuts off what has not ended after drainMs'(t) {
    const { service, begun } = stuck()
    const opened = await t.open(service)
    const { client, clock } = opened
    const ended = fails(client.echo({ text: 'x' }), { code: 'unavailable', processed: 'maybe' })
    const ctx = await begun.promise
    const closing = closerOf(opened)({ drainMs: 200 })
    clock.advance(201)
    await ended
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    matches(ctx.signal.reason, { code: 'cancelled' }, "the signal's reason")
    await closing
  },

  async 'closes where nobody is connected'(t) {
    const opened = await t.open(lab({ quick: () => undefined }))
    await closerOf(opened)()
    await fails(opened.client.quick(), { code: 'unavailable', processed: 'no' })
  },

  async 'counts a handler that outlives its connection as in flight until it ends'(t) {
    const { service, begun, release } = stuck()
    const { client, wire, counts, clock } = await t.open(service)
    await wire.ready()
    const call = fails(client.echo({ text: 'x' }), { code: 'unavailable' })
    const ctx = await begun.promise
    const closing = wire.close({ drainMs: 0 })
    await t.turns()
    clock.advance(1)
    await call
    await closing
    await t.until(() => ctx.signal.aborted, 'the handler to be told')
    equal(counts().inFlight, 1, 'calls in flight')
    release()
    await t.until(() => counts().inFlight === 0, 'the handler to end')
  },
}
