/** What Stryker's report says of mutants that no test found. */
import { type Equivalents, equivalents } from './equivalents.ts'

interface Position {
  readonly line: number
  readonly column: number
}

interface Mutant {
  readonly id: string
  readonly mutatorName: string
  readonly replacement?: string
  readonly status: string
  readonly location: { readonly start: Position; readonly end: Position }
}

/** The part of it that is used: https://github.com/stryker-mutator/mutation-testing-elements has the schema. */
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>
}

const UNFOUND = new Set(['Survived', 'NoCoverage'])

/**
 * One line for each, by file and place: `src/wire/keys.ts:12:3 Survived: 'a < b' became 'a <= b'`. Those that nobody can find come last,
 * each with its reason behind it.
 */
export function listSurvivors({ files }: Report, named: Equivalents = equivalents): string[] {
  const lines = Object.entries(files).flatMap(([path, file]) => linesOf(path, file, reasonsOf(named[path] ?? {})))
  return [...lines.filter(({ reason }) => !reason), ...lines.filter(({ reason }) => reason)].map(({ text, reason }) =>
    reason ? `${text} (${reason})` : text,
  )
}

/** Why each text is no bug. */
function reasonsOf(named: Equivalents[string]): ReadonlyMap<string, string> {
  return new Map(Object.entries(named).flatMap(([reason, texts]) => texts.map((text) => [text, reason])))
}

interface Line {
  readonly text: string
  readonly reason: string | undefined
}

function linesOf(
  path: string,
  { source, mutants }: Report['files'][string],
  reasons: ReadonlyMap<string, string>,
): Line[] {
  const lines = source.split('\n')
  return mutants
    .filter(({ status }) => UNFOUND.has(status))
    .sort((a, b) => a.location.start.line - b.location.start.line || a.location.start.column - b.location.start.column)
    .map(({ location: { start, end }, status, mutatorName, replacement = mutatorName }) => {
      const first = lines[start.line - 1] ?? ''
      const before =
        start.line === end.line ? first.slice(start.column - 1, end.column - 1) : first.slice(start.column - 1)
      const change = `'${oneLine(before)}' became '${oneLine(replacement)}'`
      return { text: `${path}:${start.line}:${start.column} ${status}: ${change}`, reason: reasons.get(change) }
    })
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()
