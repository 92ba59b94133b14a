/** Who calls and what they may: the principal of a call, and `authorize`. */
import { NanowireError } from '../../../errors.ts'
import type { RouterOptions, ServerCall } from '../../../rpc/index.ts'
import { equal, fails, holds } from '../assert.ts'
import { lab } from '../lab.ts'
import { type Cases, each } from '../suite.ts'

const ada = { name: 'ada', roles: ['reader'] }

/** A service that counts, and answers with the name of who calls. */
function counting() {
  const principals: unknown[] = []
  const seen = { runs: 0, principals }
  const service = lab({
    echo(_, ctx) {
      seen.runs++
      seen.principals.push(ctx.principal)
      return { text: String(Reflect.get(Object(ctx.principal), 'name')) }
    },
    note(_, ctx) {
      seen.runs++
      seen.principals.push(ctx.principal)
    },
    quick: () => undefined,
  })
  return { service, seen }
}

const principals: Cases = {
  async 'shows the handler who calls'(t) {
    const { service } = counting()
    const { client } = await t.open(service, { principal: ada })
    equal(await client.echo({ text: 'x' }), { text: 'ada' })
    equal(await client.echo({ text: 'x' }), { text: 'ada' }, 'the next reply')
  },

  async 'shows it to the handler of a notify'(t) {
    const { service, seen } = counting()
    const { client } = await t.open(service, { principal: ada })
    await client.note({ line: 'x' })
    await t.until(() => seen.runs === 1, 'the notify to come')
    equal(seen.principals, [ada], 'who called')
  },

  async 'shows it to middleware'(t) {
    const { service } = counting()
    const seen: unknown[] = []
    const { client } = await t.open(service, {
      principal: ada,
      use: [
        ({ ctx }, next) => {
          seen.push(ctx.principal)
          return next()
        },
      ],
    })
    await client.echo({ text: 'x' })
    equal(seen, [ada], 'who called')
  },

  async 'is nobody where nobody was asked'(t) {
    const { service, seen } = counting()
    const { client } = await t.open(service)
    await client.echo({ text: 'x' })
    equal(seen.principals, [undefined], 'who called')
  },

  async 'is who calls this service, and not whom it calls for'(t) {
    const inner = counting()
    const innerPlace = await t.open(inner.service, { principal: { name: 'the outer service' } })
    const outer = lab({ echo: (request) => innerPlace.client.echo(request) })
    const { client } = await t.open(outer, { principal: ada })
    equal(await client.echo({ text: 'x' }), { text: 'the outer service' })
  },
}

const refusals: Readonly<Record<string, NonNullable<RouterOptions['authorize']>>> = {
  false: () => false,
  'a promise of false': async () => false,
  nothing: () => undefined as never, // as a program without types may
  'what is only like true': () => 1 as never, // likewise
}

const authorized: Cases = {
  async 'asks authorize once for each call, with the method, the checked request and who calls'(t) {
    const { service } = counting()
    const asked: unknown[] = []
    const authorize = ({ method, request, ctx }: ServerCall) => {
      asked.push([method.name, request, ctx.principal])
      return true
    }
    const { client } = await t.open(service, { principal: ada, authorize })
    const request = { text: 'x', admin: true }
    equal(await client.echo(request), { text: 'ada' })
    const own = asked.filter((one) => Array.isArray(one) && one[0] !== 'nanowire/describe')
    equal(own, [['lab/echo', { text: 'x' }, ada]], 'what it was asked')
  },

  ...each(
    refusals,
    (answer) => `refuses a call where authorize says ${answer}: its handler never runs`,
    async (t, authorize) => {
      const { service, seen } = counting()
      const { client, log } = await t.open(service, { principal: ada, authorize })
      const pattern = { code: 'permission_denied', processed: 'no', message: /^lab\/echo is not permitted/ }
      await fails(client.echo({ text: 'x' }), pattern)
      equal(seen.runs, 0, 'runs of the handler')
      equal(log.at('error'), [], 'the log')
    },
  ),

  async 'refuses one method, and the others go on'(t) {
    const { service, seen } = counting()
    const { client, counts } = await t.open(service, { authorize: ({ method }) => method.name === 'lab/quick' })
    await fails(client.echo({ text: 'x' }), { code: 'permission_denied', processed: 'no' })
    equal(await client.quick(), undefined)
    await fails(client.echo({ text: 'x' }), { code: 'permission_denied', processed: 'no' })
    equal(seen.runs, 0, 'runs of the handler')
    equal(counts().calls, { 'lab/echo': { permission_denied: 2 }, 'lab/quick': { ok: 1 } }, 'how the calls ended')
    equal(counts().inFlight, 0, 'calls in flight')
  },

  async 'decides by the request and by who calls'(t) {
    const { service } = counting()
    const authorize = ({ request, ctx }: ServerCall) =>
      Reflect.get(Object(request), 'text') === Reflect.get(Object(ctx.principal), 'name')
    const { client } = await t.open(service, { principal: ada, authorize })
    equal(await client.echo({ text: 'ada' }), { text: 'ada' })
    await fails(client.echo({ text: 'bob' }), { code: 'permission_denied', processed: 'no' })
  },

  async 'looks at the request before authorize does'(t) {
    const { service } = counting()
    let asked = 0
    const { client } = await t.open(service, {
      authorize: ({ method }) => {
        if (method.name === 'lab/echo') asked++
        return false
      },
    })
    const bad = { text: 7 } as never // as a program without types may pass it
    await fails(client.echo(bad), { code: 'invalid_argument', processed: 'no' })
    equal(asked, 0, 'how often it was asked')
  },

  async 'stands before all middleware'(t) {
    const { service } = counting()
    const through: string[] = []
    const { client } = await t.open(service, {
      authorize: () => false,
      use: [
        ({ method }, next) => {
          through.push(method.name)
          return next()
        },
      ],
    })
    await fails(client.echo({ text: 'x' }), { code: 'permission_denied' })
    equal(through, [], 'what came to the middleware')
  },

  async 'runs no handler of a notify that is not permitted, whose caller hears nothing'(t) {
    const { service, seen } = counting()
    const { client } = await t.open(service, { authorize: ({ method }) => method.name !== 'lab/note' })
    equal(await client.note({ line: 'x' }), undefined)
    await client.quick()
    await t.turns(3)
    equal(seen.runs, 0, 'runs of the handler')
  },

  async 'tells a status that authorize throws, and of anything else only an id'(t) {
    const { service, seen } = counting()
    const authorize = ({ request }: ServerCall) => {
      if (Reflect.get(Object(request), 'text') === 'status')
        throw new NanowireError('resource_exhausted', 'no more today')
      throw new Error('secret')
    }
    const { client, log } = await t.open(service, { authorize })
    const status = { code: 'resource_exhausted', processed: 'no', message: 'no more today' }
    await fails(client.echo({ text: 'status' }), status)
    const error = await fails(client.echo({ text: 'x' }), { code: 'internal', processed: 'no', id: /^[0-9a-f]{12}$/ })
    holds(!error.message.includes('secret'), 'an error without what authorize threw')
    holds(log.text.includes('secret'), 'it in the log')
    equal(seen.runs, 0, 'runs of the handler')
  },
}

export const identity: Cases = { ...principals, ...authorized }
