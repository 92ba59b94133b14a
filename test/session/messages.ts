/** The few frames and helpers that the tests of both halves of a session share. */
import { kinds, pack } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, requestBody, type SlowFrame } from '../support/slow-frames.ts'
import type { Tapped } from '../support/tapped.ts'

export const request = (id: number, flagBits = 0, body = requestBody(7)) =>
  frameBytes(kinds.REQUEST, flagBits, id, body)
export const response = (id: number, flagBits = 0, body: Uint8Array | readonly number[] = [0xc0]) =>
  frameBytes(kinds.RESPONSE, flagBits, id, body)
export const failure = (id: number, code = 'internal') =>
  frameBytes(kinds.ERROR, 0, id, pack({ code, message: 'because' }))
export const shape = (frames: readonly SlowFrame[]) => frames.map(({ kind, id }) => [kind, id])

/** Feeds frames and lets turns pass, so that no limit of a turn holds them back. */
export function feed({ link, clock }: Tapped, ...frames: Uint8Array[]): void {
  link.feed(...frames)
  clock.runTurns()
}

export function startedAt(made: Tapped, settings: ConstructorParameters<typeof RecordedCall>[0] = {}): RecordedCall {
  const call = new RecordedCall(settings)
  made.session.start(call)
  made.clock.runTurns()
  return call
}
