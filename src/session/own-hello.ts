/** What this side says of itself, as bytes: packed once for all connections of a server, because they say the same. */
import { PROTOCOL_MAJOR, packHello } from '../wire/index.ts'
import type { SessionOptions } from './options.ts'

type HelloOptions = Pick<SessionOptions, 'limits' | 'incarnation' | 'contracts' | 'credentials'>

interface PackedHello {
  readonly options: HelloOptions
  readonly bytes: Uint8Array
}

/** By the contracts that are told; those of one server are one object. */
const packed = new WeakMap<NonNullable<HelloOptions['contracts']>, PackedHello>()

/** The body of this side's HELLO. It may not be written into. */
export function ownHello({ limits, incarnation, contracts, credentials }: HelloOptions): Uint8Array {
  const known = contracts && packed.get(contracts)
  const options = { limits, incarnation, contracts, credentials }
  if (known && isSame(known.options, options)) return known.bytes
  const bytes = packHello({ major: PROTOCOL_MAJOR, features: [], ...options })
  if (contracts) packed.set(contracts, { options, bytes })
  return bytes
}

function isSame(one: HelloOptions, other: HelloOptions): boolean {
  const { limits, incarnation, credentials } = one
  return limits === other.limits && incarnation === other.incarnation && credentials === other.credentials
}
