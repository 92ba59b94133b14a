/**
 * The keys of the maps that are open during a strict walk (spec/msgpack.md, M10 and M11): is a key allowed, and new to
 * its map? Maps of up to 16 entries are compared byte by byte and allocate nothing; larger ones have a Set.
 */
import { byteAt, decodeText } from './octets.ts'

/** What `openMap` returns for a map whose keys are in a Set; for others it is the index of their first key. */
const LARGE_MAP = -2

/** Each key is compared with 15 at most, so that keys made to look alike cost a few times their own length. */
const SMALL_MAP = 16

/** The keys so far of the small maps that are open, innermost last: where, how long, and what most tell them apart. */
let keyCount = 0
const starts: number[] = []
const lengths: number[] = []
const traits: number[] = []

/** The keys so far of the large maps that are open, innermost last. */
const sets: Set<string>[] = []

/** Returns what to name the map by. The last to be opened is the first to be closed. */
export function openMap(entries: number): number {
  if (entries <= SMALL_MAP) return keyCount
  sets.push(new Set())
  return LARGE_MAP
}

export function closeMap(map: number): void {
  if (map === LARGE_MAP) sets.pop()
  else keyCount = map
}

/** Closes all that is open. */
export function closeMaps(): void {
  keyCount = 0
  if (sets.length > 0) sets.length = 0
}

/** Adds the key of `length` bytes at `from` to the map opened last, which is `map`; false if it has it already. */
export function addKey(bytes: Uint8Array, from: number, length: number, map: number): boolean {
  if (map === LARGE_MAP) {
    const keys = sets[sets.length - 1] as Set<string> // pushed when `map` was opened
    const before = keys.size
    return keys.add(decodeText(bytes, from, from + length)).size > before
  }
  const trait = length === 0 ? 0 : (length << 16) | (byteAt(bytes, from) << 8) | byteAt(bytes, from + length - 1)
  for (let index = map; index < keyCount; index++) {
    if (traits[index] !== trait || lengths[index] !== length) continue
    if (areSame(bytes, starts[index] as number, from, length)) return false // as many as traits
  }
  traits[keyCount] = trait
  lengths[keyCount] = length
  starts[keyCount] = from
  keyCount++
  return true
}

function areSame(bytes: Uint8Array, left: number, right: number, length: number): boolean {
  for (let offset = 0; offset < length; offset++) {
    if (byteAt(bytes, left + offset) !== byteAt(bytes, right + offset)) return false
  }
  return true
}

const PROTO = '__proto__'

/** Whether the key is the one that no map may have. */
export function isForbiddenKey(bytes: Uint8Array, from: number, length: number): boolean {
  if (length !== PROTO.length) return false
  for (let offset = 0; offset < length; offset++) {
    if (byteAt(bytes, from + offset) !== PROTO.charCodeAt(offset)) return false
  }
  return true
}
