/** What is looked at for every input of every target: memory, and what all objects inherit (fuzz/watch.ts). */
import { beforeEach, expect, it } from 'vitest'
import type { Target } from '../../fuzz/target.ts'
import { judgeWatched, nothingWatched } from '../../fuzz/watch.ts'
import { collect } from '../support/collect.ts'

const MIB = 1_048_576
const kept: unknown[] = []
beforeEach(collect) // what others have left would make an input seem to free memory

function targetOf(judge: () => void): Target {
  return { about: 'a test', maxBytes: 10, dictionary: [], seeds: () => [], judge }
}

it('an input that takes much memory every time is a finding', () => {
  const greedy = targetOf(() => kept.push(new Uint8Array(64 * MIB)))
  const watched = nothingWatched()
  expect(() => judgeWatched(greedy, Buffer.alloc(10), watched)).toThrow('bytes of garbage every time')
  kept.length = 0
})

it('one that takes it the first time only is none', () => {
  const warming = targetOf(() => kept.length === 0 && kept.push(new Uint8Array(64 * MIB)))
  const watched = nothingWatched()
  judgeWatched(warming, Buffer.alloc(10), watched)
  expect(watched.inputs).toBe(1)
  kept.length = 0
})

it('a property that every object has now is a finding', () => {
  const polluting = targetOf(() => Object.assign(Object.prototype, { planted: 1 }))
  expect(() => judgeWatched(polluting, Buffer.alloc(1), nothingWatched())).toThrow('every object has planted now')
  Reflect.deleteProperty(Object.prototype, 'planted')
})

it('what a target throws is passed on', () => {
  const broken = targetOf(() => {
    throw new TypeError('undeclared')
  })
  expect(() => judgeWatched(broken, Buffer.alloc(1), nothingWatched())).toThrow(TypeError)
})
