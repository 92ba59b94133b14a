/** All attacks, in the order of the threats of spec/security.md. */
import type { Attack } from './attack.ts'
import { bodies } from './bodies.ts'
import { calls } from './calls.ts'
import { frames } from './frames.ts'
import { openings } from './openings.ts'
import { tls } from './tls.ts'

export type { Attack } from './attack.ts'

/** By their files' names. */
export const attacks: Readonly<Record<string, readonly Attack[]>> = { frames, bodies, calls, openings, tls }
