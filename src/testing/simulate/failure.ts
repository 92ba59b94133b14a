/** What is said of a seed that fails: the check, one line that runs it again, and the story of it (spec/testing.md). */
import { NanowireError } from '../../errors.ts'
import { BrokenCheck } from './driver.ts'
import { NotServed } from './sides.ts'
import type { SimulateOptions } from './simulation.ts'
import type { World } from './world.ts'

/** What a shorter story needs beside the seed. */
export type Bounds = Pick<SimulateOptions, 'faults' | 'faultMs' | 'clients' | 'calls'>

/** A run that did not go well. */
export interface Failure {
  readonly world: World
  readonly error: unknown
}

export function checkOf({ error }: Failure): string {
  const isKnown = error instanceof BrokenCheck || error instanceof NotServed
  return isKnown ? error.message : `the workload failed: ${String(error)}`
}

/** Checks that differ in their numbers, calls and methods alone are the same one. */
export function kindOf(check: string): string {
  return check
    .replace(/\{.*\}/gs, '{}')
    .replace(/(: )?call \d+( \([^)]*\))?/g, '#')
    .replace(/[a-z][\w-]*\/\w+/g, '/')
    .replace(/-?\d+(\.\d+)?/g, '0')
    .replace(/#+/g, '#')
}

/** @param bounds within which it fails, if it was shrunk */
export function explain(failure: Failure, bounds: Bounds | undefined, tries: number): NanowireError {
  const { world, error } = failure
  const { seed, story, plan } = world
  const check = checkOf(failure)
  const all = { seed, seeds: 1, ...bounds }
  const again = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const message = [
    `seed ${seed}: ${check}`,
    `  again: simulate({ ...options, ${written(again)} })`,
    `  its faults: ${[...plan.kinds].join(', ') || 'none'}${bounds ? `, as short as ${tries} runs could make it` : ''}`,
    '  its events:',
    ...story.lines.map((line) => `    ${line}`),
  ].join('\n')
  const data = { seed, check, again, events: story.lines }
  const cause = error instanceof NotServed ? error.cause : error
  return new NanowireError('failed_precondition', message, { processed: 'no', data, cause })
}

/** As one would write it. */
function written(options: object): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.map(quoted).join(', ')}]` : String(value)}`)
    .join(', ')
}

function quoted(text: unknown): string {
  return `'${String(text)}'`
}
