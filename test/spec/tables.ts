/** Reads the tables and rules of spec/*.md, so that tests can hold them against the code. */
import { readdirSync, readFileSync } from 'node:fs'

/** The rows of the first table whose header begins with `heading`, each as its cells by column. */
export function tableOf(file: string, heading: string): Readonly<Record<string, string>>[] {
  const lines = readFileSync(`spec/${file}`, 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith(`| ${heading} |`))
  if (at < 0) throw new Error(`spec/${file} has no table that begins with ${heading}`)
  const names = cellsOf(lines[at] ?? '')
  const rows: Record<string, string>[] = []
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break
    rows.push(Object.fromEntries(cellsOf(line).map((cell, index) => [names[index], cell])))
  }
  return rows
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''))
}

/** A whole number as people write it: `16,777,215`. */
export function numberOf(text: string | undefined): number {
  if (!text || !/^\d{1,3}(,?\d{3})*$/.test(text)) throw new Error(`no number: ${text}`)
  return Number(text.replaceAll(',', ''))
}

/** A rule of the spec. */
export interface Rule {
  readonly id: string
  readonly file: string
  /** It explains and demands nothing. */
  readonly isInformative: boolean
}

/** Every rule that spec/*.md numbers: `**P1. Header.** …`, or a row of a table that begins with its number. */
export function rulesOf(): Rule[] {
  const files = readdirSync('spec').filter((file) => file.endsWith('.md'))
  return files.flatMap((file) => {
    const blocks = readFileSync(`spec/${file}`, 'utf8').split(/\n\n|\n(?=\|)/)
    return blocks.flatMap((block) => {
      const id = /^(?:\*\*|\| )([A-Z]\d+)(?:\.| \|)/.exec(block)?.[1]
      return id === undefined ? [] : [{ id, file, isInformative: block.includes('(informative)') }]
    })
  })
}
