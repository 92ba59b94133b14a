/**
 * Names and the numbers that stand for them on the wire. A number follows from the name alone, so adding and reordering
 * methods moves nothing (spec/contract.md).
 */
import { misuse } from '../errors.ts'

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** The 32-bit FNV-1a hash of a method's full name (`greeter/hello`) in ASCII. */
export function tagOf(fullName: string): number {
  let hash = FNV_OFFSET
  for (let index = 0; index < fullName.length; index++) {
    hash = Math.imul(hash ^ fullName.charCodeAt(index), FNV_PRIME)
  }
  return hash >>> 0
}

const CONTRACT_NAME = /^[a-z][A-Za-z0-9_.-]{0,63}$/
const METHOD_NAME = /^[a-z][A-Za-z0-9_]{0,63}$/
const ERROR_NAME = /^[A-Z][A-Za-z0-9_]{0,63}$/

/** A client is a plain object that may be awaited, printed and copied: these names would be taken for something else. */
const refusedNames = new Set([
  'then',
  'catch',
  'finally',
  'constructor',
  'prototype',
  'toJSON',
  'inspect',
  'nodeType',
  ...Object.getOwnPropertyNames(Object.prototype),
])

export function isContractName(name: string): boolean {
  return typeof name === 'string' && CONTRACT_NAME.test(name)
}

export function requireContractName(name: string): void {
  if (!isContractName(name)) {
    throw misuse(
      `a contract's name begins with a small letter and has at most 64 letters, digits, "_", "-" and ".": not ${JSON.stringify(name)}`,
    )
  }
}

/** The library's own contracts: what a server tells of itself, and what later versions add. */
const RESERVED = /^nanowire(?:\.|$)/

export function requireFreeName(name: string): void {
  if (RESERVED.test(name)) {
    throw misuse(
      `the contract name ${JSON.stringify(name)} is Nanowire's own, like all that begin with "nanowire."; rename it`,
    )
  }
}

export function requireMethodName(contract: string, name: string): void {
  if (refusedNames.has(name))
    throw misuse(
      `${contract}/${name}: the method name ${JSON.stringify(name)} is refused, because objects use it themselves; rename it`,
    )
  if (!METHOD_NAME.test(name)) {
    throw misuse(
      `${contract}/${name}: a method's name begins with a small letter and has at most 64 letters, digits and "_"`,
    )
  }
}

export function requireErrorName(method: string, name: string): void {
  if (!ERROR_NAME.test(name)) {
    throw misuse(
      `${method}: a declared error's name begins with a capital and has at most 64 letters, digits and "_": not ${JSON.stringify(name)}`,
    )
  }
}

export function requireTag(method: string, tag: number): void {
  if (!Number.isInteger(tag) || tag < 1 || tag > 0xffff_ffff) {
    throw misuse(`${method}: a tag is a whole number from 1 to 4294967295, not ${String(tag)}`)
  }
}

/**
 * Throws when two methods have one tag.
 * @throws NanowireError `invalid_argument`, naming both methods and the remedy.
 */
export function requireDistinctTags(methods: Iterable<{ readonly name: string; readonly tag: number }>): void {
  const taken = new Map<number, string>()
  for (const { name, tag } of methods) {
    const other = taken.get(tag)
    if (other !== undefined) {
      throw misuse(
        `${other} and ${name} have the same tag ${tag}; give one of them another by hand: { tag: ${suggestTag(tag, taken)} } in its options`,
      )
    }
    taken.set(tag, name)
  }
}

function suggestTag(tag: number, taken: ReadonlyMap<number, string>): number {
  let free = (tag % 0xffff_ffff) + 1
  while (taken.has(free)) free = (free % 0xffff_ffff) + 1
  return free
}
