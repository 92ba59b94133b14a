/**
 * Fingerprints: two sides know by 16 bytes that they mean the same (spec/compatibility.md, chapter "Fingerprints").
 */
import { byCodePoint, canonicalData, canonicalSchema } from './canonical.ts'
import { type ContractDescription, type Describable, describeContract, type MethodDescription } from './describe.ts'
import { fnv128 } from './fnv128.ts'

const hashes = new WeakMap<Describable, Uint8Array>()

/**
 * The fingerprint of a contract, 16 bytes that nobody may change; worked out when it is first asked for. Of a learned
 * contract it is its server's.
 */
export function hashOf(contract: Describable): Uint8Array {
  let hash = hashes.get(contract)
  if (!hash) {
    hash = hashOfDescription(describeContract(contract))
    hashes.set(contract, hash)
  }
  return hash
}

/** Says what a contract's fingerprint is: of one that was learned, its server's. */
export function setHash(contract: Describable, hash: Uint8Array): void {
  hashes.set(contract, hash)
}

/** The fingerprint of a contract as 32 hexadecimal digits. */
export function fingerprintOf(contract: Describable): string {
  return hexOf(hashOf(contract))
}

/** K6: the hash of the contract's name and its methods' fingerprints. */
export function hashOfDescription({ nanowire, name, methods }: ContractDescription): Uint8Array {
  const prints = Object.entries(methods).map(([key, method]) => [key, methodFingerprint(method)])
  return hashOfText(canonicalData({ nanowire, name, methods: Object.fromEntries(prints) }))
}

const fingerprints = new WeakMap<MethodDescription, string>()

/** K5: what travels of a method. How long it may take, and whether it may run twice, is each side's own business. */
export function methodFingerprint(method: MethodDescription): string {
  const known = fingerprints.get(method)
  if (known !== undefined) return known
  const { kind, tag, request, reply, errors } = method
  const errorTexts = Object.entries(errors)
    .sort(([one], [other]) => byCodePoint(one, other))
    .map(([name, schema]) => `${JSON.stringify(name)}:${canonicalSchema(schema)}`)
  const text =
    `{"errors":{${errorTexts.join(',')}},"kind":${JSON.stringify(kind)},"reply":${canonicalSchema(reply)},` +
    `"request":${canonicalSchema(request)},"tag":${tag}}`
  const fingerprint = hexOf(hashOfText(text))
  fingerprints.set(method, fingerprint)
  return fingerprint
}

const encoder = new TextEncoder()

function hashOfText(text: string): Uint8Array {
  return fnv128(encoder.encode(text))
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
