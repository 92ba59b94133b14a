/** `checkParity` of streams and events: what comes to the same everywhere passes, and what does not is found. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  bidiStream,
  clientStream,
  contract,
  event,
  type HandlersOf,
  NanowireError,
  type Service,
  serverStream,
  stub,
} from '../../src/index.ts'
import { checkParity, type ParityOptions, type ParityWire } from '../../src/testing/index.ts'
import { places } from '../conformance/places.ts'
import { streamMutants } from '../conformance/stream-mutants.ts'
import { holdTime, PATIENCE_MS, soonOver } from './patience.ts'

const Tick = Type.Object({ n: Type.Integer(), text: Type.Optional(Type.String()) })
const Feed = contract('feed', {
  ticks: serverStream(Type.Object({ count: Type.Integer() }), Tick, {
    errors: { Gone: Type.Object({ at: Type.Integer() }) },
  }),
  sum: clientStream(Tick, Type.Integer()),
  chat: bidiStream(Tick, Tick),
  placed: event(Type.Object({ id: Type.String(), n: Type.Integer() }), { key: 'id' }),
})

type Handlers = Partial<HandlersOf<typeof Feed>>
type Ticks = HandlersOf<typeof Feed>['ticks']

const feedOf = (handlers: Handlers): Service<typeof Feed> =>
  stub(Feed, {
    async *ticks({ count }, ctx) {
      for (let n = 0; n < count || count < 0; n++) {
        if (n === 300) throw ctx.error('Gone', { at: n })
        yield { n }
      }
      ctx.reply.set('count', `${count}`)
    },
    async sum(items) {
      let sum = 0
      for await (const { n } of items) sum += n
      return sum
    },
    async *chat(items) {
      for await (const { n } of items) yield { n: n + 1 }
    },
    ...handlers,
  })

const sound = (): Service => feedOf({})

async function listOf<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** Everything that can happen to streams. */
async function everything(wire: ParityWire): Promise<unknown[]> {
  const { ticks, sum, chat } = wire.client(Feed)
  const ends: unknown[] = []
  const end = async (what: Promise<unknown>) => {
    ends.push(
      await what.then(
        () => 'ok',
        (error: NanowireError) => error.code,
      ),
    )
  }
  await end(listOf(ticks({ count: 200 })))
  await end(listOf(ticks({ count: 400 })))
  await end(listOf(ticks({ count: 'x' } as never))) // as a program without types may call it
  for await (const { n } of ticks({ count: 200 })) if (n === 20) break
  await end(sum(Array.from({ length: 100 }, (_, n) => ({ n }))))
  await end(sum([{ n: 1 }, { n: 'x' } as never])) // likewise
  await end(listOf(chat([{ n: 1 }, { n: 2 }])))
  const controller = new AbortController()
  const cancelled = chat(endless(), { signal: controller.signal })
  await cancelled.next()
  controller.abort()
  await end(listOf(cancelled))
  const late = listOf(chat(never(), { timeoutMs: 100 }))
  late.catch(() => {})
  await wire.pass(120)
  await end(late)
  return ends
}

async function* endless() {
  for (let n = 0; ; n++) yield { n }
}

async function* never() {
  await new Promise(() => {})
  yield { n: 0 }
}

const first = async (wire: ParityWire): Promise<unknown> => listOf(wire.client(Feed).ticks({ count: 3 }))

/** What is wrong in words, and where. */
async function faultOf(
  services: () => Service,
  scenario: (wire: ParityWire) => unknown = first,
  options: ParityOptions = {},
): Promise<NanowireError> {
  const failure: unknown = await checkParity(services, scenario, options).catch((error: unknown) => error)
  if (failure instanceof NanowireError) return failure
  throw new Error(`no difference was found, but ${String(failure)}`)
}

describe('streams that come to the same', () => {
  it('pass in all places, however they end', async () => {
    let ends: unknown
    const report = await checkParity(sound, async (wire) => (ends = await everything(wire)), {
      places: places.slice(2),
    })
    expect(ends).toEqual([
      'ok',
      'Gone',
      'invalid_argument',
      'ok',
      'invalid_argument',
      'ok',
      'cancelled',
      'deadline_exceeded',
    ])
    expect(report).toEqual({ calls: 9, places: ['memory', 'encoded', 'tcp', 'tls', 'unix'] })
  })

  it('pass for events too', async () => {
    let service = feedOf({})
    const make = () => {
      service = feedOf({})
      return service
    }
    const report = await checkParity(
      make,
      async (wire) => {
        const { placed } = wire.client(Feed)
        const [x, all] = [placed({ id: 'x' }), placed()]
        await Promise.all([x.ready, all.ready])
        for (const [n, id] of ['x', 'y', 'x'].entries()) service.publish.placed({ id, n })
        const taken = [await x.next(), await x.next(), await all.next(), x.sequence, all.dropped]
        await Promise.all([x.return(), all.return()])
        return taken
      },
      { places: places.slice(2) },
    )
    expect(report.calls).toBe(2)
  })

  it('that wait for ever are named', async () => {
    holdTime()
    const waitForEver = (wire: ParityWire) => {
      void soonOver()
      return listOf(wire.client(Feed).chat(never()))
    }
    const error = await faultOf(sound, waitForEver, { patienceMs: PATIENCE_MS })
    expect(error.message).toBe(
      'the scenario in memory: expected an end within 100 ms, came these calls wait: 1 (feed/chat)',
    )
  })
})

describe('the first difference', () => {
  const here = (ctx: { readonly peer: string }) => ctx.peer === 'memory'

  it.each<[string, Ticks, string]>([
    [
      'of an item',
      async function* (_, ctx) {
        yield { n: 0 }
        yield { n: here(ctx) ? 1 : 2 }
      },
      'calls/1/items/1/n',
    ],
    [
      'of how many items there are',
      async function* (_, ctx) {
        yield { n: 0 }
        if (here(ctx)) yield { n: 1 }
      },
      'calls/1/items',
    ],
    [
      'of how a stream ends',
      async function* (_, ctx) {
        yield { n: 0 }
        if (here(ctx)) throw ctx.error('Gone', { at: 1 })
      },
      'calls/1/outcome',
    ],
    [
      'of metadata behind the items',
      async function* (_, ctx) {
        yield { n: 0 }
        ctx.reply.set('where', here(ctx) ? 'here' : 'there')
      },
      'calls/1/metadata/where',
    ],
    [
      'of an item that its handler changes when it was taken',
      async function* () {
        const item = { n: 0, text: 'x' }
        for (; item.n < 3; item.n++) {
          yield item
          item.text += 'x'
        }
      },
      'calls/1/',
    ],
  ])('%s is found', async (_, ticks, path) => {
    const error = await faultOf(
      () => feedOf({ ticks }),
      (wire) => first(wire).catch(() => 0),
      {
        places: places.slice(2, 3),
      },
    )
    expect(error).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(String(Reflect.get(Object(error.data), 'path')).startsWith(path)).toBe(true)
  })

  it('of what a handler takes is found', async () => {
    const taking = () =>
      feedOf({
        async sum(items, ctx) {
          for await (const { n } of items) if (n === (here(ctx) ? 3 : 4)) break
          return 0
        },
      })
    const error = await faultOf(taking, (wire) => wire.client(Feed).sum(Array.from({ length: 9 }, (_, n) => ({ n }))), {
      places: places.slice(2, 3),
    })
    expect(error.data).toMatchObject({ path: expect.stringMatching(/^handlers\/1\/items/), places: ['memory', 'tcp'] })
  })

  it.each([
    { name: 'drops every seventh item', seen: 'calls/1/items' },
    { name: 'ends a stream without its error', seen: 'calls/2/outcome' },
    { name: 'loses an item of an upload', seen: 'calls/5/outcome/reply' },
  ])('of a place that $name is found', async ({ name, seen }) => {
    const place = streamMutants.find((mutant) => mutant.name === name)
    if (!place) throw new Error(`there is no mutant ${name}`)
    const error = await faultOf(sound, everything, { places: [place] })
    expect(error.data).toMatchObject({ places: ['memory', name] })
    expect(String(Reflect.get(Object(error.data), 'path')).startsWith(seen)).toBe(true)
  })
})
