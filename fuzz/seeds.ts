/** Inputs to begin with: what spec/vectors says, and what was kept of earlier runs (corpus/*.txt, one input a line as hex). */
import { existsSync, readFileSync } from 'node:fs'

/** Hex with spaces, or a list of it and of repetitions, as spec/vectors/README.md has it. */
type Hex = string | readonly (string | { readonly repeat: string; readonly times: number })[]

export interface Vector {
  readonly name: string
  readonly hex: Hex
  readonly [field: string]: unknown
}

/** The vectors of a file; fields beside the name are as that file has them. */
export function vectorsOf(file: string): readonly Vector[] {
  const vectors: unknown = JSON.parse(readFileSync(`spec/vectors/${file}`, 'utf8'))
  return vectors as readonly Vector[] // our own file, whose form its tests hold
}

export function bytesOf(hex: Hex): Buffer {
  const texts = typeof hex === 'string' ? [hex] : hex
  const digits = texts.map((text) => (typeof text === 'string' ? text : text.repeat.repeat(text.times))).join('')
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

/** What a file of the folder `corpus` or `found` holds; nothing where there is none. */
export function linesOf(path: string): Buffer[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => /^([0-9a-f]{2})+$/.test(line)).map((line) => Buffer.from(line, 'hex'))
}
