/** How much memory is really in use; coarse, so that bounds leave room for everything else. */
import { expect } from 'vitest'
import { collect } from '../support/collect.ts'
import { nextTurn } from '../support/hand-clock.ts'

export function usedBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** What is in use when everything has come to rest. */
export async function settle(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
  return usedBytes()
}

/** No more than so much above `before`, as soon as what was freed is counted as free. */
export async function withinBytes(limit: number, before: number): Promise<void> {
  for (let turns = 0; turns < 100 && usedBytes() - before >= limit; turns++) await nextTurn()
  expect(usedBytes() - before).toBeLessThan(limit)
}
