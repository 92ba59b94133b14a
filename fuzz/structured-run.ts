/**
 * Runs a structured target by itself: `node structured-run.js <name> <seconds> <seed>`. The first input that breaks something ends it, made
 * as small as fast-check can; it stands in the output as `found <target> <hex>`.
 */
import fc from 'fast-check'
import { type Aimed, isStructuredName, structuredOf } from './structured.ts'
import type { Target } from './target.ts'
import { loadTarget, type TargetName, targetNames } from './targets/index.ts'
import { judgeWatched, nothingWatched, sayTo } from './watch.ts'

const ROUND = 500
const [name = '', seconds = '', seed = ''] = process.argv.slice(2)
if (!isStructuredName(name)) throw new Error(`there is no target ${JSON.stringify(name)}`)

const inputs = await structuredOf(name).inputs()
const watched = nothingWatched()
const loaded = await Promise.all(targetNames.map(async (one) => [one, await loadTarget(one)] as const))
const targets: ReadonlyMap<TargetName, Target> = new Map(loaded)
const endsAt = Date.now() + Number(seconds) * 1_000

function judgeAimed({ name: aim, input }: Aimed): void {
  const target = targets.get(aim)
  if (target) judgeWatched(target, Buffer.from(input), watched)
}

const say = () => sayTo(process.env['NANOWIRE_FUZZ_SAYS'], watched)

for (let round = 0; Date.now() < endsAt; round++) {
  const property = fc.property(inputs, judgeAimed)
  const { failed, counterexample, errorInstance } = fc.check(property, { numRuns: ROUND, seed: Number(seed) + round })
  say()
  if (!failed) continue
  const [found] = counterexample ?? []
  console.error(errorInstance)
  if (found) console.log(`found ${found.name} ${Buffer.from(found.input).toString('hex')}`)
  process.exitCode = 77
  break
}
say()
