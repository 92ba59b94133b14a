/**
 * Values to bytes and back: by the schema's compiled codec where it has one that knows what to do, else by its gate and strict
 * MessagePack, the reference path, which every schema has (spec/codecs.md, spec/types.md).
 */
import type { Static, TSchema } from 'typebox'
import { type AnyContract, type Gate, gateOf, type MessageOf, Misfit } from '../contract/index.ts'
import { misuse } from '../errors.ts'
import { defaultLimits, type LimitOptions, type Limits, resolveLimits } from '../limits.ts'
import { compiledOf, cursor, enterRoom, NO_ROOM, type Room, UNDECIDED } from './compiled/index.ts'
import { pack } from './msgpack.ts'
import { copyBytes, newBuffer } from './octets.ts'
import { type Body, joinBody } from './pieces.ts'
import { StrictError } from './strict.ts'
import { unpack, unpackedEnd, unpackFirst } from './unpack.ts'

type BodyLimits = Pick<Limits, 'maxDepth' | 'maxNodes'>

/**
 * A value as bytes; large bytes in it are the value's own, to be copied before it can change.
 * @throws Misfit
 */
export function encodeBody(gate: Gate, value: unknown, limits: BodyLimits): Body {
  return encodeCompiled(gate, value, limits) ?? pack(gate.toWire(value, limits))
}

/** The same, copied out of a room for it; `undefined` where the compiled codec does not know. */
function encodeCompiled(gate: Gate, value: unknown, limits: BodyLimits): Body | undefined {
  for (let roomBytes = ROOM_BYTES; roomBytes <= MAX_ROOM_BYTES; roomBytes *= 4) {
    const body = encodeInRoom(gate, value, limits, roomBytes)
    if (body !== NO_ROOM) return body
  }
  return undefined
}

function encodeInRoom(
  gate: Gate,
  value: unknown,
  limits: BodyLimits,
  roomBytes: number,
): Body | typeof NO_ROOM | undefined {
  const buffer = roomBytes === ROOM_BYTES ? takeSpareRoom() : newBuffer(roomBytes)
  const room: Room = { buffer, beside: [] }
  const before = enterRoom(room)
  try {
    const end = compiledOf(gate).encode(value, buffer, 0, limits)
    if (end === NO_ROOM) return NO_ROOM
    return end < 0 ? undefined : copyOut(room, end)
  } finally {
    enterRoom(before)
    if (roomBytes === ROOM_BYTES) spare = buffer
  }
}

function copyOut({ buffer, beside }: Room, end: number): Body {
  const own = copyStart(buffer, end)
  if (beside.length === 0) return own
  const pieces: Uint8Array[] = []
  let length = end
  let from = 0
  for (const { at, bytes } of beside) {
    pieces.push(own.subarray(from, at), bytes)
    length += bytes.length
    from = at
  }
  if (from < end) pieces.push(own.subarray(from))
  return { pieces, length }
}

/**
 * Writes a value at `at` of a buffer, where its compiled codec can. Returns where it ends, or -1 where it is to go by
 * `encodeBody`; what stands there then is void.
 */
export function encodeInto(gate: Gate, value: unknown, buffer: Uint8Array, at: number, limits: BodyLimits): number {
  return compiledOf(gate).encode(value, buffer, at, limits)
}

/**
 * A value from bytes, which it does not refer to any more.
 * @throws Misfit, StrictError
 */
export function decodeBody(gate: Gate, buffer: Uint8Array, start: number, end: number, limits: BodyLimits): unknown {
  const value = compiledOf(gate).decode(buffer, start, end, limits)
  return value === UNDECIDED ? gate.fromWire(unpack(buffer, start, end, limits)) : value
}

/**
 * The first of several values that lie one directly behind the other from `start` to `end`, as the items of a stream do; `itemEnd`
 * says where the next one begins. What lies behind the first is not looked at.
 * @throws Misfit, StrictError
 * @example
 * ```ts
 * for (let at = start; at < end; at = itemEnd()) take(decodeItem(gate, buffer, at, end, limits))
 * ```
 */
export function decodeItem(gate: Gate, buffer: Uint8Array, start: number, end: number, limits: BodyLimits): unknown {
  const value = compiledOf(gate).decodeFirst(buffer, start, end, limits)
  if (value === UNDECIDED) return decodeItemByReference(gate, buffer, start, end, limits)
  endOfItem = cursor.at
  return value
}

function decodeItemByReference(
  gate: Gate,
  buffer: Uint8Array,
  start: number,
  end: number,
  limits: BodyLimits,
): unknown {
  const value = unpackFirst(buffer, start, end, limits)
  const after = unpackedEnd()
  try {
    return gate.fromWire(value) // which may call a check of the user, and that anything
  } finally {
    endOfItem = after
  }
}

let endOfItem = 0

/** Where the item ended that `decodeItem` took last, also one that is a Misfit. Void after a StrictError. */
export function itemEnd(): number {
  return endOfItem
}

/**
 * A value as a handler or caller in this process receives it: checked, and without what is not declared.
 * @throws Misfit
 */
export function passInMemory(gate: Gate, value: unknown, limits: BodyLimits): unknown {
  const passed = compiledOf(gate).pass(value, limits)
  return passed === UNDECIDED ? gate.inMemory(value, limits) : passed
}

/** What a value is encoded into before it is known how long it is; a longer one has larger rooms, up to 64 MiB. */
const ROOM_BYTES = 65_536
const MAX_ROOM_BYTES = 1_024 * ROOM_BYTES
let spare: Uint8Array | undefined

/** A getter of the value may encode another one meanwhile, so it is there for one at a time. */
function takeSpareRoom(): Uint8Array {
  const buffer = spare ?? newBuffer(ROOM_BYTES)
  spare = undefined
  return buffer
}

/** What a spare buffer is as a plain array of bytes, whose own copying is the fastest for few of them. */
let plain: Uint8Array = new Uint8Array(0)

function copyStart(buffer: Uint8Array, end: number): Uint8Array {
  if (buffer.length > ROOM_BYTES) return copyBytes(buffer, 0, end)
  if (plain.buffer !== buffer.buffer) plain = new Uint8Array(buffer.buffer)
  return plain.slice(0, end)
}

/** Encodes and decodes the values of one schema. */
export interface Codec<T> {
  /**
   * Standard MessagePack of a value that fits. Undeclared properties are left out.
   * @throws NanowireError `invalid_argument` with the JSON pointer of the first misfit
   */
  encode(value: T): Uint8Array
  /**
   * The same, written into a buffer from `at` on, which spares the memory for each message, but for values with bytes of 8 KiB and
   * more. Returns where it ends; what stands in the buffer behind that, or from `at` on if it throws, is void.
   * @param at Default 0.
   * @throws NanowireError `invalid_argument` as `encode`, and where there is too little room
   */
  encodeInto(value: T, buffer: Uint8Array, at?: number): number
  /**
   * The value, checked. It holds no reference to `bytes`.
   * @throws NanowireError `invalid_argument` with the JSON pointer of the first misfit, or the rule of strict MessagePack
   * that the bytes break
   */
  decode(bytes: Uint8Array): T
}

/**
 * The codec of a schema, or of a contract's requests as the tagged enum `{ tag: 'greeter/hello', body }`. For the
 * replies: `codec(Greeter.Response)`.
 *
 * @param options limits: `maxDepth`, `maxNodes`, and `maxMessageBytes` for `decode`
 * @example `codec(Greeter).decode(codec(Greeter).encode(Greeter.message.hello({ name: 'Ada' })))`
 */
export function codec<C extends AnyContract>(contract: C, options?: LimitOptions): Codec<MessageOf<C>>
export function codec<S extends TSchema>(schema: S, options?: LimitOptions): Codec<Static<S>>
export function codec(of: AnyContract | TSchema, options?: LimitOptions): Codec<unknown> {
  return new SchemaCodec(gateOf(isContract(of) ? of.Request : of), options ? resolveLimits(options) : defaultLimits)
}

class SchemaCodec implements Codec<unknown> {
  readonly encode: (value: unknown) => Uint8Array
  readonly encodeInto: (value: unknown, buffer: Uint8Array, at?: number) => number
  readonly decode: (bytes: Uint8Array) => unknown

  /** Its functions may be taken from it. */
  constructor(gate: Gate, limits: Limits) {
    this.encode = (value) => {
      try {
        return encodeShort(gate, value, limits) ?? encodeOwn(gate, value, limits)
      } catch (error) {
        throw explained('encode', error)
      }
    }
    this.encodeInto = (value, buffer, at = 0) => {
      try {
        const end = isBuffer(buffer, at) ? encodeInto(gate, value, buffer, at, limits) : -1
        return end < 0 ? putOwn(encodeOwn(gate, value, limits), buffer, at) : end
      } catch (error) {
        throw explained('encode', error)
      }
    }
    this.decode = (bytes) => {
      requireDecodable(bytes, limits)
      try {
        return decodeBody(gate, bytes, 0, bytes.length, limits)
      } catch (error) {
        throw explained('decode', error)
      }
    }
    Object.freeze(this)
  }
}

/** Bytes of their own, of a value that needs no room but the spare one; `undefined` of others. */
function encodeShort(gate: Gate, value: unknown, limits: BodyLimits): Uint8Array | undefined {
  const buffer = takeSpareRoom()
  const end = compiledOf(gate).encode(value, buffer, 0, limits)
  spare = buffer // a getter that throws costs a new one
  return end < 0 ? undefined : copyStart(buffer, end)
}

function encodeOwn(gate: Gate, value: unknown, limits: BodyLimits): Uint8Array {
  const compiled = encodeCompiled(gate, value, limits)
  return compiled ? joinBody(compiled) : pack(gate.toWire(value, limits)).slice()
}

function isBuffer(buffer: unknown, at: unknown): boolean {
  return buffer instanceof Uint8Array && Number.isInteger(at) && (at as number) >= 0 // it is an integer
}

function putOwn(encoded: Uint8Array, buffer: Uint8Array, at: number): number {
  if (!isBuffer(buffer, at)) throw misuse('encodeInto takes a Uint8Array and a place in it')
  const free = buffer.length - at
  if (encoded.length > free)
    throw misuse(`${encoded.length} bytes to write, and there is room for ${Math.max(0, free)}`)
  buffer.set(encoded, at)
  return at + encoded.length
}

function requireDecodable(bytes: Uint8Array, { maxMessageBytes }: Limits): void {
  if (!(bytes instanceof Uint8Array)) throw misuse('decode takes a Uint8Array')
  if (bytes.length <= maxMessageBytes) return
  throw misuse(`${bytes.length} bytes to decode: maxMessageBytes is ${maxMessageBytes} (option maxMessageBytes)`)
}

function explained(what: string, error: unknown): unknown {
  if (error instanceof Misfit) return misuse(`cannot ${what}: ${error.describe()}`)
  return error instanceof StrictError ? misuse(`cannot ${what}: ${error.message}`, error) : error
}

function isContract(value: unknown): value is AnyContract {
  return typeof value === 'object' && value !== null && 'methods' in value && 'tags' in value && 'Request' in value
}
