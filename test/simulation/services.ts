/**
 * Services that use all that calls can do, for the simulator to be tried on: echoes, bulk, every status, declared errors; streams
 * of all kinds, whose items have numbers and a checksum, and events.
 */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import {
  Bytes,
  bidiStream,
  clientStream,
  contract,
  event,
  NanowireError,
  notify,
  type Service,
  type StatusCode,
  serverStream,
  service,
  statusCodes,
  unary,
} from '../../src/index.ts'
import type { SimulateOptions } from '../../src/testing/index.ts'
import { forgetStreams, forgotten } from './kept-flows.ts'

const MAX_BYTES = 200_000
const MAX_TEXT = 5_000
const MAX_COUNT = 300
/** Of all items of one stream together. */
const MAX_STREAM_BYTES = 400_000

const codes = Object.keys(statusCodes) as StatusCode[] // the keys of a constant

/** An item says which it is, and whether it is whole. */
const Item = Type.Object({
  nonce: Type.Integer(),
  number: Type.Integer(),
  bytes: Bytes({ maxBytes: MAX_BYTES }),
  sum: Type.Integer(),
})
type Item = Type.Static<typeof Item>

const Count = Type.Object({
  nonce: Type.Integer(),
  count: Type.Integer({ minimum: 0, maximum: MAX_COUNT }),
  size: Type.Integer({ minimum: 0, maximum: MAX_BYTES }),
})

const Key = Type.Enum(['a', 'b', 'c'])

const Exercise = contract('exercise', {
  echo: unary(
    Type.Object({
      id: Type.Integer(),
      text: Type.String(),
      tags: Type.Array(Type.String()),
      at: Type.Optional(Type.Number()),
    }),
    Type.Object({
      id: Type.Integer(),
      text: Type.String(),
      tags: Type.Array(Type.String()),
      at: Type.Optional(Type.Number()),
    }),
  ),
  nothing: unary(Type.Object({}), Type.Void(), { idempotent: true }),
  bulk: unary(Type.Object({ bytes: Bytes({ maxBytes: MAX_BYTES }) }), Type.Object({ reversed: Bytes() })),
  grow: unary(Type.Object({ size: Type.Integer({ minimum: 0, maximum: MAX_BYTES }) }), Bytes(), { timeoutMs: 700 }),
  ban: unary(Type.Object({ who: Type.String(), why: Type.String({ maxLength: MAX_TEXT }) }), Type.Null(), {
    errors: { Banned: Type.Object({ who: Type.String(), why: Type.String() }), Gone: Type.Integer() },
  }),
  end: unary(Type.Object({ code: Type.Enum(codes) }), Type.Null()),
  count: serverStream(Count, Item, { errors: { Stopped: Type.Object({ at: Type.Integer() }) } }),
  ticks: serverStream(Count, Item, { slow: { policy: 'dropOldest', maxItems: 3 } }),
  state: serverStream(Count, Item, { slow: 'latest' }),
  feed: serverStream(Count, Item, { slow: { policy: 'disconnect', maxItems: 20, maxBytes: 40_000 } }),
  gather: clientStream(
    Type.Object({ bytes: Bytes({ maxBytes: MAX_BYTES }) }),
    Type.Object({ count: Type.Integer(), bytes: Type.Integer() }),
  ),
  first: clientStream(Type.Integer(), Type.Union([Type.Integer(), Type.Null()])),
  mirror: bidiStream(
    Type.Object({ id: Type.Integer(), text: Type.String() }),
    Type.Object({ id: Type.Integer(), text: Type.String() }),
  ),
  sums: bidiStream(Type.Object({ bytes: Bytes({ maxBytes: MAX_BYTES }) }), Item, { timeoutMs: 2_000 }),
  posted: event(Type.Object({ key: Key, text: Type.String(), bytes: Type.Optional(Bytes({ maxBytes: MAX_BYTES })) }), {
    key: 'key',
  }),
  changed: event(Type.Object({ key: Key, value: Type.Integer() }), { key: 'key', slow: 'latest' }),
  noted: event(Type.Integer(), { slow: { policy: 'disconnect', maxItems: 30 } }),
  tell: notify(Type.Object({ line: Type.String(), bytes: Type.Optional(Bytes({ maxBytes: MAX_BYTES })) })),
})

function itemOf(nonce: number, number: number, size: number): Item {
  const bytes = new Uint8Array(size).fill((nonce + number) % 251)
  let sum = number
  for (let at = 0; at < size; at++) sum = (sum * 31 + (bytes[at] ?? 0)) % 65_521
  return { nonce, number, bytes, sum }
}

/** As many as were asked for, but no more than a run can carry. */
function numberOf({ count, size }: { readonly count: number; readonly size: number }): number {
  return size === 0 ? count : Math.min(count, Math.ceil(MAX_STREAM_BYTES / size))
}

function* items(asked: Type.Static<typeof Count>): Generator<Item> {
  for (let number = 0; number < numberOf(asked); number++) yield itemOf(asked.nonce, number, asked.size)
}

/** Handlers of some streams that have begun, and whose `finally` has not run. */
interface Running {
  generators: number
}

const makeExercise = (running: Running): Service =>
  service(Exercise, {
    echo: (request) => request,
    nothing: () => undefined,
    bulk: async ({ bytes }, ctx) => {
      ctx.reply.set('size', String(bytes.length))
      return { reversed: bytes.slice().reverse() }
    },
    grow: async ({ size }) => new Uint8Array(size).fill(size % 251),
    ban: ({ who, why }, ctx) => {
      if (who < why) throw ctx.error('Banned', { who, why })
      if (who > why) throw ctx.error('Gone', who.length)
      return null
    },
    end: ({ code }) => {
      throw new NanowireError(code, `told to end with ${code}`)
    },
    async *count(asked, ctx) {
      running.generators++
      try {
        for (const item of items(asked)) {
          if (asked.nonce % 7 === 3 && item.number === 5) throw ctx.error('Stopped', { at: item.number })
          yield item
        }
      } finally {
        running.generators--
      }
    },
    ticks: items,
    async *state(asked) {
      yield* items(asked)
    },
    feed: (asked) => [...items({ ...asked, count: Math.min(asked.count, 40) })],
    async gather(given) {
      const sum = { count: 0, bytes: 0 }
      for await (const { bytes } of given) {
        sum.count++
        sum.bytes += bytes.length
      }
      return sum
    },
    async first(given) {
      for await (const number of given) return number
      return null
    },
    mirror: (given) => given,
    async *sums(given) {
      running.generators++
      try {
        let number = 0
        for await (const { bytes } of given) yield { ...itemOf(bytes.length, number++, 0), bytes }
      } finally {
        running.generators--
      }
    },
    tell: ({ line }) => {
      if (line.startsWith('a')) throw new Error('this one is not taken')
    },
  })

export const exercise = makeExercise({ generators: 0 })

/** Mostly small, some of more than one frame, a few of several. */
const bytes = fc
  .oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 65_000, max: 66_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 70_000, max: MAX_BYTES }) },
  )
  .map((size) => new Uint8Array(size).fill(size % 256))

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30_000, max: MAX_BYTES }) },
)

const counts = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: MAX_COUNT }) },
)

/** Now and then more than an error may have. */
const texts = fc.oneof(
  { weight: 4, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.integer({ min: 900, max: MAX_TEXT }).map((length) => 'y'.repeat(length)) },
)

function override(schema: TSchema): fc.Arbitrary<unknown> | undefined {
  if ('maximum' in schema && schema['maximum'] === MAX_BYTES) return sizes
  if ('maximum' in schema && schema['maximum'] === MAX_COUNT) return counts
  if ('maxLength' in schema && schema['maxLength'] === MAX_TEXT) return texts
  return 'maxBytes' in schema && schema['maxBytes'] === MAX_BYTES ? bytes : undefined
}

/** Of the server's current life: of one that has died no `finally` runs. */
let running: Running = { generators: 0 }

/** What every test of the simulator runs. */
export const exerciseOptions: SimulateOptions = {
  services(sim) {
    forgetStreams(sim)
    running = { generators: 0 }
    return makeExercise(running)
  },
  state: 'lost',
  override,
  invariants: {
    ...forgotten,
    'every finally has run': () => running.generators === 0,
  },
}
