/** What the two sides say to each other before the first call: credentials, and which contracts there are. */
import Type, { type TSchema } from 'typebox'
import { contract, notify, unary } from '../../../contract/index.ts'
import { NanowireError } from '../../../errors.ts'
import { service } from '../../../rpc/index.ts'
import { equal, fails, holds } from '../assert.ts'
import { lab } from '../lab.ts'
import { type Cases, each } from '../suite.ts'

const whoami = lab({ echo: (_, ctx) => ({ text: String(ctx.principal) }), quick: () => undefined })

const credentials: Cases = {
  async 'takes for who calls what authenticate makes of the credentials'(t) {
    const { client } = await t.open(whoami, {
      credentials: { user: 'ada', password: 'x' },
      authenticate: ({ credentials }) => Reflect.get(Object(credentials), 'user'),
    })
    equal(await client.echo({ text: 'x' }), { text: 'ada' })
  },

  async 'asks authenticate once for a connection, however many calls come together'(t) {
    let asked = 0
    const { client } = await t.open(whoami, { credentials: 'a token', authenticate: () => `caller ${++asked}` })
    const texts = await Promise.all(Array.from({ length: 20 }, () => client.echo({ text: 'x' })))
    equal(new Set(texts.map(({ text }) => text)).size, 1, 'different callers')
    equal(asked, 1, 'how often it was asked')
  },

  async 'holds all calls back until authenticate has answered'(t) {
    let runs = 0
    let answer = (_principal: string): void => {}
    const late = new Promise<string>((resolve) => {
      answer = resolve
    })
    let isAsked = false
    const { client } = await t.open(
      lab({
        quick() {
          runs++
        },
      }),
      {
        credentials: 'a token',
        authenticate: () => {
          isAsked = true
          return late
        },
      },
    )
    const call = client.quick()
    await t.until(() => isAsked, 'authenticate to be asked')
    await t.turns(5)
    equal(runs, 0, 'runs of the handler before')
    answer('ada')
    await call
    equal(runs, 1, 'runs of the handler afterwards')
  },

  ...each(
    { undefined, null: null, false: false },
    (answer) => `refuses a client for which authenticate says ${answer}`,
    async (t, answer) => {
      let runs = 0
      const refused = lab({
        quick() {
          runs++
        },
      })
      const { client, wire } = await t.open(refused, { credentials: 'forged', authenticate: () => answer })
      const pattern = { code: 'unauthenticated', processed: 'no' }
      await fails(client.quick(), pattern)
      await fails(wire.ready(), pattern)
      equal(runs, 0, 'runs of the handler')
    },
  ),

  async 'refuses a client that shows nothing, and says what is missing'(t) {
    const { client } = await t.open(whoami, { authenticate: ({ credentials }) => credentials })
    await fails(client.quick(), { code: 'unauthenticated', processed: 'no', message: /credentials/ })
  },

  async 'tells a client what a NanowireError of authenticate says, and of nothing else'(t) {
    const expired = () => {
      throw new NanowireError('unauthenticated', 'the token expired an hour ago')
    }
    const first = await t.open(whoami, { credentials: 'x', authenticate: expired })
    const told = { code: 'unauthenticated', processed: 'no', message: /the token expired an hour ago/ }
    await fails(first.client.quick(), told)
    const broken = () => Promise.reject(new Error('secret'))
    const second = await t.open(whoami, { credentials: 'x', authenticate: broken })
    const error = await fails(second.client.quick(), { code: 'unauthenticated', processed: 'no' })
    holds(!error.message.includes('secret'), 'an error without what authenticate threw')
    holds(second.log.text.includes('secret'), 'it in the log')
  },

  async 'asks a function for credentials, which may take its time'(t) {
    let asked = 0
    const source = async () => {
      await t.turns(2)
      return `token ${++asked}`
    }
    const { client } = await t.open(whoami, { credentials: source, authenticate: ({ credentials }) => credentials })
    equal(await client.echo({ text: 'x' }), { text: 'token 1' })
    equal(await client.echo({ text: 'x' }), { text: 'token 1' }, 'the next reply')
  },

  async 'runs calls as who is said anew, once credentials are renewed'(t) {
    const { client, wire } = await t.open(whoami, {
      credentials: 'first',
      authenticate: ({ credentials }) => credentials,
    })
    equal(await client.echo({ text: 'x' }), { text: 'first' })
    await wire.renewCredentials('second')
    equal(await client.echo({ text: 'x' }), { text: 'second' })
  },
}

const Item = Type.Object({ name: Type.String(), count: Type.Integer() })

/** A shop of which one version differs from another by what `order` takes and `find` gives. */
function shopOf(order: TSchema, find: TSchema = Item) {
  return contract('shop', {
    order: unary(order, Type.Boolean()),
    find: unary(Type.Object({ name: Type.String() }), find),
    ring: notify(Type.Object({ times: Type.Integer() })),
  })
}

const Shop = shopOf(Item)
const item = { name: 'pen', count: 2 }

/** A server of another version, and what its handlers have seen. */
function serverOf(Version: ReturnType<typeof shopOf>) {
  const seen: unknown[] = []
  const running = service(Version, {
    order: (request) => seen.push(request) > 0,
    find: ({ name }) => ({ name, count: 3 }),
    ring: (request) => void seen.push(request),
  })
  return { running, seen }
}

const contracts: Cases = {
  async 'calls what is compatible of a contract that differs'(t) {
    const { running, seen } = serverOf(shopOf(Type.Object({ ...Item.properties, note: Type.Optional(Type.String()) })))
    const { wire } = await t.open(running)
    equal(await wire.client(Shop).order(item), true)
    equal(seen, [item], 'what the handler got')
  },

  async 'never runs a handler with what does not fit its own contract'(t) {
    const { running, seen } = serverOf(shopOf(Type.Object({ ...Item.properties, colour: Type.String() })))
    const { wire } = await t.open(running)
    const shop = wire.client(Shop)
    await fails(shop.order(item), { processed: 'no' })
    equal(await shop.find({ name: 'pen' }), { name: 'pen', count: 3 }, 'the reply of the other method')
    equal(seen, [], 'what the handler got')
  },

  async 'never runs a handler of a contract that the server lacks'(t) {
    const { running } = serverOf(Shop)
    const { client } = await t.open(running)
    await fails(client.quick(), { code: 'unimplemented', processed: 'no' })
  },
}

const verdicts: Cases = {
  async 'refuses what is breaking before it is sent, and says where and why'(t) {
    const { running, seen } = serverOf(shopOf(Type.Object({ ...Item.properties, colour: Type.String() })))
    const { wire } = await t.open(running)
    const pattern = {
      code: 'failed_precondition',
      processed: 'no',
      message: /^shop\/order differs at .+: \/order\/request\/colour: /,
    }
    await fails(wire.client(Shop).order(item), pattern)
    equal(seen, [], 'what the handler got')
  },

  async 'refuses a method whose reply is breaking: its handler never runs'(t) {
    const { running } = serverOf(shopOf(Item, Type.Object({ name: Type.String(), count: Type.Number() })))
    const { wire } = await t.open(running)
    const pattern = { code: 'failed_precondition', processed: 'no', message: /\/find\/reply\/count: / }
    await fails(wire.client(Shop).find({ name: 'pen' }), pattern)
    equal(await wire.client(Shop).order(item), true, 'the reply of the other method')
  },

  async 'names a contract that the server lacks, and those that it has'(t) {
    const { running } = serverOf(Shop)
    const { client, wire } = await t.open(running)
    await wire.ready()
    await fails(client.quick(), {
      code: 'unimplemented',
      processed: 'no',
      message: / has no contract lab; it has shop$/,
    })
  },
}

export { contracts, credentials, verdicts }
