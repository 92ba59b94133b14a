/** Runs some seeds in a process of its own, and prints what came of them. */
import { simulate } from '../../src/testing/index.ts'
import { exerciseOptions } from './services.ts'

const [seed = 1, seeds = 1] = process.argv.slice(2).map(Number)
const { digest, calls, virtualMs } = await simulate({ ...exerciseOptions, seed, seeds })
process.stdout.write(JSON.stringify({ digest, calls, virtualMs }))
