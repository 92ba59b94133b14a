import { bodies } from './attacks/bodies.ts'
import { inWorld, testAttacks } from './world/threats.ts'

testAttacks(bodies, inWorld())
