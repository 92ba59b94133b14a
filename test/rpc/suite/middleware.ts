/** Middleware on both sides: an onion, the first in the list outermost. */
import { expect } from 'vitest'
import { type ClientMiddleware, NanowireError, type ServerMiddleware } from '../../../src/index.ts'
import { casesOf, type TestPlace } from '../../support/places.ts'
import { failureOf, Lab, lab } from '../lab.ts'

const echo = lab({ echo: ({ text }) => ({ text }) })

export function middlewareSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('is an onion on both sides', async () => {
    const order: string[] = []
    const client = (name: string): ClientMiddleware => {
      return async (call, next) => {
        order.push(`${name} in`)
        const reply = await next(call)
        order.push(`${name} out`)
        return reply
      }
    }
    const server = (name: string): ServerMiddleware => {
      return async (_, next) => {
        order.push(`${name} in`)
        const reply = await next()
        order.push(`${name} out`)
        return reply
      }
    }
    const handler = lab({
      echo(request) {
        order.push('handler')
        return request
      },
    })
    const { wire } = await place.open(handler, {
      clientUse: [client('c1'), client('c2')],
      use: [server('s1'), server('s2')],
    })
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
    const way = ['c1 in', 'c2 in', 's1 in', 's2 in', 'handler', 's2 out', 's1 out', 'c2 out', 'c1 out']
    expect(order).toEqual(way)
  })

  its('of the client sees the method, the request and the options, and may change them', async () => {
    const seen: unknown[] = []
    const change: ClientMiddleware = ({ method, request, options }, next) => {
      seen.push(method.name, request, options)
      return next({ method, request: { text: 'changed' }, options: { ...options, metadata: { tenant: 'blue' } } })
    }
    const service = lab({ echo: ({ text }, ctx) => ({ text: `${text} ${ctx.metadata.get('tenant')}` }) })
    const { wire } = await place.open(service, { clientUse: [change] })
    expect(await wire.client(Lab).echo({ text: 'x' }, { timeoutMs: 50 })).toEqual({ text: 'changed blue' })
    expect(seen).toEqual(['lab/echo', { text: 'x' }, { timeoutMs: 50 }])
  })

  its('of the client may answer by itself, and the call goes nowhere', async () => {
    const { wire, counts } = await place.open(echo, { clientUse: [() => ({ text: 'from the cache' })] })
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'from the cache' })
    expect(counts().calls).toEqual({})
  })

  its('of the client may call twice: a retry', async () => {
    let runs = 0
    const flaky = lab({
      echo({ text }) {
        if (++runs === 1) throw new NanowireError('unavailable', 'not yet')
        return { text }
      },
    })
    const retry: ClientMiddleware = async (call, next) => {
      try {
        return await next(call)
      } catch {
        return await next(call)
      }
    }
    const { wire } = await place.open(flaky, { clientUse: [retry] })
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'x' })
    expect(runs).toBe(2)
  })

  its('of the client may throw, which is what the call ends with', async () => {
    const layer: ClientMiddleware = () => {
      throw new RangeError('mine')
    }
    const { wire } = await place.open(echo, { clientUse: [layer] })
    await expect(wire.client(Lab).echo({ text: 'x' })).rejects.toThrow(new RangeError('mine'))
    await expect(wire.client(Lab).echo.try({ text: 'x' })).rejects.toThrow(new RangeError('mine'))
  })

  its('of the client stands around .try and notify as well', async () => {
    const names: string[] = []
    const layer: ClientMiddleware = (call, next) => {
      names.push(call.method.name)
      return next(call)
    }
    const { wire } = await place.open(lab({ echo: (request) => request, note: () => undefined }), {
      clientUse: [layer],
    })
    await wire.client(Lab).echo.try({ text: 'x' })
    await wire.client(Lab).note({ line: 'x' })
    expect(names).toEqual(['lab/echo', 'lab/note'])
  })

  its('of the server sees a request that was checked, without what is not declared', async () => {
    const seen: unknown[] = []
    const layer: ServerMiddleware = ({ method, request }, next) => {
      seen.push(method.name, request)
      return next()
    }
    const { wire } = await place.open(echo, { use: [layer] })
    const asked = { text: 'x', admin: true }
    await wire.client(Lab).echo(asked)
    await failureOf(wire.client(Lab).echo({ text: 7 } as never)) // as a program without types may call it
    expect(seen).toEqual(['lab/echo', { text: 'x' }])
  })

  its('of the server may answer by itself, and its answer is checked', async () => {
    const answer: ServerMiddleware = ({ request }) => {
      return (request as { text: string }).text === 'bad' ? { text: 7 } : { text: 'from the cache', hash: 'secret' }
    }
    const { wire } = await place.open(lab({ echo: () => expect.unreachable() }), { use: [answer] })
    expect(await wire.client(Lab).echo({ text: 'x' })).toStrictEqual({ text: 'from the cache' })
    expect(await failureOf(wire.client(Lab).echo({ text: 'bad' }))).toMatchObject({
      code: 'internal',
      processed: 'yes',
    })
  })

  its('of the server may change the reply', async () => {
    const shout: ServerMiddleware = async (_, next) => {
      const { text } = (await next()) as { text: string }
      return { text: text.toUpperCase() }
    }
    const { wire } = await place.open(echo, { use: [shout] })
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: 'X' })
  })

  its('of the server may refuse with a status or a declared error', async () => {
    const guard: ServerMiddleware = ({ ctx, request }, next) => {
      if ((request as { text: string }).text === 'fine') return next()
      if (ctx.metadata.get('tenant') !== 'blue') throw new NanowireError('permission_denied', 'blue only')
      throw new NanowireError('Banned', '', { data: { until: 'noon' } })
    }
    const { wire } = await place.open(echo, { use: [guard] })
    const { echo: call } = wire.client(Lab)
    expect(await failureOf(call({ text: 'x' }))).toMatchObject({ code: 'permission_denied', message: 'blue only' })
    const banned = await failureOf(call({ text: 'x' }, { metadata: { tenant: 'blue' } }))
    expect(banned).toMatchObject({ code: 'Banned', data: { until: 'noon' } })
    expect(await call({ text: 'fine' })).toEqual({ text: 'fine' })
  })

  its('of the server may throw anything, before the handler and after it', async () => {
    const layer: ServerMiddleware = async ({ request }, next) => {
      if ((request as { text: string }).text === 'before') return Promise.reject('before')
      await next()
      throw new Error('after')
    }
    const { wire, log } = await place.open(echo, { use: [layer] })
    for (const text of ['before', 'after']) {
      expect(await failureOf(wire.client(Lab).echo({ text }))).toMatchObject({ code: 'internal', processed: 'yes' })
    }
    expect(log.at('error')).toHaveLength(2)
  })

  its('of the server sees what its handler threw', async () => {
    const seen: unknown[] = []
    const layer: ServerMiddleware = async (_, next) => {
      try {
        return await next()
      } catch (error) {
        seen.push(error)
        throw error
      }
    }
    const error = new RangeError('mine')
    const { wire } = await place.open(lab({ echo: () => Promise.reject(error) }), { use: [layer] })
    await failureOf(wire.client(Lab).echo({ text: 'x' }))
    expect(seen).toEqual([error])
  })

  its('of the server runs the handler again when it calls next twice', async () => {
    let runs = 0
    const counting = lab({ echo: () => ({ text: String(++runs) }) })
    const twice: ServerMiddleware = async (_, next) => {
      await next()
      return next()
    }
    const { wire } = await place.open(counting, { use: [twice] })
    expect(await wire.client(Lab).echo({ text: 'x' })).toEqual({ text: '2' })
  })
}
