/** What Stryker's report says of mutants that no test found. */

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

/** One line for each, by file and place: `src/wire/keys.ts:12:3 Survived: 'a < b' became 'a <= b'`. */
export function listSurvivors({ files }: Report): string[] {
  return Object.entries(files).flatMap(([path, { source, mutants }]) => {
    const lines = source.split('\n')
    return mutants
      .filter(({ status }) => UNFOUND.has(status))
      .sort(
        (a, b) => a.location.start.line - b.location.start.line || a.location.start.column - b.location.start.column,
      )
      .map(({ location: { start, end }, status, mutatorName, replacement = mutatorName }) => {
        const first = lines[start.line - 1] ?? ''
        const before =
          start.line === end.line ? first.slice(start.column - 1, end.column - 1) : first.slice(start.column - 1)
        return `${path}:${start.line}:${start.column} ${status}: '${oneLine(before)}' became '${oneLine(replacement)}'`
      })
  })
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()
