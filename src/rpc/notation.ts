/**
 * A value in a few words of one line, for a trace (spec/debugging.md). Invariants: its length is bounded, and no control
 * character of a peer reaches the terminal.
 */

const MAX_DEPTH = 4
const MAX_ITEMS = 16
const MAX_TEXT = 80
const MAX_BYTES = 16
const MAX_LENGTH = 400

/** JSON, and beside it `5n`, `h'01ff'` and instants without quotes; `…` stands for what is left out. */
export function notation(value: unknown): string {
  return cut(escapeControls(write(value, 0)), MAX_LENGTH)
}

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, MAX_TEXT))
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return writeBytes(value)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (depth === MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}'
  if (Array.isArray(value)) return `[${some(value, (item) => write(item, depth + 1))}]`
  const entry = ([name, inner]: [string, unknown]) =>
    `${JSON.stringify(cut(name, MAX_TEXT))}: ${write(inner, depth + 1)}`
  return `{${some(Object.entries(value), entry)}}`
}

function some<T>(items: readonly T[], text: (item: T) => string): string {
  const texts = items.slice(0, MAX_ITEMS).map(text)
  return [...texts, ...(items.length > MAX_ITEMS ? ['…'] : [])].join(', ')
}

function writeBytes(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, MAX_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return bytes.length <= MAX_BYTES ? `h'${hex}'` : `h'${hex}…' (${bytes.length} bytes)`
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

/** Control characters, and those that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
