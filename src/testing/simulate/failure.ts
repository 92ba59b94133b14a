/** What is said of a seed that fails: the check, one line that runs it again, and the story of it (spec/testing.md). */
import { NanowireError } from '../../errors.ts'
import { BrokenCheck } from './driver.ts'
import { NotServed } from './sides.ts'
import type { SimulateOptions, SimulationFailure } from './simulation.ts'
import { textOf } from './story.ts'
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
  return isKnown ? error.message : `the workload failed: ${textOf(error)}`
}

/** Checks that differ in their numbers, calls and methods alone are the same one, unless they say which they are. */
export function kindOf(failure: Failure): string {
  const { error } = failure
  if (error instanceof BrokenCheck && error.kind !== undefined) return error.kind
  return checkOf(failure)
    .replace(/\{.*\}/gs, '{}')
    .replace(/\[.*\]/gs, '[]')
    .replace(/\b[0-9a-f]{12}\b/g, '0') // the name of an error in a server's log
    .replace(/(: )?call \d+( \([^)]*\))?/g, '#')
    .replace(/[a-z][\w-]*\/\w+/g, '/')
    .replace(/-?\d+(\.\d+)?/g, '0')
    .replace(/#+/g, '#')
}

/** What was found out of a failure by running it again. */
export interface Shortening {
  /** Within which it fails, if it was shrunk. */
  readonly bounds: Bounds | undefined
  readonly tries: number
  readonly doubt: keyof typeof doubts | undefined
}

/** Why the line may not repeat it. */
const doubts = {
  /** The same seed gave another run. */
  differs:
    'it ran differently a second time, so this line may not repeat it: something in it does not follow from the seed, such' +
    ' as Math.random, the time of day, a real timer, or what services keep that are not made anew by a function',
  isKept: 'its services are not made anew by a function: if they remember anything, this line may not repeat it',
}

/** @param given the bounds that the options have: who keeps the seed, and not them, has the same run */
export function explain(failure: Failure, given: Bounds, { bounds, tries, doubt }: Shortening): NanowireError {
  const { world, error } = failure
  const { seed, story, plan } = world
  const check = checkOf(failure)
  const { faults, faultMs, clients, calls } = { ...given, ...defined(bounds ?? {}) }
  const again = { seed, seeds: 1, ...defined({ faults, faultMs, clients, calls }) }
  const message = [
    `seed ${seed}: ${check}`,
    `  again: simulate({ ...options, ${written(again)} })`,
    ...(doubt ? [`  ${doubts[doubt]}`] : []),
    `  its faults: ${[...plan.kinds].join(', ') || 'none'}${bounds ? `, as short as ${tries} runs could make it` : ''}`,
    '  its events:',
    ...story.lines.map((line) => `    ${line}`),
  ].join('\n')
  const data = { seed, check, again, events: story.lines } satisfies SimulationFailure
  const isTold = error instanceof NotServed || error instanceof BrokenCheck // what is behind it, if anything, it has as its cause
  const cause = isTold ? error.cause : error
  return new NanowireError('failed_precondition', message, { processed: 'no', data, cause })
}

export function defined(bounds: Bounds): Bounds {
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined))
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
