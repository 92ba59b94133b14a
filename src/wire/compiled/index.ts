/**
 * The compiled path of a schema (spec/codecs.md): made when it is first used, and asked before the reference path. Invariant: it
 * never changes an outcome; what it does not expect, the reference path decides.
 */
import { type Gate, isLearned, type Shape } from '../../contract/index.ts'
import { StrictError, type WalkLimits, walkStrict } from '../strict.ts'
import { depthOf } from './cover.ts'
import { type Decoder, makeDecoder } from './decoder.ts'
import { type Encoder, makeEncoder } from './encoder.ts'
import { makePasser, type Passer } from './passer.ts'
import { cursor, UNDECIDED } from './take.ts'
import { MAX_UNKNOWN_DEPTH } from './unknown.ts'

export { enterRoom, NO_ROOM, type Room } from './put.ts'
export { cursor, UNDECIDED } from './take.ts'

/** The functions of a schema. */
export class CompiledCodec {
  readonly #shape: Shape
  /** With what is skipped in them; `Infinity` for a schema that is not covered. */
  readonly #depth: number
  #encoder: Encoder | undefined
  #decoder: Decoder | undefined
  #passer: Passer | undefined

  constructor(shape: Shape) {
    const depth = mayMakeCode && !isLearned(shape) ? depthOf(shape) : undefined
    this.#shape = shape
    this.#depth = depth === undefined ? Number.POSITIVE_INFINITY : depth + MAX_UNKNOWN_DEPTH
  }

  get isCovered(): boolean {
    return this.#depth !== Number.POSITIVE_INFINITY && mayMakeCode
  }

  /** Writes `value` at `at`. Returns where it ends, -1 where the reference path is to be asked, or `NO_ROOM`. */
  encode(value: unknown, buffer: Uint8Array, at: number, limits: WalkLimits): number {
    if (this.#depth > limits.maxDepth) return -1
    this.#encoder ??= make(makeEncoder, this.#shape) ?? never
    const end = this.#encoder(value, buffer, at)
    return end - at > limits.maxNodes ? -1 : end // no value has more nodes than bytes
  }

  /** What becomes of a value that stays in this process, `UNDECIDED` where the reference path is to be asked. */
  pass(value: unknown, limits: WalkLimits): unknown {
    if (this.#depth > limits.maxDepth) return UNDECIDED
    this.#passer ??= make(makePasser, this.#shape) ?? undecided
    return this.#passer(value, limits.maxNodes)
  }

  /** The value from `start` to `end`, `UNDECIDED` where the reference path is to be asked. */
  decode(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): unknown {
    if (this.#depth > limits.maxDepth) return UNDECIDED
    this.#decoder ??= make(makeDecoder, this.#shape) ?? undecided
    if (end - start > limits.maxNodes && !isWithin(buffer, start, end, limits)) return UNDECIDED
    const value = this.#decoder(buffer, start, end)
    return cursor.at === end ? value : UNDECIDED
  }

  /** The first of the values from `start` to `end`, which ends at `cursor.at`, or `UNDECIDED`. */
  decodeFirst(buffer: Uint8Array, start: number, end: number, { maxDepth, maxNodes }: WalkLimits): unknown {
    if (this.#depth > maxDepth) return UNDECIDED
    this.#decoder ??= make(makeDecoder, this.#shape) ?? undecided
    const furthest = Math.min(end, start + maxNodes) // no value has more nodes than bytes
    const value = this.#decoder(buffer, start, furthest)
    return cursor.at <= furthest ? value : UNDECIDED
  }
}

/** Whether so many bytes, which may be more values than there may be, are not. */
function isWithin(buffer: Uint8Array, start: number, end: number, limits: WalkLimits): boolean {
  try {
    walkStrict(buffer, start, end, limits)
    return true
  } catch (error) {
    if (error instanceof StrictError) return false
    throw error
  }
}

const never: Encoder = () => -1
const undecided = (): unknown => UNDECIDED

/** `NANOWIRE_CODEC=reference` in the environment turns the compiled path off. */
let mayMakeCode = globalThis.process?.env?.['NANOWIRE_CODEC'] !== 'reference'

/** `undefined` where making code is forbidden, as by a content security policy, or the engine takes no such code. */
function make<Made>(maker: (shape: Shape) => Made, shape: Shape): Made | undefined {
  if (!mayMakeCode) return undefined
  try {
    return maker(shape)
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined
    if (!(error instanceof EvalError)) throw error
    mayMakeCode = false
    globalThis.process?.emitWarning?.(FORBIDDEN, { code: 'NANOWIRE_NO_CODE_GENERATION' })
    return undefined
  }
}

const FORBIDDEN =
  'code generation from strings is forbidden here, so Nanowire encodes and decodes by its reference path, which is slower'

/** The compiled codec of a gate, always the same one. */
export function compiledOf(gate: Gate): CompiledCodec {
  const { made } = gate
  if (made instanceof CompiledCodec) return made
  const compiled = new CompiledCodec(gate.shape)
  gate.made = compiled
  return compiled
}
