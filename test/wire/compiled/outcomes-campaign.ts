/**
 * The comparison of the two paths over many pairs: `npx tsx test/wire/compiled/outcomes-campaign.ts [pairs] [mutations] [first seed]`.
 * Prints counts as one line of JSON, then each failure, and ends with 1 where there is one.
 */
import { addSchema, noCounts } from './outcomes.ts'

const VALUES = 50

const pairs = Number(process.argv[2] ?? 1_000_000)
const mutations = Number(process.argv[3] ?? pairs)
let seed = Number(process.argv[4] ?? 1)
const counts = noCounts()
const start = Date.now()
while ((counts.pairs < pairs || counts.mutations < mutations) && counts.failures.length < 10) {
  const each =
    counts.mutations * pairs < mutations * counts.pairs
      ? Math.ceil(mutations / pairs) + 1
      : Math.floor(mutations / pairs)
  addSchema(seed++, VALUES, each, counts)
}

const { failures, ...numbers } = counts
const seconds = Math.round((Date.now() - start) / 1_000)
console.log(JSON.stringify({ ...numbers, failures: failures.length, nextSeed: seed, seconds }))
for (const failure of failures) console.log(failure)
process.exitCode = failures.length > 0 ? 1 : 0
