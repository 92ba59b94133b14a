/** What the fuzzer loads: the target that the environment names, under the watch of time and memory. */
import { judgeFor } from './watch.ts'

export const fuzz: (input: Buffer) => void = await judgeFor(process.env['NANOWIRE_FUZZ'] ?? '')
