/** What goes to a handler and comes back: checked on both ways, without what is not declared. */
import Type from 'typebox'
import { expect } from 'vitest'
import { connect, contract, notify, service, unary } from '../../../src/index.ts'
import { nextTurn, until } from '../../support/hand-clock.ts'
import { casesOf, type TestPlace } from '../../support/places.ts'
import { failureOf, Gate, Lab, lab, never } from '../lab.ts'

const echo = ({ text }: { text: string }) => ({ text })

export function repliesSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('answers, also synchronously and with nothing', async () => {
    const { wire } = await place.open(lab({ echo: async ({ text }) => ({ text: `${text}!` }), quick: () => undefined }))
    const client = wire.client(Lab)
    expect(await client.echo({ text: 'Ada' })).toEqual({ text: 'Ada!' })
    expect(await client.quick()).toBeUndefined()
    expect(await client.quick(undefined)).toBeUndefined()
  })

  its('answers many calls at once, each with its own', async () => {
    const { wire, counts } = await place.open(
      lab({
        async echo({ text }) {
          if (Number(text) % 3 === 0) await nextTurn()
          return { text }
        },
      }),
    )
    const { echo: call } = wire.client(Lab)
    const texts = Array.from({ length: 500 }, (_, n) => String(n))
    const replies = await Promise.all(texts.map((text) => call({ text })))
    expect(replies.map(({ text }) => text)).toEqual(texts)
    expect(counts().calls).toEqual({ 'lab/echo': { ok: 500 } })
  })

  its('lets a quick call pass a slow one', async () => {
    const gate = new Gate()
    const { wire } = await place.open(
      lab({
        async echo({ text }) {
          if (text === 'slow') await gate.promise
          return { text }
        },
      }),
    )
    const { echo: call } = wire.client(Lab)
    const order: string[] = []
    const slow = call({ text: 'slow' }).then(({ text }) => order.push(text))
    await call({ text: 'quick' }).then(({ text }) => order.push(text))
    gate.open()
    await slow
    expect(order).toEqual(['quick', 'slow'])
  })

  its('hands on no undeclared property, in neither direction', async () => {
    let received: unknown
    const { wire } = await place.open(
      lab({
        store(request) {
          received = request
          const rows = [{ text: 'a', passwordHash: 'secret' }, { text: 'b' }]
          return rows
        },
      }),
    )
    const users = [{ name: 'Ada', password: 'secret' }]
    const asked = { users, admin: true }
    expect(await wire.client(Lab).store(asked)).toStrictEqual([{ text: 'a' }, { text: 'b' }])
    expect(received).toStrictEqual({ users: [{ name: 'Ada' }] })
    expect(asked).toStrictEqual({ users: [{ name: 'Ada', password: 'secret' }], admin: true })
  })

  its('carries large messages whole', async () => {
    const { wire } = await place.open(lab({ echo }))
    const text = 'é'.repeat(300_000)
    expect((await wire.client(Lab).echo({ text })).text).toBe(text)
  })

  its('refuses a bad request before its handler, says where, and goes on', async () => {
    let runs = 0
    const { wire, counts } = await place.open(
      lab({
        store: () => [],
        echo(request) {
          runs++
          return request
        },
      }),
    )
    const client = wire.client(Lab)
    await client.store({ users: [] })
    const connections = wire.stats().connections
    const error = await failureOf(client.echo({ text: 7 } as never)) // as a program without types may call it
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no', data: undefined })
    expect(error.message).toBe('the request of lab/echo does not fit: /text must be string')
    const deep = await failureOf(client.store({ users: [{ name: 'Ada' }, {}] } as never)) // likewise
    expect(deep.message).toContain('/users/1/name is required')
    expect(runs).toBe(0)
    expect(await client.echo({ text: 'x' })).toEqual({ text: 'x' })
    expect(runs).toBe(1)
    expect(wire.stats().connections).toBe(connections)
    expect(counts().inFlight).toBe(0)
  })

  its('turns a bad reply into internal with an id; only the log has the rest', async () => {
    const { wire, log } = await place.open(
      lab({
        store: () => [{ text: 'ok' }, { text: 12345, secret: 'payload' }] as never,
        quick: () => 'payload' as never,
      }),
    )
    const client = wire.client(Lab)
    const error = await failureOf(client.store({ users: [] }))
    expect(error).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
    expect(error.id).toMatch(/^[0-9a-f]{12}$/)
    expect(error.message).toBe(`lab/store failed; the server's log has it under ${error.id}`)
    expect(log.at('error')).toEqual([
      {
        level: 'error',
        message: 'the reply does not fit',
        fields: { method: 'lab/store', id: error.id, misfit: '/1/text must be string' },
      },
    ])
    const other = await failureOf(client.quick())
    expect(other).toMatchObject({ code: 'internal', processed: 'yes' })
    expect(other.id).not.toBe(error.id)
    expect(log.text).not.toMatch(/payload|12345/)
  })

  its('has no method of another contract', async () => {
    const Other = contract('other', { echo: unary(Type.Void(), Type.Void()) })
    const Newer = contract('lab', { added: unary(Type.Void(), Type.Void()) })
    const { wire } = await place.open(lab({ echo }))
    for (const call of [wire.client(Other).echo(), wire.client(Newer).added()]) {
      expect(await failureOf(call)).toMatchObject({ code: 'unimplemented', processed: 'no' })
    }
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
  })

  its('refuses a call of another kind than the method', async () => {
    let runs = 0
    const { wire, counts } = await place.open(
      lab({
        note() {
          runs++
        },
        echo(request) {
          runs++
          return request
        },
      }),
    )
    const Swapped = contract('lab', {
      note: unary(Type.Object({ line: Type.String() }), Type.Void()),
      echo: notify(Type.Object({ text: Type.String() })),
    })
    const error = await failureOf(wire.client(Swapped).note({ line: 'x' }))
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toContain('lab/note is notify, and was called as unary')
    await wire
      .client(Swapped)
      .echo({ text: 'x' })
      .catch(() => {}) // in memory it is known at once
    await until(() => place.name === 'encoded' || counts().calls['lab/echo']?.['invalid_argument'] === 1)
    expect(runs).toBe(0)
  })

  its('routes several services by their names', async () => {
    const One = contract('one', { get: unary(Type.Void(), Type.String()) })
    const Two = contract('two', { get: unary(Type.Void(), Type.String()) })
    const { wire } = await place.open([
      service(One, { get: () => '1' }),
      service(Two, { get: () => '2' }),
      lab({ echo }),
    ])
    expect(await wire.client(One).get()).toBe('1')
    expect(await wire.client(Two).get()).toBe('2')
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
  })

  its('lets a client stand for the handlers: a proxy', async () => {
    const banned = new Gate<unknown>()
    const { wire } = await place.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'Mallory') throw ctx.error('Banned', { until: 'tomorrow' })
          return { text }
        },
        quick(_, ctx) {
          ctx.signal.addEventListener('abort', () => banned.open(ctx.signal.reason))
          return never()
        },
      }),
    )
    const { wire: outer, clock } = await place.open(
      service(Lab, { ...wire.client(Lab), store: () => [{ text: 'moved here' }] }),
    )
    const client = outer.client(Lab)
    expect(await client.echo({ text: 'Ada' })).toEqual({ text: 'Ada' })
    expect(await client.store({ users: [] })).toEqual([{ text: 'moved here' }])
    expect(await failureOf(client.echo({ text: 'Mallory' }))).toMatchObject({ code: 'internal', processed: 'yes' })
    const controller = new AbortController()
    const call = failureOf(client.quick(undefined, { signal: controller.signal, metadata: { tenant: 'blue' } }))
    await nextTurn()
    controller.abort()
    expect(await call).toMatchObject({ code: 'cancelled', processed: 'maybe' })
    expect(await banned.promise).toMatchObject({ code: 'cancelled' })
    expect(clock.now()).toBe(1_000)
  })

  its('works for a client that another service was made from, without middleware or options', async () => {
    const { wire } = await place.open(lab({ echo }))
    const inner = connect(service(Lab, wire.client(Lab)))
    expect(await inner.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
    await inner.close()
  })
}
