/** `nanowire decode`: every field of every frame in bytes that somebody has caught (spec/cli.md). */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { type DescribedField, type DescribedFrame, describeFrames } from '../wire/index.ts'
import { findContracts } from './find.ts'
import type { Io } from './io.ts'
import { escapeControls, jsonText, notation, toTaggedJson } from './print.ts'
import { WrongUse } from './wrong-use.ts'

export interface DecodeFlags {
  readonly contract?: string | undefined
  readonly json?: true | undefined
}

/** Returns the exit code: 1 where a rule is broken or the input ends within a frame. */
export async function runDecode(words: readonly string[], flags: DecodeFlags, io: Io): Promise<number> {
  const names =
    flags.contract === undefined ? undefined : methodNames(findContracts(await io.loadModule(flags.contract)))
  const bytes = await readInput(words, io)
  if (bytes.length === 0) throw new WrongUse('there is nothing to decode')
  const { frames, unread } = describeFrames(bytes)
  const named = frames.map((frame) => (names ? withMethod(frame, names) : frame))
  if (flags.json) io.out(jsonText({ frames: named.map(frameJson), unread }))
  else io.out(named.map(frameText).join('\n\n'))
  if (unread > 0 && !flags.json) io.out(`\n${unread} bytes follow, in which no frame can be found any more`)
  return frames.some((frame) => frame.problem) ? 1 : 0
}

function methodNames(contracts: readonly AnyContract[]): ReadonlyMap<number, string> {
  const methods = contracts.flatMap((contract) => Object.values<MethodRef>(contract.methods))
  return new Map(methods.map(({ tag, name }) => [tag, name]))
}

/** The frame with its method's name beside its tag. */
function withMethod(frame: DescribedFrame, names: ReadonlyMap<number, string>): DescribedFrame {
  const fields = frame.fields.flatMap((field): DescribedField[] => {
    if (field.name !== 'tag' || frame.kind !== 'REQUEST') return [field]
    const name = names.get(Number(field.value)) ?? 'none of this contract'
    return [field, { ...field, name: 'method', value: name }]
  })
  return { ...frame, fields }
}

function frameJson({ kind, offset, length, fields, problem }: DescribedFrame): unknown {
  return {
    kind,
    offset,
    length,
    fields: fields.map((field) => ({ ...field, value: toTaggedJson(field.value) })),
    problem,
  }
}

/** A line for the frame and one for each field: its offset, name and value. */
function frameText({ kind, offset, length, fields, problem }: DescribedFrame): string {
  const lines = fields.map((field) => `${offsetText(field.offset)}  ${field.name.padEnd(15)} ${fieldText(field)}`)
  const broken = problem && `${offsetText(problem.offset)}  !! ${problem.rule}: ${problem.message}`
  return [`${kind}, ${length} bytes at ${offset}`, ...lines, ...(broken ? [broken] : [])].map(escapeControls).join('\n')
}

function offsetText(offset: number): string {
  return String(offset).padStart(8)
}

function fieldText({ name, value }: DescribedField): string {
  if (name === 'kind' || name === 'method') return String(value)
  if (name === 'flags' && Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' ')
  return name === 'tag' ? `0x${Number(value).toString(16).padStart(8, '0')}` : notation(value)
}

/** Hexadecimal in one argument or many, a file of bytes or of hexadecimal, or `-` for stdin. */
async function readInput(words: readonly string[], io: Io): Promise<Uint8Array> {
  const [word = ''] = words
  const typed = words.join(' ')
  const hex = cleanHex(typed)
  if (HEX.test(hex)) return fromHex(hex)
  if (words.length === 1 && word === '-') return fromContent(await io.readStdin())
  const path = resolve(io.cwd, word)
  if (words.length === 1 && existsSync(path) && statSync(path).isFile()) return fromContent(readFileSync(path))
  const bad = /[^0-9a-fA-F]/.exec(hex)?.[0] ?? ''
  throw new WrongUse(
    `${JSON.stringify(typed.slice(0, 60))} is no file, and no hexadecimal: it has ${JSON.stringify(bad)}`,
  )
}

const HEX = /^[0-9a-fA-F]*$/

/** Without spaces, line breaks, colons, commas and `0x`. */
function cleanHex(text: string): string {
  return text.replace(/(?<![0-9a-fA-F])0x|[\s:,]/gi, '')
}

function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 === 1) throw new WrongUse(`${hex.length} hexadecimal digits are no whole number of bytes`)
  return Buffer.from(hex, 'hex')
}

/** No frame begins like a hexadecimal digit, so what is all digits is text. */
function fromContent(content: Uint8Array): Uint8Array {
  const hex = cleanHex(Buffer.from(content).toString('latin1'))
  return HEX.test(hex) ? fromHex(hex) : content
}
