/**
 * The comparison of the two paths over many pairs: `npx tsx test/wire/compiled/outcomes-campaign.ts [pairs] [mutations] [first seed]`.
 * Prints counts as one line of JSON, then each failure, and ends with 1 where there is one.
 */
import { script, whole } from '../../support/command-line.ts'
import { addSchema, noCounts } from './outcomes.ts'

const VALUES = 50

const command = script('npx tsx test/wire/compiled/outcomes-campaign.ts', 'Compiled codecs against the reference path')
  .argument('[pairs]', 'of schema and value', whole(1), 1_000_000)
  .argument('[mutations]', 'as many as pairs without it', whole(1))
  .argument('[first seed]', 'others follow', whole(0), 1)
  .parse()
const [pairs, mutations = pairs, first] = command.processedArgs as [number, number | undefined, number] // as their parsers say
let seed = first
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
