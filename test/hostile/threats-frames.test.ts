import { frames } from './attacks/frames.ts'
import { inWorld, testAttacks } from './world/threats.ts'

testAttacks(frames, inWorld())
