/** The two places of one process, in time that stands still: memory, and the whole protocol over a pair of links. */

import { NanowireError } from '../../src/errors.ts'
import { type Connection, connect, type LimitOptions, router, type Service } from '../../src/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { settle } from './stage.ts'

export type PlaceName = 'memory' | 'encoded'
export const placeNames: readonly PlaceName[] = ['memory', 'encoded']

export interface Opened {
  readonly wire: Connection
  readonly clock: VirtualClock
  readonly log: RecordingLog
  /** Starts a call, lets all happen that can at this moment, and says how it ended, if it has. */
  outcome(call: Promise<unknown>): Promise<Outcome | undefined>
}

export type Outcome = { readonly value: unknown } | { readonly error: NanowireError }

export function open(place: PlaceName, one: Service, limits: LimitOptions = {}): Opened {
  const clock = new VirtualClock()
  const log = new RecordingLog()
  const wire = connect(router([one], { log, limits }), { encoded: place === 'encoded', clock, limits })
  const outcome = async (call: Promise<unknown>): Promise<Outcome | undefined> => {
    const ending = endOf(call)
    await settle(clock)
    return ending.outcome
  }
  return { wire, clock, log, outcome }
}

/** How a call has ended by the time that one looks. */
export function endOf(call: Promise<unknown>): { readonly outcome: Outcome | undefined } {
  const ending: { outcome: Outcome | undefined } = { outcome: undefined }
  call.then(
    (value) => {
      ending.outcome = { value }
    },
    (error: unknown) => {
      if (!(error instanceof NanowireError)) throw error // nothing else may come out of a call
      ending.outcome = { error }
    },
  )
  return ending
}

/** The error of an outcome. */
export function errorOf(outcome: Outcome | undefined): NanowireError {
  if (!outcome || 'value' in outcome)
    throw new Error(outcome ? 'the call ended with a value' : 'the call has not ended')
  return outcome.error
}
