import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

interface Look {
  heapBytes: number
  resources: string[]
}

it('keeps nothing of finished calls', { timeout: 60_000 }, () => {
  const args = ['--expose-gc', '--import', 'tsx', 'test/soak/heap.ts']
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' })
  const { before, after, grownBytes } = JSON.parse(output) as { before: Look; after: Look; grownBytes: number } // our own script
  expect(after.resources).toEqual(before.resources)
  expect(grownBytes).toBeLessThan(1_048_576)
})
