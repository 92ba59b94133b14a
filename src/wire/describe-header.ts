/** The nine bytes before each body, named for people (spec/protocol.md, P1). */
import { flags as flagBits, HEADER_BYTES, kindRules, kinds } from './frame.ts'
import { uint32At, uintAt } from './octets.ts'

/** One field: its name, where it lies in the input, and what it says. */
export interface DescribedField {
  readonly name: string
  readonly offset: number
  readonly length: number
  /** Numbers, text, bytes, a list of flags' names, or the value of a MessagePack. */
  readonly value: unknown
}

/** `u24 length, u8 kind, u8 flags, u32 id`, as far as they are there. */
export function describeHeader(bytes: Uint8Array, offset: number): DescribedField[] {
  const available = bytes.length - offset
  const kind = available > 3 ? uintAt(bytes, offset + 3, 1) : 0
  const fields: DescribedField[] = []
  if (available >= 3) fields.push({ name: 'length', offset, length: 3, value: length24(bytes, offset) })
  if (available >= 4) fields.push({ name: 'kind', offset: offset + 3, length: 1, value: kindRules[kind]?.name ?? kind })
  if (available >= 5) {
    fields.push({ name: 'flags', offset: offset + 4, length: 1, value: flagNames(kind, uintAt(bytes, offset + 4, 1)) })
  }
  if (available >= HEADER_BYTES) {
    fields.push({ name: 'id', offset: offset + 5, length: 4, value: uint32At(bytes, offset + 5) })
  }
  return fields
}

export function length24(bytes: Uint8Array, offset: number): number {
  return (uintAt(bytes, offset, 2) << 8) | uintAt(bytes, offset + 2, 1)
}

/** Flags whose bits have other names in other kinds. */
const ownFlags: Readonly<Record<number, readonly string[]>> = {
  [kinds.GOAWAY]: ['FINAL'],
  [kinds.DATA]: ['GAP', 'WAIT'],
}
const allOwnFlags = new Set(Object.values(ownFlags).flat())

/** The flags of a kind by their names; bits that have none there as one number. */
function flagNames(kind: number, bits: number): string[] {
  const known = (kindRules[kind]?.flags ?? 0) | flagBits.IGNORE
  const own = ownFlags[kind] ?? []
  const ownBits = Object.entries(flagBits).reduce((all, [name, bit]) => (own.includes(name) ? all | bit : all), 0)
  const names = Object.entries(flagBits).filter(([name, bit]) => {
    return (bits & known & bit) !== 0 && (allOwnFlags.has(name) ? own.includes(name) : (bit & ownBits) === 0)
  })
  const rest = bits & ~known
  return [...names.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16).padStart(2, '0')}`])]
}
