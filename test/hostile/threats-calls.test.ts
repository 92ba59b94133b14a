import { calls } from './attacks/calls.ts'
import { inWorld, testAttacks } from './world/threats.ts'

testAttacks(calls, inWorld())
