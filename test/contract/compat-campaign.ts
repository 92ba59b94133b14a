/**
 * The property of comparison over many pairs: `npx tsx test/contract/compat-campaign.ts [pairs] [first seed]`. A pair is one of
 * schemas that are identical or compatible, with a value that is checked. Prints counts, and ends with 1 where a value failed.
 */
import { script, whole } from '../support/command-line.ts'
import { addPair, noCounts } from './compat-property.ts'

const command = script('npx tsx test/contract/compat-campaign.ts', 'The property of comparison over many pairs')
  .argument('[pairs]', 'how many are checked', whole(1), 1_000_000)
  .argument('[first seed]', 'others follow', whole(0), 1)
  .parse()
const [wanted, first] = command.processedArgs as [number, number] // as their parsers say
let seed = first
const counts = noCounts()
const start = Date.now()
while (counts.checked < wanted && counts.failures.length < 10) addPair(seed++, counts)

const { failures, ...numbers } = counts
const seconds = Math.round((Date.now() - start) / 1_000)
console.log(JSON.stringify({ ...numbers, failures: failures.length, seeds: seed, seconds }, null, 2))
for (const failure of failures) console.log(failure)
process.exitCode = failures.length > 0 ? 1 : 0
