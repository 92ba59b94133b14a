/** The first difference between what happened in two places, in words. */
import { type Difference, findDifference, show } from '../difference.ts'
import type { CallTrace, RunTrace, Trace } from './recording.ts'

/** What differs, and where. */
export interface TraceDifference {
  /** `calls/2/outcome/reply/name`: the part, the number from 1, and what is within it. */
  readonly path: string
  readonly words: string
  readonly values: readonly [one: unknown, other: unknown]
}

/** What a scenario came to, beside its calls. */
export interface Ended {
  readonly trace: Trace
  readonly result: { readonly value: unknown } | { readonly thrown: unknown }
}

/** Compares in the order in which one would look: calls, what handlers saw, the order of the ends, values afterwards. */
export function compareTraces(one: Ended, other: Ended, names: readonly [string, string]): TraceDifference | undefined {
  return (
    compareCalls(one.trace, other.trace, names) ??
    compareRuns(one.trace.runs, other.trace.runs, names) ??
    compareOrder(one.trace, other.trace, names) ??
    compareAfterwards(one.trace, other.trace, names) ??
    compareResults(one, other, names)
  )
}

type Names = readonly [string, string]

const both = (before: unknown, after: unknown, [one, other]: Names): string =>
  `${show(before)} in ${one}, ${show(after)} in ${other}`

function compareCalls({ calls }: Trace, { calls: others }: Trace, names: Names): TraceDifference | undefined {
  for (let index = 0; index < Math.max(calls.length, others.length); index++) {
    const [one, other] = [calls[index], others[index]]
    const difference = one && other ? findDifference(seenByCaller(one), seenByCaller(other)) : undefined
    if (one && other && !difference) continue
    const which = `call ${index + 1} (${(one ?? other)?.method})`
    const path = `calls/${index + 1}`
    if (!difference) return missing(path, which, one ? names[0] : names[1])
    return at(path, which, difference, names, hintOf(difference))
  }
  return undefined
}

/** Of a stream that its caller has left, the end may have come already, or not. */
function seenByCaller({ method, request, items, outcome, metadata }: CallTrace): unknown {
  const hasEnd = outcome !== undefined && !('left' in outcome)
  return { method, request, items, outcome: outcome ?? 'not ended', metadata: items && !hasEnd ? undefined : metadata }
}

function compareRuns(
  runs: readonly RunTrace[],
  others: readonly RunTrace[],
  names: Names,
): TraceDifference | undefined {
  for (let index = 0; index < Math.max(runs.length, others.length); index++) {
    const [one, other] = [runs[index], others[index]]
    const difference = one && other ? findDifference(...seenByHandlers(one, other)) : undefined
    if (one && other && !difference) continue
    const which = `the handler that began as number ${index + 1} (${(one ?? other)?.method})`
    const path = `handlers/${index + 1}`
    if (!difference) return missing(path, which, one ? names[0] : names[1])
    return at(path, which, difference, names, '')
  }
  return undefined
}

/** How far the handler of a stream had come when its caller went away is not the same everywhere: items are under way. */
function seenByHandlers(one: RunTrace, other: RunTrace): readonly [RunTrace, RunTrace] {
  const isCut = (one.isStream && one.stopped !== undefined) || (other.isStream && other.stopped !== undefined)
  const begin = { items: undefined, ended: undefined, stopped: undefined }
  return isCut
    ? [
        { ...one, ...begin },
        { ...other, ...begin },
      ]
    : [one, other]
}

function compareOrder(
  { settled }: Trace,
  { settled: others, calls }: Trace,
  names: Names,
): TraceDifference | undefined {
  const index = settled.findIndex((number, at) => number !== others[at])
  if (index < 0) return undefined
  const name = (number: number | undefined) => `call ${number} (${calls[(number ?? 0) - 1]?.method})`
  const [one, other] = [name(settled[index]), name(others[index])]
  const words = `the order in which calls settled: number ${index + 1} was ${one} in ${names[0]}, ${other} in ${names[1]}`
  return { path: `settled/${index + 1}`, words, values: [settled[index], others[index]] }
}

function compareAfterwards({ calls }: Trace, { calls: others }: Trace, names: Names): TraceDifference | undefined {
  for (const [index, call] of calls.entries()) {
    const difference = findDifference(call.afterwards, others[index]?.afterwards)
    if (!difference) continue
    const isRequest = difference.pointer.startsWith('/request')
    const what = isRequest ? "the caller's own request" : 'the reply that the caller keeps'
    const hint = `${what} was changed afterwards: in ${names[0]} it is shared with the handler, and neither may change it`
    return at(
      `calls/${index + 1}/afterwards`,
      `call ${index + 1} (${call.method}), afterwards`,
      difference,
      names,
      hint,
    )
  }
  return undefined
}

function compareResults(one: Ended, other: Ended, names: Names): TraceDifference | undefined {
  const words = (result: Ended['result']) => ('thrown' in result ? { thrown: String(result.thrown) } : result)
  const difference = findDifference(words(one.result), words(other.result))
  return difference && at('scenario', 'the scenario itself', difference, names, '')
}

function at(path: string, which: string, difference: Difference, names: Names, hint: string): TraceDifference {
  const { pointer, before, after } = difference
  const within = pointer === '' ? '' : `, ${pointer.slice(1)}`
  const words = `${which}${within}: ${both(before, after, names)}${hint === '' ? '' : `\n  ${hint}`}`
  return { path: path + pointer, words, values: [before, after] }
}

function missing(path: string, which: string, where: string): TraceDifference {
  return { path, words: `${which}: only in ${where}`, values: [undefined, undefined] }
}

/** What such a difference mostly comes of. */
function hintOf({ pointer, before, after }: Difference): string {
  if (pointer.startsWith('/request'))
    return 'the scenario passed something else: does it begin with the same values each time, or did a handler change them?'
  if (pointer === '/outcome/error/processed' && (before === 'no' || after === 'no'))
    return 'let a request leave before it is cancelled or late: await wire.pass(0)'
  if (pointer.startsWith('/outcome/reply') || pointer.startsWith('/items')) {
    return 'does the handler keep what it returns, look for a property that is there and undefined, or change its request?'
  }
  return ''
}
