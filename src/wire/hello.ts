/**
 * Reads and writes what each side says of itself: HELLO, and the credentials of AUTH (spec/protocol.md, chapters
 * "Opening" and "Credentials"). Invariants: a name of a peer becomes a key of a `Map`, never a property; nothing is built of
 * what is not known, or not for this side to read.
 */
import type { Limits } from '../limits.ts'
import { HASH_BYTES, isMap, readValue, requireStrict, wholeNumber } from './body.ts'
import { ProtocolError } from './frame.ts'
import { walkedEntries } from './map-entries.ts'
import { pack } from './msgpack.ts'

export const PROTOCOL_MAJOR = 1
const MAGIC = [0x4e, 0x57, 0x49, 0x52] // NWIR

/** Who a client is, in words that only the application understands: a token, or names and texts. */
export type Credentials = string | Readonly<Record<string, string>>

/** As MessagePack. */
export const MAX_CREDENTIALS_BYTES = 8_192

/** What each side says of itself first. */
export interface Hello {
  readonly major: number
  /** The numbers that the other side must keep to. */
  readonly limits: PeerLimits
  /** Names of optional parts of the protocol that the sender knows; both must, for one to be used. */
  readonly features: readonly string[]
  /** Sixteen random bytes, new at each start of the process. */
  readonly incarnation: Uint8Array
  /** Of a server: its contracts and their hashes. `undefined` where it does not tell. */
  readonly contracts?: ReadonlyMap<string, Uint8Array> | undefined
  /** Of a client. */
  readonly credentials?: Credentials | undefined
}

/** Limits that the peer announces. */
export type PeerLimits = Pick<Limits, (typeof peerLimitNames)[number]>

export const peerLimitNames = ['maxFrameBytes', 'maxMessageBytes', 'maxCallsInFlight', 'maxDepth', 'maxNodes'] as const

/** HELLO: `NWIR, u8 major, map`. */
export function packHello(hello: Hello): Uint8Array {
  const { limits, features, incarnation, contracts, credentials } = hello
  const map = pack({
    limits: Object.fromEntries(peerLimitNames.map((name) => [name, limits[name]])),
    features,
    incarnation,
    ...(contracts ? { contracts: Object.fromEntries(contracts) } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  })
  const body = new Uint8Array(MAGIC.length + 1 + map.length)
  body.set([...MAGIC, hello.major])
  body.set(map, MAGIC.length + 1)
  return body
}

/** Entries of a HELLO's map, and of its limits, known or not. */
const MAX_ENTRIES = 64

/**
 * Reads the peer's HELLO. Entries of the map that are not known are let be, and so are those that are not for `from` to say.
 * @param from whose it is; whoever's, where nothing is said
 * @throws ProtocolError `not_nanowire`, `version` or `hello`
 */
export function readHello(buffer: Uint8Array, start: number, end: number, from?: 'client' | 'server'): Hello {
  if (MAGIC.some((byte, index) => buffer[start + index] !== byte)) {
    throw new ProtocolError('not_nanowire', 'the peer does not speak Nanowire: its first frame is no HELLO')
  }
  const major = buffer[start + MAGIC.length] ?? 0
  if (major !== PROTOCOL_MAJOR) {
    throw new ProtocolError(
      'version',
      `the peer speaks version ${major} of the protocol, this side version ${PROTOCOL_MAJOR}`,
    )
  }
  const mapStart = start + MAGIC.length + 1
  requireStrict('hello', buffer, mapStart, end)
  const said = new Entries(buffer, mapStart, end, 'the HELLO')
  const limits = readLimits(said)
  const features = said.value('features')
  const incarnation = said.value('incarnation')
  if (!Array.isArray(features) || features.length > 64 || !features.every((name) => typeof name === 'string')) {
    throw new ProtocolError('hello', "the HELLO's features are no list of at most 64 names")
  }
  if (!(incarnation instanceof Uint8Array) || incarnation.length !== 16) {
    throw new ProtocolError('hello', "the HELLO's incarnation is not 16 bytes")
  }
  return {
    major,
    limits,
    features,
    incarnation,
    contracts: from === 'client' || !said.has('contracts') ? undefined : readContracts(said.value('contracts')),
    credentials: from === 'server' ? undefined : readHelloCredentials(said),
  }
}

/** A map that the strict walk has passed; an entry's value is read when it is asked for. */
class Entries {
  readonly #bytes: Uint8Array
  readonly #lying = new Map<string, { readonly start: number; readonly end: number }>()

  constructor(bytes: Uint8Array, start: number, end: number, what: string) {
    this.#bytes = bytes
    const entries = start === end ? undefined : walkedEntries(bytes, start, end, MAX_ENTRIES)
    if (!entries) throw new ProtocolError('hello', `${what} is no map of at most ${MAX_ENTRIES} entries`)
    for (const { key, offset, length } of entries) this.#lying.set(key, { start: offset, end: offset + length })
  }

  has(name: string): boolean {
    return this.#lying.has(name)
  }

  /** How many bytes of MessagePack an entry's value is; 0 where it is not there. */
  bytesOf(name: string): number {
    const { start, end } = this.#at(name)
    return end - start
  }

  value(name: string): unknown {
    const { start, end } = this.#at(name)
    return start === end ? undefined : readValue('hello', this.#bytes, start, end)
  }

  inner(name: string, what: string): Entries {
    const { start, end } = this.#at(name)
    return new Entries(this.#bytes, start, end, what)
  }

  /** Nowhere, where it is not there. */
  #at(name: string): { readonly start: number; readonly end: number } {
    return this.#lying.get(name) ?? { start: 0, end: 0 }
  }
}

function readHelloCredentials(said: Entries): Credentials | undefined {
  if (!said.has('credentials')) return undefined
  requireCredentialsBytes('hello', said.bytesOf('credentials'))
  return requireCredentials('hello', said.value('credentials'))
}

function readLimits(said: Entries): PeerLimits {
  const limits = said.inner('limits', "the HELLO's limits")
  const [maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes] = peerLimitNames.map((name) =>
    readLimit(limits, name),
  ) as [number, number, number, number, number] // one for each name
  if (maxFrameBytes < 65_536)
    throw new ProtocolError('hello', `the HELLO's maxFrameBytes is ${maxFrameBytes}; every peer takes 65536`)
  return { maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes }
}

function readLimit(limits: Entries, name: string): number {
  const value = wholeNumber(limits.value(name))
  if (value !== undefined && value >= 1 && value <= 2 ** 48) return value
  throw new ProtocolError('hello', `the HELLO's ${name} is no whole number from 1 to 2^48`)
}

function readContracts(contracts: unknown): ReadonlyMap<string, Uint8Array> {
  if (!isMap(contracts)) throw new ProtocolError('hello', "the HELLO's contracts are no map")
  const hashes = new Map<string, Uint8Array>()
  for (const [name, hash] of Object.entries(contracts)) {
    if (!(hash instanceof Uint8Array) || hash.length !== HASH_BYTES)
      throw new ProtocolError('hello', `the HELLO's hash of ${JSON.stringify(name)} is not ${HASH_BYTES} bytes`)
    hashes.set(name, hash)
  }
  return hashes
}

/** AUTH: credentials as MessagePack. */
export const packCredentials: (credentials: Credentials) => Uint8Array = pack

/** @throws ProtocolError `body` */
export function readCredentials(buffer: Uint8Array, start: number, end: number): Credentials {
  requireCredentialsBytes('body', end - start)
  return requireCredentials('body', readValue('body', buffer, start, end))
}

function requireCredentialsBytes(rule: 'hello' | 'body', bytes: number): void {
  if (bytes > MAX_CREDENTIALS_BYTES)
    throw new ProtocolError(rule, `credentials of more than ${MAX_CREDENTIALS_BYTES} bytes`)
}

function requireCredentials(rule: 'hello' | 'body', value: unknown): Credentials {
  const isText = typeof value === 'string'
  if (!isText && !(isMap(value) && Object.values(value).every((text) => typeof text === 'string')))
    throw new ProtocolError(rule, 'credentials that are neither a text nor a map of texts')
  return value as Credentials // as checked
}
