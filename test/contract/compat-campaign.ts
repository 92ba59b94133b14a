/**
 * The property of comparison over many pairs: `npx tsx test/contract/compat-campaign.ts [pairs] [first seed]`. A pair is one of
 * schemas that are identical or compatible, with a value that is checked. Prints counts, and ends with 1 where a value failed.
 */
import { addPair, noCounts } from './compat-property.ts'

const wanted = Number(process.argv[2] ?? 1_000_000)
let seed = Number(process.argv[3] ?? 1)
const counts = noCounts()
const start = Date.now()
while (counts.checked < wanted && counts.failures.length < 10) addPair(seed++, counts)

const { failures, ...numbers } = counts
const seconds = Math.round((Date.now() - start) / 1_000)
console.log(JSON.stringify({ ...numbers, failures: failures.length, seeds: seed, seconds }, null, 2))
for (const failure of failures) console.log(failure)
process.exitCode = failures.length > 0 ? 1 : 0
