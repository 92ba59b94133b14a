/** Medians, percentiles and ratios. Invariant: a ratio is of two figures of one round, never of two medians. */

/** Of an even number of values, the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

/** The smallest value that at least `share` of all values do not exceed (nearest rank), of values in ascending order. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** The median of `ones[i] / others[i]`, for as many rounds as both have. */
export function medianRatio(ones: readonly number[], others: readonly number[]): number {
  const rounds = Math.min(ones.length, others.length)
  return median(Array.from({ length: rounds }, (_, round) => (ones[round] ?? 0) / (others[round] ?? 0)))
}

/** The median of each figure on its own, over all rounds. */
export function medians<T extends Readonly<Record<keyof T, number>>>(rounds: readonly T[]): Record<keyof T, number> {
  const names = Object.keys(rounds[0] ?? {}) as (keyof T)[] // its own keys
  const figures = names.map((name) => [name, median(rounds.map((round) => round[name]))])
  return Object.fromEntries(figures) as Record<keyof T, number> // built from all of its keys
}
