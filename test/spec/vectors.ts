/** Reads spec/vectors: bytes as hex, and values that JSON cannot say in the tagged form of spec/vectors/README.md. */
import { readFileSync } from 'node:fs'

/** Hex with spaces, or a list of it and of repetitions. */
export type Hex = string | readonly (string | Repeated)[]

export interface Repeated {
  readonly repeat: string
  readonly times: number
}

/** The vectors of one file. */
export function vectorsOf<Vector extends { readonly name: string }>(file: string): readonly Vector[] {
  const vectors: unknown = JSON.parse(readFileSync(`spec/vectors/${file}`, 'utf8'))
  return vectors as readonly Vector[] // our own file; a vector of another form fails its test
}

export function bytesOf(hex: Hex): Uint8Array {
  const text = typeof hex === 'string' ? hex : hex.map(textOf).join('')
  const digits = text.replaceAll(' ', '')
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`no hex: ${text.slice(0, 80)}`)
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function textOf(part: string | Repeated): string {
  return typeof part === 'string' ? part : part.repeat.repeat(part.times)
}

/** The value that a tagged form means. */
export function untag(form: unknown): unknown {
  if (typeof form !== 'object' || form === null) return form
  if (Array.isArray(form)) return form.map(untag)
  const [tag, content] = Object.entries(form)[0] ?? []
  switch (tag) {
    case '$bytes':
      return bytesOf(typeof content === 'string' ? content : [content as Repeated]) // as the README says
    case '$bigint':
      return BigInt(String(content))
    case '$date':
      return new Date(typeof content === 'number' ? content : Number.NaN)
    case '$number':
      return Number(content)
    case '$undefined':
      return undefined
    case '$surrogate':
      return String.fromCharCode(Number.parseInt(String(content), 16))
    case '$hole':
      return withHoles(content)
    case '$proto':
      return JSON.parse('{"__proto__":1}')
    default:
      return Object.fromEntries(Object.entries(form).map(([name, inner]) => [name, untag(inner)]))
  }
}

/** The list with a hole where it has null. */
function withHoles(items: unknown): unknown[] {
  const list: unknown[] = []
  if (!Array.isArray(items)) throw new Error('$hole has a list')
  for (const [index, item] of items.entries()) if (item !== null) list[index] = untag(item)
  list.length = items.length
  return list
}
