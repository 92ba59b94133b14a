import { expect, it } from 'vitest'
import { listSurvivors } from './survivors.ts'

it('lists what no test found by file and place, and nothing else; what nobody can find with its reason, at the end', () => {
  const place = (line: number, from: number, to: number, endLine = line) => ({
    start: { line, column: from },
    end: { line: endLine, column: to },
  })
  const report = {
    files: {
      'src/wire/a.ts': {
        source: 'const a = 1\nif (a < 2) {\n  go()\n}\n',
        mutants: [
          {
            id: '3',
            mutatorName: 'BlockStatement',
            replacement: '{}',
            status: 'NoCoverage',
            location: place(2, 12, 2, 4),
          },
          {
            id: '2',
            mutatorName: 'EqualityOperator',
            replacement: 'a <=\n 2',
            status: 'Survived',
            location: place(2, 5, 10),
          },
          { id: '1', mutatorName: 'BooleanLiteral', replacement: 'false', status: 'Killed', location: place(1, 1, 2) },
          { id: '4', mutatorName: 'Regex', status: 'Timeout', location: place(1, 1, 2) },
        ],
      },
      'src/wire/b.ts': { source: '', mutants: [] },
    },
  }
  const named = { 'src/wire/a.ts': { 'it is none': ["'a < 2' became 'a <= 2'"] }, 'src/wire/b.ts': {} }
  const block = "src/wire/a.ts:2:12 NoCoverage: '{' became '{}'"
  expect(listSurvivors(report, named)).toEqual([
    block,
    "src/wire/a.ts:2:5 Survived: 'a < 2' became 'a <= 2' (it is none)",
  ])
  expect(listSurvivors(report)).toEqual(["src/wire/a.ts:2:5 Survived: 'a < 2' became 'a <= 2'", block])
})
