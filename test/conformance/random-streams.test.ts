/** Streams that are made by chance come to the same in memory, over an encoded link and over TCP (spec/places.md). */
import fc from 'fast-check'
import Type from 'typebox'
import { expect, it } from 'vitest'
import {
  bidiStream,
  clientStream,
  contract,
  NanowireError,
  type Service,
  serverStream,
  service,
} from '../../src/index.ts'
import { nextTurn } from '../../src/testing/hand-clock.ts'
import { checkParity, type ParityWire } from '../../src/testing/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { PATIENCE, places } from './places.ts'

const ENDS = ['ok', 'declared', 'status', 'thrown', 'misfit'] as const
const Script = Type.Object({
  /** How many items there are, of how many bytes, and after how many there is a pause. */
  count: Type.Integer(),
  bytes: Type.Integer(),
  pauseAfter: Type.Integer(),
  end: Type.Enum(ENDS),
  /** It has no promises. */
  isSync: Type.Boolean(),
})
type Script = Type.Static<typeof Script>
const Item = Type.Object({ n: Type.Integer(), text: Type.String(), answer: Type.Optional(Script) })
type Item = Type.Static<typeof Item>

const errors = { Gone: Type.Object({ at: Type.Integer() }) }
const Scripted = contract('scripted', {
  down: serverStream(Script, Item, { errors }),
  up: clientStream(Item, Type.Object({ items: Type.Integer(), bytes: Type.Integer() }), { errors }),
  both: bidiStream(Item, Item, { errors }),
})

type Gone = (at: number) => Error

function* itemsOf({ count, bytes, end }: Script, gone: Gone): Generator<Item> {
  for (let n = 0; n < count; n++) yield { n, text: 'x'.repeat(bytes) }
  if (end === 'declared') throw gone(count)
  if (end === 'status') throw new NanowireError('aborted', 'as it was told')
  if (end === 'thrown') throw new Error('as it was told')
  if (end === 'misfit') yield { n: 'none' } as never // as a program without types may
}

async function* follow(script: Script, gone: Gone): AsyncGenerator<Item> {
  for (const item of itemsOf(script, gone)) {
    if (script.pauseAfter > 0 && item.n % script.pauseAfter === 0) await nextTurn()
    yield item
  }
}

const scripted = (): Service =>
  service(Scripted, {
    down: (script, ctx) => (script.isSync ? itemsOf : follow)(script, (at) => ctx.error('Gone', { at })),
    async up(items, ctx) {
      let [count, bytes] = [0, 0]
      for await (const { text, answer } of items) {
        count++
        bytes += text.length
        if (answer?.end === 'declared') throw ctx.error('Gone', { at: count })
        if (answer?.end === 'status') break
      }
      return { items: count, bytes }
    },
    /** Answers each item that says so by what it says. */
    async *both(items, ctx) {
      for await (const { n, answer } of items) {
        if (answer) yield* follow(answer, (at) => ctx.error('Gone', { at }))
        else yield { n, text: 'seen' }
      }
    },
  })

const script = (ends: readonly (typeof ENDS)[number][]) =>
  fc.record({
    count: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 300 })),
    bytes: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, 20, 300) }, fc.constantFrom(3_000, 20_000, 70_000)),
    pauseAfter: fc.constantFrom(0, 0, 1, 7),
    end: fc.constantFrom(...ends),
    isSync: fc.boolean(),
  })

/** When the consumer has had enough, and what it does then. */
const taking = fc.record({
  most: fc.constantFrom<number | 'last'>(0, 1, 2, 10, 1_000_000, 1_000_000, 'last'),
  leave: fc.constantFrom('break' as const, 'cancel' as const),
  pauseAfter: fc.constantFrom(0, 0, 1, 7),
})
type Taking = typeof taking extends fc.Arbitrary<infer T> ? T : never

const call = fc.oneof(
  fc.record({ kind: fc.constant('down' as const), script: script(ENDS), taking }),
  fc.record({
    kind: fc.constant('up' as const),
    script: script(['ok', 'ok', 'status', 'thrown', 'misfit']),
    answer: fc.option(script(['declared', 'status']), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('both' as const),
    script: script(['ok']),
    answers: fc.array(fc.option(script(ENDS), { nil: undefined, freq: 2 }), { maxLength: 3 }),
    taking,
  }),
)
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never

/** @param last the number of the last item, where there is no answer that has others */
async function take(
  open: (signal: AbortSignal) => AsyncIterable<Item>,
  { most, leave, pauseAfter }: Taking,
  last: number,
) {
  const controller = new AbortController()
  let count = 0
  for await (const _ of open(controller.signal)) {
    if (count++ === (most === 'last' ? last : most)) {
      if (leave === 'break') break
      controller.abort()
    }
    if (pauseAfter > 0 && count % pauseAfter === 0) await nextTurn()
  }
}

async function* given(input: Script, answerOf: (n: number) => Script | undefined): AsyncGenerator<Item> {
  for await (const item of follow(input, () => new Error('there is none')))
    yield { ...item, answer: answerOf(item.n) } as Item // none is as good as absent
}

async function make(wire: ParityWire, one: Call): Promise<string> {
  const { down, up, both } = wire.client(Scripted)
  const outcome = (done: Promise<unknown>) =>
    done.then(
      () => 'ok',
      (error: unknown) => (error instanceof NanowireError ? error.code : String(error)),
    )
  if (one.kind === 'down') {
    const { script, taking } = one
    // An error has come elsewhere, where in memory it has not been thrown yet.
    const leave = script.end === 'ok' ? taking.leave : 'break'
    return outcome(take((signal) => down(script, { signal }), { ...taking, leave }, script.count - 1))
  }
  if (one.kind === 'up') {
    const last = Math.floor(one.script.count / 2)
    // What its generator ends with is seen only where the handler takes all.
    return outcome(up(given(one.script, (n) => (one.script.end === 'ok' && n === last ? one.answer : undefined))))
  }
  const items = () => given(one.script, (n) => one.answers[n])
  const isWhole = one.answers.every((answer) => answer === undefined || answer.end === 'ok')
  const leave = isWhole ? one.taking.leave : 'break' // likewise
  return outcome(take((signal) => both(items(), { signal }), { ...one.taking, leave }, one.script.count - 1))
}

it('comes to the same, however many items there are and whoever ends it', { timeout: PATIENCE_MS }, async () => {
  const seen = new Set<string>()
  const property = fc.asyncProperty(
    fc.array(call, { minLength: 1, maxLength: 4 }),
    fc.boolean(),
    async (calls, together) => {
      const scenario = async (wire: ParityWire) => {
        const streams = calls.filter(({ kind }) => kind !== 'up')
        const others = calls.filter(({ kind }) => kind === 'up') // the order in which these settle is compared
        const outcomes: string[] = together ? await Promise.all(streams.map((one) => make(wire, one))) : []
        for (const one of together ? others : calls) outcomes.push(await make(wire, one))
        await wire.pass(0)
        for (const outcome of outcomes) seen.add(outcome)
        return outcomes
      }
      await checkParity(scripted, scenario, { places: places.slice(2, 3), ...PATIENCE })
    },
  )
  await fc.assert(property, runs(60))
  expect([...seen].sort()).toEqual(['Gone', 'aborted', 'cancelled', 'internal', 'invalid_argument', 'ok'])
})
