/** Names this start of the process: sixteen bytes of chance, the same for all its connections (spec/protocol.md, P12). */
import { type Clock, randomBytes } from '../session/index.ts'

/** A process has one clock; a test that has more has as many processes. */
const incarnations = new WeakMap<Clock, Uint8Array>()

export function incarnationOf(clock: Clock): Uint8Array {
  const known = incarnations.get(clock)
  if (known) return known
  const made = randomBytes(clock, 16)
  incarnations.set(clock, made)
  return made
}
