/** The rules of the house, held against every file of `src`. */
import { describe, expect, it } from 'vitest'
import {
  type Finding,
  findClockViolations,
  findCycles,
  findDoorViolations,
  findLayerViolations,
  findLongFiles,
  findUnreasoned,
} from './rules.ts'
import { readSources } from './source.ts'

/** Files that may be longer than 300 lines, with the reason. */
const LONG: Readonly<Record<string, string>> = {
  'src/session/session.ts': 'the state machine of a connection, which reads as one',
}

const sources = readSources(process.cwd(), 'src')
const print = (findings: readonly Finding[]) => findings.map(({ path, line, problem }) => `${path}:${line} ${problem}`)

describe('every file of src', () => {
  it('is read', () => expect(sources.map(({ path }) => path)).toContain('src/errors.ts'))
  it('imports downwards and through doors', () => expect(print(findLayerViolations(sources))).toEqual([]))
  it('is in no import cycle', () => expect(print(findCycles(sources))).toEqual([]))
  it('leaves third parties to their doors', () => expect(print(findDoorViolations(sources))).toEqual([]))
  it('leaves time and chance to the clock', () => expect(print(findClockViolations(sources))).toEqual([]))
  it('is short', () => expect(print(findLongFiles(sources, LONG))).toEqual([]))
  it('gives its reason for any, as and !', () => expect(print(findUnreasoned(sources))).toEqual([]))
})
