/** How a topic's cases are written down. */
import type { Trial } from './trial.ts'

/** What is to hold, and what shows it. */
export type Cases = Readonly<Record<string, (trial: Trial) => Promise<void>>>

/** The same case for each of several values. */
export function each<T>(
  values: Readonly<Record<string, T>>,
  name: (value: string) => string,
  run: (trial: Trial, value: T) => Promise<void>,
): Cases {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [name(key), (trial: Trial) => run(trial, value)]),
  )
}
