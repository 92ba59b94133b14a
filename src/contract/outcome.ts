/** What a comparison has found, with places in the value that it is about. */
import type { Choices, Form } from './form.ts'

/** Who gives and who takes, for people. */
export interface Roles {
  readonly sender: 'the client' | 'the server'
  readonly receiver: 'the client' | 'the server'
}

/** A comparison that is going on, as its parts see it. */
export interface Comparing {
  readonly roles: Roles
  readonly senders: Choices
  /** Counts work. Throws `TooLarge`. */
  spend(steps: number): void
  /**
   * Whether the receiver takes what fits `sender`.
   * @param beside forms that the value may fit too, so that what they declare may be there
   */
  compare(sender: Form, beside: readonly Form[], receiver: Form): Outcome
  /** One text, and what it refers to is the same too. */
  isSame(one: Form, other: Form): boolean
}

/** One difference. Its path is in the value, outermost first. */
export interface Note {
  readonly path: readonly string[]
  readonly reason: string
}

/** It fits if nothing breaks. */
export interface Outcome {
  readonly breaks: readonly Note[]
  /** Differences that no value fails by. */
  readonly notes: readonly Note[]
}

/** The work of a comparison is past its bound. */
export class TooLarge extends Error {}

/** Of what a comparison has found, so many are kept. */
const MAX_NOTES = 20

export const fits: Outcome = { breaks: [], notes: [] }

export function refuses(reason: string): Outcome {
  return { breaks: [{ path: [], reason }], notes: [] }
}

export function differs(reason: string): Outcome {
  return { breaks: [], notes: [{ path: [], reason }] }
}

export function joined(outcomes: readonly Outcome[]): Outcome {
  const [only] = outcomes
  if (only && outcomes.length === 1) return only
  const found = outcomes.filter((outcome) => outcome.breaks.length + outcome.notes.length > 0)
  if (found.length === 0) return fits
  return {
    breaks: distinct(found.flatMap((outcome) => outcome.breaks)),
    notes: distinct(found.flatMap((outcome) => outcome.notes)),
  }
}

/** The same outcome, seen from what holds the value under this name. */
export function within(segment: string, { breaks, notes }: Outcome): Outcome {
  if (breaks.length + notes.length === 0) return fits
  const deeper = ({ path, reason }: Note): Note => ({ path: [segment, ...path], reason })
  return { breaks: breaks.map(deeper), notes: notes.map(deeper) }
}

function distinct(notes: readonly Note[]): readonly Note[] {
  const byText = new Map(notes.map((note) => [JSON.stringify(note), note]))
  return [...byText.values()].slice(0, MAX_NOTES)
}
