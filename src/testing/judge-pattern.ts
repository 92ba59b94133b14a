/**
 * Whether a peer can make a pattern run for ever (spec/testing.md). The judge is `recheck`, a peer package that is
 * loaded when there is a first pattern to judge.
 */
import { misuse } from '../errors.ts'
import { defaultLimits } from '../limits.ts'

/** What is wrong, how badly, and what to do. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly problem: string
  readonly remedy: string
}

type Recheck = typeof import('recheck')
type Diagnostics = Awaited<ReturnType<Recheck['check']>>

/** Patterns that TypeBox writes for the names of a Record. All of them are linear, whatever judges them. */
const knownSafe: ReadonlySet<string> = new Set(['^.*$', '^-?(?:0|[1-9][0-9]*)$', '^-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?$'])

/** Steps that a match may take: some tenths of a second. */
const MAX_STEPS = 1e8

/** Time for one pattern. Nearly all take milliseconds; what takes longer counts as not proven. */
const TIMEOUT_MS = 10_000

const judged = new Map<string, Promise<Diagnostics>>()

export function isKnownSafe(source: string): boolean {
  return knownSafe.has(source)
}

/**
 * What is wrong with a pattern for strings of at most `maxLength` characters, or of any length that a message can have.
 * @throws NanowireError `invalid_argument` when `recheck` is not installed
 */
export async function judgePattern(source: string, maxLength: number | undefined): Promise<Finding | undefined> {
  const { check } = await loadRecheck(source)
  const verdict = judged.get(source) ?? check(source, 'u', { timeout: TIMEOUT_MS, randomSeed: 1 })
  judged.set(source, verdict)
  try {
    return findingOf(source, await verdict, maxLength)
  } catch (error) {
    return notProven(source, `recheck failed: ${String(error)}`)
  }
}

/** What a verdict means for strings of at most `maxLength` characters. */
export function findingOf(
  source: string,
  diagnostics: Diagnostics,
  maxLength: number | undefined,
): Finding | undefined {
  const pattern = `the pattern ${JSON.stringify(source)}`
  if (diagnostics.status === 'safe') return undefined
  if (diagnostics.status === 'unknown') return notProven(source, diagnostics.error.kind)
  const { attack, complexity } = diagnostics
  if (complexity.type === 'exponential') {
    return {
      severity: 'error',
      problem: `${pattern} backtracks exponentially, on ${attack.pattern} for one`,
      remedy: 'do not repeat what holds a repetition or alternatives that begin alike',
    }
  }
  const length = maxLength ?? defaultLimits.maxMessageBytes
  if (length ** complexity.degree <= MAX_STEPS) return undefined
  return {
    severity: 'error',
    problem: `${pattern} takes ${complexity.degree === 2 ? 'the square' : `the power of ${complexity.degree}`} of a string's length in steps, on ${attack.pattern} for one`,
    remedy: `give the string a maxLength of at most ${Math.floor(MAX_STEPS ** (1 / complexity.degree))}, or anchor the pattern`,
  }
}

function notProven(source: string, why: string): Finding {
  return {
    severity: 'warning',
    problem: `the pattern ${JSON.stringify(source)} could not be proven to end (${why})`,
    remedy: 'write it more simply, or give the string a maxLength of a few dozen',
  }
}

async function loadRecheck(source: string): Promise<Recheck> {
  try {
    return await import('recheck')
  } catch (cause) {
    throw misuse(
      `the pattern ${JSON.stringify(source)} is judged by the package recheck, which cannot be loaded (${String(cause)}): npm install --save-dev recheck`,
    )
  }
}
