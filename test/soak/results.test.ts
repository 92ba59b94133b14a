import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { resultsOf } from './results.ts'

it('are written as they stand in results.md', () => {
  const written = readFileSync(new URL('results.md', import.meta.url), 'utf8')
  const [, text = ''] = /```\n([^`]+)\n```/.exec(written) ?? []
  expect(resultsOf(text, true)).toBe(written)
})

it('show no chart that was not drawn', () => {
  expect(resultsOf('1 operation', false)).toBe('# A soak\n\n`npm run soak -- --write`\n\n```\n1 operation\n```\n')
})
