/**
 * `checkRoundTrip`: does every value of a schema come through the codec as it was (spec/testing.md)?
 */
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { type AnyContract, checkOf, type MethodRef, shapeOf } from '../contract/index.ts'
import { misuse, NanowireError } from '../errors.ts'
import { isContract, isService, requireOptions } from '../rpc/index.ts'
import { type Codec, codec } from '../wire/index.ts'
import { type ArbitraryOptions, arbitrary } from './arbitrary.ts'
import { describeSchema } from './bounded.ts'
import { firstDifference } from './difference.ts'
import { describeGiven, requireSeed } from './require.ts'

/** Options of `checkRoundTrip`. */
export interface RoundTripOptions extends ArbitraryOptions {
  /** Values for each schema. Default 100. */
  readonly numRuns?: number | undefined
  /** Repeats a run: a failure names its own. Default: another one each time. */
  readonly seed?: number | undefined
}

const DEFAULT_RUNS = 100

export interface RoundTripReport {
  /** Values that went there and back. */
  readonly checked: number
}

/** Where a codec comes from; only this library's own tests pass another one, to see it found out. */
export type CodecOf = (schema: TSchema) => Pick<Codec<unknown>, 'encode' | 'decode'>

/** One schema to check, and what a failure calls it. */
interface Part {
  readonly name: string
  readonly schema: TSchema
}

/**
 * Encodes and decodes generated values and compares: -0 is not 0, bytes and dates by content, the order of properties
 * irrelevant, an undefined property as good as absent.
 *
 * @param what a schema, or a contract: then each method's request, reply and declared errors
 * @throws NanowireError `data_loss` with the smallest value that fast-check found, what became of it, and the seed; its
 *   `data` is `{ part, counterexample, seed, path }`. `invalid_argument` as `arbitrary`, and for bad options
 * @example
 * ```ts
 * test('the contract survives the wire', () => {
 *   checkRoundTrip(Greeter)
 * })
 * ```
 */
export function checkRoundTrip(what: AnyContract | TSchema, options: RoundTripOptions = {}): RoundTripReport {
  return checkRoundTripWith((schema) => codec(schema), what, options)
}

/** `checkRoundTrip` with another codec. */
export function checkRoundTripWith(
  codecOf: CodecOf,
  what: AnyContract | TSchema,
  options: RoundTripOptions,
): RoundTripReport {
  if (typeof what !== 'object' || what === null || isService(what))
    throw misuse(`checkRoundTrip takes a contract or a schema, not ${describeGiven(what)}`)
  requireOptions('checkRoundTrip', options, ['numRuns', 'seed', 'override'])
  const { numRuns = DEFAULT_RUNS, seed } = options
  if (seed !== undefined) requireSeed(seed)
  if (!Number.isInteger(numRuns) || numRuns < 1)
    throw misuse(`numRuns is a whole number from 1, not ${String(numRuns)}`)
  const parts = isContract(what)
    ? Object.values<MethodRef>(what.methods).flatMap(partsOf)
    : [{ name: describeSchema(what), schema: what }]
  return { checked: parts.reduce((sum, part) => sum + checkPart(part, codecOf(part.schema), options), 0) }
}

function checkPart({ name, schema }: Part, { encode, decode }: ReturnType<CodecOf>, options: RoundTripOptions): number {
  const fits = checkOf(shapeOf(schema))
  const { numRuns = DEFAULT_RUNS, seed, override } = options
  const details = fc.check(
    fc.property(arbitrary(schema, { override }), (value) => {
      const after = decode(encode(value))
      const difference = firstDifference(value, after)
      if (difference !== undefined) throw new Error(difference)
      if (!fits(after)) throw new Error(`what arrives does not fit the schema any more: ${fc.stringify(after)}`)
    }),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  )
  if (!details.failed) return details.numRuns
  const { counterexample, counterexamplePath: path, errorInstance: cause } = details
  throw new NanowireError(
    'data_loss',
    `${name} does not survive the wire: ${cause instanceof Error ? cause.message : String(cause)}\n` +
      `  counterexample: ${fc.stringify(counterexample?.[0])}\n` +
      `  after ${details.numRuns} values and ${details.numShrinks} steps of shrinking; again with { seed: ${details.seed} }`,
    { processed: 'no', data: { part: name, counterexample: counterexample?.[0], seed: details.seed, path }, cause },
  )
}

function partsOf(method: MethodRef): readonly Part[] {
  const { name, definition } = method
  return [
    { name: `${name} request`, schema: definition.request },
    ...(definition.kind === 'notify' ? [] : [{ name: `${name} reply`, schema: definition.reply }]),
    ...Object.entries(definition.errors).map(([error, schema]) => ({ name: `${name} error ${error}`, schema })),
  ]
}
