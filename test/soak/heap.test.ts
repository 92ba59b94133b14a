import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'

interface Look {
  resources: string[]
}

interface Seen {
  before: Look
  after: Look
  grownBytes: number
  inFlight: number
}

it.each([
  ['finished calls', 'heap'],
  ['streams that are over, however they ended', 'streams'],
])('keeps nothing of %s', { timeout: PATIENCE_MS }, (_, script) => {
  const args = ['--expose-gc', '--import', 'tsx', `test/soak/${script}.ts`]
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' })
  const { before, after, grownBytes, inFlight } = JSON.parse(output) as Seen // our own script
  expect(after.resources).toEqual(before.resources)
  expect(inFlight).toBe(0)
  expect(grownBytes).toBeLessThan(1_572_864)
})
