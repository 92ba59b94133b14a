import { tls } from './attacks/tls.ts'
import { inWorld, testAttacks } from './world/threats.ts'

testAttacks(tls, inWorld())
