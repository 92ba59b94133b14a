import { openings } from './attacks/openings.ts'
import { inWorld, testAttacks } from './world/threats.ts'

testAttacks(openings, inWorld())
