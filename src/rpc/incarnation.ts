import { perClock, randomBytes } from '../session/index.ts'

/**
 * Names this start of the process: sixteen bytes of chance, the same for all its connections (spec/protocol.md, P12). A process
 * has one clock; a test that has more has as many processes.
 */
export const incarnationOf = perClock((clock) => randomBytes(clock, 16))
