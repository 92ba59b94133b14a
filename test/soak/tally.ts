/**
 * What one client of the soak knows of its calls: how many were made of each kind, and how each ended. Invariant: at rest, each
 * call has ended, once, in one of the four ways.
 */
import { type Counts, noCounts } from './service.ts'

export const FAULTS = ['cut', 'cancelled', 'left', 'deadline', 'thrown'] as const
export type Fault = (typeof FAULTS)[number]

export interface Tally {
  readonly made: Counts
  readonly ok: Counts
  /** Ended with an error, by its `processed`. */
  readonly no: Counts
  readonly maybe: Counts
  readonly yes: Counts
  /** Notes that were accepted by a connection that was cut soon afterwards. */
  notesAtRisk: number
  readonly faults: Record<Fault, number>
  /** Operations that were due, and not begun, because too many were under way. */
  leftOut: number
  /** How often an id came after the last one. */
  wraps: number
  /** Errors by code. */
  readonly codes: Record<string, number>
  /** What may not be, with how often. */
  readonly wrong: Record<string, number>
}

export function newTally(): Tally {
  return {
    made: noCounts(),
    ok: noCounts(),
    no: noCounts(),
    maybe: noCounts(),
    yes: noCounts(),
    notesAtRisk: 0,
    faults: { cut: 0, cancelled: 0, left: 0, deadline: 0, thrown: 0 },
    leftOut: 0,
    wraps: 0,
    codes: {},
    wrong: {},
  }
}

export function tell(numbers: Record<string, number>, what: string): void {
  numbers[what] = (numbers[what] ?? 0) + 1
}
