/**
 * What a hostile client is made of. Each attack is run by test/hostile/world/threats.ts and measured by
 * test/hostile/main.ts, and has a row in spec/security.md.
 */
import type { MethodRef } from '../../../src/contract/index.ts'
import { flags, kinds, pack } from '../../../src/wire/index.ts'
import { frame, header, hello, request } from '../../support/raw-peer.ts'
import { Open } from '../world/contract.ts'
import type { Door } from '../world/doors.ts'
import type { Script } from '../world/peers.ts'

export { flags, frame, header, hello, kinds, request }
export const methods = Open.methods

export interface Attack {
  readonly title: string
  readonly door?: Door | undefined
  /** How many connections at once, in a test and by `npm run hostile`. */
  readonly connections: readonly [test: number, most: number]
  /** Of the connection of this number; `share` is what of its length is enough for a test, 1 for all of it. */
  script(n: number, share: number): Script
  readonly told: Told
  /** What the server may hold more while it is under attack, in MiB, besides what its sockets cost. */
  readonly holdsMiB?: number | undefined
  /** Of one connection, how many handlers run at most that end only when a test says so: so many, and no fewer. */
  readonly handlers?: number | undefined
  /** Of one connection, how many items its producers are asked for at most. */
  readonly items?: number | undefined
  /** Of one connection, what the server counts: frames for calls that are not there, and credentials that were judged. */
  readonly counts?: ((share: number) => { readonly unknownIds?: number; readonly judged?: number }) | undefined
  /** The server stops reading: no connection can write all that it has. */
  readonly isUnheard?: true | undefined
  /** It makes handlers fail, each of which has a line in the log. */
  readonly isLogged?: true | undefined
}

/** What becomes of each of its connections. */
export interface Told {
  /** The rule that ends it; without, it stays open. */
  readonly rule?: string | undefined
  /** So many stay open all the same; of the others some may be closed without a word. */
  readonly stay?: number | undefined
  /** It is told when its time is over, and some may still be shaking hands then: these are closed without a word. */
  readonly isLate?: true | undefined
  /** Its end is enough: there is nobody yet to tell a rule to. */
  readonly isClosed?: true | undefined
  /** It is let be: all that it says is read, and a call behind that is answered. */
  readonly isHeard?: true | undefined
  /** How many of its calls ended how, for a share of the script. */
  readonly answers?: ((share: number) => Readonly<Record<string, number>>) | undefined
}

export const NOTHING = new Uint8Array(0)
export const join = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)
export const many = (times: number, one: Uint8Array): Uint8Array => Buffer.concat(Array<Uint8Array>(times).fill(one))

/** Bytes of ids from 1 on. */
export const each = (count: number, bytesFor: (id: number) => Uint8Array): Uint8Array =>
  Buffer.concat(Array.from({ length: count }, (_, index) => bytesFor(index + 1)))

/** As often as `times` says, in writes of about 64 KiB. */
export function* again(times: number, one: Uint8Array): Generator<Uint8Array> {
  const inOne = Math.max(1, Math.floor(65_536 / one.length))
  const block = many(Math.min(inOne, times), one)
  for (let left = times; left > 0; left -= inOne) yield left >= inOne ? block : many(left, one)
}

/** The same of ids from 1 on. */
export function* eachOf(count: number, bytesFor: (id: number) => Uint8Array): Generator<Uint8Array> {
  const IN_ONE = 500
  for (let from = 0; from < count; from += IN_ONE)
    yield each(Math.min(IN_ONE, count - from), (index) => bytesFor(from + index))
}

export function* behind(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first
  yield* rest
}

/** Made once, when it is first wanted: scripts are asked for by each connection. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** A HELLO with one entry more than it needs: a key and its value. */
export function helloWith(entry: Uint8Array): Uint8Array {
  const plain = hello().subarray(9)
  const body = join(plain.subarray(0, 5), Uint8Array.of((plain[5] ?? 0) + 1), plain.subarray(6), entry)
  return frame(kinds.HELLO, 0, body)
}

/** A request with metadata, as bytes; it may be none. */
export function withMetadata(
  id: number,
  metadata: Uint8Array,
  value: unknown,
  method: MethodRef = methods.metadata,
): Uint8Array {
  const length = Uint8Array.of(metadata.length >>> 8, metadata.length)
  const oneWay = method.oneWay ? flags.ONE_WAY : 0
  return request(id, method, null, { bytes: join(length, metadata, pack(value)), flags: flags.METADATA | oneWay })
}

/** Each byte by itself. */
export function* bytewise(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/** A REQUEST as its method's kind wants it. */
export function open(id: number, method: MethodRef, value: unknown = null, timeoutMs = 0): Uint8Array {
  const streams = (method.input ? flags.INPUT : 0) | (method.output ? flags.OUTPUT : 0)
  const oneWay = method.oneWay ? flags.ONE_WAY : 0
  return request(id, method, value, {
    flags: streams | oneWay,
    timeoutMs,
    ...(method.input ? { bytes: NOTHING } : {}),
  })
}

export const cancel = (id: number): Uint8Array => frame(kinds.CANCEL, id)
export const data = (id: number, bytes: Uint8Array, flag = 0): Uint8Array => frame(kinds.DATA, id, bytes, flag)
export const ping = frame(kinds.PING, 0, new Uint8Array(8))

export function credit(id: number, increment: number): Uint8Array {
  const body = Buffer.alloc(4)
  body.writeUInt32BE(increment)
  return frame(kinds.CREDIT, id, body)
}

/** A message in fragments of `size` bytes; without its last one, if it is to have no end. */
export function* inFragments(id: number, method: MethodRef, body: Uint8Array, size = 60_000): Generator<Uint8Array> {
  const flagOf = (end: number) => (end < body.length ? flags.MORE : 0)
  const streams = method.output ? flags.OUTPUT : 0
  yield request(id, method, null, { bytes: body.subarray(0, size), flags: flagOf(size) | streams })
  for (let at = size; at < body.length; at += size)
    yield frame(kinds.REQUEST, id, body.subarray(at, at + size), flagOf(at + size))
}
