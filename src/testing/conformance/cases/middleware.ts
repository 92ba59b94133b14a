/** Middleware on both sides: an onion, the first in the list outermost. */
import { NanowireError } from '../../../errors.ts'
import type { ClientMiddleware, ServerMiddleware } from '../../../rpc/index.ts'
import { equal, fails, rejectsWith, same } from '../assert.ts'
import { lab } from '../lab.ts'
import type { Cases } from '../suite.ts'

const echo = lab({ echo: ({ text }) => ({ text }) })

const textOf = (request: unknown): unknown => Reflect.get(Object(request), 'text')

const both: Cases = {
  async 'is an onion on both sides'(t) {
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
    const opened = await t.open(handler, {
      clientUse: [client('c1'), client('c2')],
      use: [server('s1'), server('s2')],
    })
    equal(await opened.client.echo({ text: 'x' }), { text: 'x' })
    const way = ['c1 in', 'c2 in', 's1 in', 's2 in', 'handler', 's2 out', 's1 out', 'c2 out', 'c1 out']
    equal(order, way, 'the way of the call')
  },
}

const ofClient: Cases = {
  async 'of the client sees the method, the request and the options, and may change them'(t) {
    const seen: unknown[] = []
    const change: ClientMiddleware = ({ method, request, options }, next) => {
      seen.push(method.name, request, options)
      return next({ method, request: { text: 'changed' }, options: { ...options, metadata: { tenant: 'blue' } } })
    }
    const service = lab({ echo: ({ text }, ctx) => ({ text: `${text} ${ctx.metadata.get('tenant')}` }) })
    const { client } = await t.open(service, { clientUse: [change] })
    equal(await client.echo({ text: 'x' }, { timeoutMs: 50 }), { text: 'changed blue' })
    equal(seen, ['lab/echo', { text: 'x' }, { timeoutMs: 50 }], 'what it saw')
  },

  async 'of the client may answer by itself, and the call goes nowhere'(t) {
    let runs = 0
    const counting = lab({
      echo(request) {
        runs++
        return request
      },
    })
    const { client, counts } = await t.open(counting, { clientUse: [() => ({ text: 'from the cache' })] })
    equal(await client.echo({ text: 'x' }), { text: 'from the cache' })
    await t.turns(2)
    equal(runs, 0, 'runs of the handler')
    equal(counts().calls, {}, 'the calls that were counted')
  },

  async 'of the client may call twice: a retry'(t) {
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
    const { client } = await t.open(flaky, { clientUse: [retry] })
    equal(await client.echo({ text: 'x' }), { text: 'x' })
    equal(runs, 2, 'runs of the handler')
  },

  async 'of the client may throw, which is what the call ends with'(t) {
    const mine = new RangeError('mine')
    const layer: ClientMiddleware = () => {
      throw mine
    }
    const { client } = await t.open(echo, { clientUse: [layer] })
    await rejectsWith(client.echo({ text: 'x' }), mine)
    await rejectsWith(client.echo.try({ text: 'x' }), mine)
  },

  async 'of the client sees the error of the call, and may turn it into a reply'(t) {
    const seen: unknown[] = []
    const mend: ClientMiddleware = async (call, next) => {
      try {
        return await next(call)
      } catch (error) {
        seen.push(error instanceof NanowireError ? error.code : error)
        return { text: 'mended' }
      }
    }
    const banned = lab({
      echo(_, ctx) {
        throw ctx.error('Banned', { until: 'noon' })
      },
    })
    const { client } = await t.open(banned, { clientUse: [mend] })
    equal(await client.echo({ text: 'x' }), { text: 'mended' })
    equal(seen, ['Banned'], 'what it saw')
  },

  async 'of the client stands around .try and notify as well'(t) {
    const names: string[] = []
    const layer: ClientMiddleware = (call, next) => {
      names.push(call.method.name)
      return next(call)
    }
    const { client } = await t.open(lab({ echo: (request) => request, note: () => undefined }), {
      clientUse: [layer],
    })
    await client.echo.try({ text: 'x' })
    await client.note({ line: 'x' })
    equal(names, ['lab/echo', 'lab/note'], 'what it saw')
  },
}

const ofServer: Cases = {
  async 'of the server sees a request that was checked, without what is not declared'(t) {
    const seen: unknown[] = []
    const layer: ServerMiddleware = ({ method, request }, next) => {
      seen.push(method.name, request)
      return next()
    }
    const { client } = await t.open(echo, { use: [layer] })
    const asked = { text: 'x', admin: true }
    await client.echo(asked)
    await fails(client.echo({ text: 7 } as never), { code: 'invalid_argument' }) // as a program without types may call it
    equal(seen, ['lab/echo', { text: 'x' }], 'what it saw')
  },

  async 'of the server may answer by itself, and its answer is checked'(t) {
    let runs = 0
    const answer: ServerMiddleware = ({ request }) => {
      return textOf(request) === 'bad' ? { text: 7 } : { text: 'from the cache', hash: 'secret' }
    }
    const counting = lab({
      echo(request) {
        runs++
        return request
      },
    })
    const { client } = await t.open(counting, { use: [answer] })
    equal(await client.echo({ text: 'x' }), { text: 'from the cache' })
    await fails(client.echo({ text: 'bad' }), { code: 'internal', processed: 'yes' })
    equal(runs, 0, 'runs of the handler')
  },

  async 'of the server may change the reply'(t) {
    const shout: ServerMiddleware = async (_, next) => ({ text: String(textOf(await next())).toUpperCase() })
    const { client } = await t.open(echo, { use: [shout] })
    equal(await client.echo({ text: 'x' }), { text: 'X' })
  },

  async 'of the server may refuse with a status or a declared error'(t) {
    const guard: ServerMiddleware = ({ ctx, request }, next) => {
      if (textOf(request) === 'fine') return next()
      if (ctx.metadata.get('tenant') !== 'blue') throw new NanowireError('permission_denied', 'blue only')
      throw new NanowireError('Banned', '', { data: { until: 'noon' } })
    }
    const { client } = await t.open(echo, { use: [guard] })
    await fails(client.echo({ text: 'x' }), { code: 'permission_denied', message: 'blue only' })
    const call = client.echo({ text: 'x' }, { metadata: { tenant: 'blue' } })
    await fails(call, { code: 'Banned', data: { until: 'noon' } })
    equal(await client.echo({ text: 'fine' }), { text: 'fine' })
  },

  async 'of the server may throw anything, before the handler and after it'(t) {
    const layer: ServerMiddleware = async ({ request }, next) => {
      if (textOf(request) === 'before') return Promise.reject('before')
      await next()
      throw new Error('after')
    }
    const { client, log } = await t.open(echo, { use: [layer] })
    for (const text of ['before', 'after']) {
      await fails(client.echo({ text }), { code: 'internal', processed: 'yes' })
    }
    equal(log.at('error').length, 2, 'lines in the log')
  },

  async 'of the server sees what its handler threw'(t) {
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
    const { client } = await t.open(lab({ echo: () => Promise.reject(error) }), { use: [layer] })
    await fails(client.echo({ text: 'x' }), { code: 'internal' })
    equal(seen.length, 1, 'how often it saw an error')
    same(seen[0], error, 'what it saw')
  },

  async 'of the server runs the handler again when it calls next twice'(t) {
    let runs = 0
    const counting = lab({ echo: () => ({ text: String(++runs) }) })
    const twice: ServerMiddleware = async (_, next) => {
      await next()
      return next()
    }
    const { client } = await t.open(counting, { use: [twice] })
    equal(await client.echo({ text: 'x' }), { text: '2' })
  },

  async 'of the server stands around notifies as well'(t) {
    const names: string[] = []
    const layer: ServerMiddleware = ({ method }, next) => {
      names.push(method.name)
      return next()
    }
    const { client } = await t.open(lab({ note: () => undefined }), { use: [layer] })
    await client.note({ line: 'x' })
    await t.until(() => names.length > 0, 'the notify to come')
    equal(names, ['lab/note'], 'what it saw')
  },
}

export const middleware: Cases = { ...both, ...ofClient, ...ofServer }
