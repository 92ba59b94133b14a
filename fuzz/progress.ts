/**
 * Tells the fuzzer of progress that it cannot see by itself: codecs are made at run time and bear no counters. An input that brings
 * about a state of which none was seen is kept, as is one that reaches a new line.
 */

interface Tracker {
  createModuleCounters(size: number): Uint8Array
}

const STATES = 8_192
/** Of the fuzzer, where it runs. */
const tracker = (globalThis as { Fuzzer?: { coverageTracker: Tracker } }).Fuzzer?.coverageTracker // set before a target is loaded
const counters = tracker?.createModuleCounters(STATES)

/** Two states may share a place; then one of them is missed. */
export function reached(...state: readonly number[]): void {
  if (!counters) return
  let hash = 0x811c_9dc5
  for (const part of state) hash = Math.imul(hash ^ part, 0x0100_0193)
  const place = (hash >>> 7) % STATES
  counters[place] = ((counters[place] ?? 0) % 255) + 1
}
