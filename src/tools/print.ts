/**
 * Values as text for people and machines (spec/cli.md, "Values as JSON" and "decode"). Invariant: whatever a peer sent,
 * no control character of it reaches the terminal.
 */

/** A value as `call` prints it: bytes as base64, timestamps as ISO 8601, bigints as decimal text, undefined as null. */
export function toJson(value: unknown): unknown {
  return convert(value, (special) => {
    if (special instanceof Uint8Array) return Buffer.from(special).toString('base64')
    if (special instanceof Date) return special.toISOString()
    return typeof special === 'number' && Number.isFinite(special) ? special : String(special)
  })
}

/** A value as `decode --json` prints it, where no schema says what a text stands for: `{ "$bytes": "01ff" }`. */
export function toTaggedJson(value: unknown): unknown {
  return convert(value, (special) => {
    if (special instanceof Uint8Array) return { $bytes: Buffer.from(special).toString('hex') }
    if (special instanceof Date) return { $date: special.getTime() }
    return typeof special === 'bigint' ? { $bigint: String(special) } : { $number: numberText(special) }
  })
}

/** `print` for each value that JSON cannot say. Depth is bounded: the value has come through a codec. */
function convert(value: unknown, print: (special: Uint8Array | Date | bigint | number) => unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint' || value instanceof Uint8Array || value instanceof Date) return print(value)
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : print(value)
  if (Array.isArray(value)) return value.map((item: unknown) => convert(item, print))
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, convert(inner, print)]))
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** JSON in one line, or indented for people. */
export function jsonText(json: unknown, isPretty = false): string {
  return escapeControls(JSON.stringify(json, undefined, isPretty ? 2 : undefined))
}

const MAX_BYTES_SHOWN = 64

/** A value in one line for people: JSON, and beside it `5n`, `h'01ff'` and instants without quotes. */
export function notation(value: unknown): string {
  if (typeof value === 'string') return escapeControls(JSON.stringify(value))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return numberText(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return bytesNotation(value)
  if (Array.isArray(value)) return `[${value.map(notation).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).map(([name, inner]) => `${notation(name)}: ${notation(inner)}`)
  return `{${entries.join(', ')}}`
}

function bytesNotation(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, MAX_BYTES_SHOWN)).toString('hex')
  return bytes.length <= MAX_BYTES_SHOWN ? `h'${hex}'` : `h'${hex}…' (${bytes.length} bytes)`
}

/** Control characters, and those that turn the direction of text; line feeds and tabs are the layout's own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text of a peer as it can be shown: `\u001b` for what a terminal would obey. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
