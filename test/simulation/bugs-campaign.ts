/**
 * How many seeds it takes to see each planted bug: `npx tsx test/simulation/bugs-campaign.ts [most seeds] [part of a name]`
 * prints a row for each, as Markdown.
 */
import { script, whole } from '../support/command-line.ts'
import { bugs } from './bugs.ts'
import { findBug } from './find-bug.ts'
import { processBugs } from './process-bugs.ts'
import { ruleBugs } from './rule-bugs.ts'
import { streamBugs } from './stream-bugs.ts'

const command = script('npx tsx test/simulation/bugs-campaign.ts', 'How many seeds it takes to see each planted bug')
  .argument('[most seeds]', 'of each bug', whole(1), 10_000)
  .argument('[part]', 'of the names of bugs', '')
  .parse()
const [most, part] = command.processedArgs as [number, string] // as they are told above
const all = [...bugs, ...streamBugs, ...processBugs, ...ruleBugs].filter(({ name }) => name.includes(part))
let missed = 0
console.info('| planted | seeds | seen as |\n|---|---|---|')
for (const bug of all) {
  const found = await findBug(bug, most)
  if (!found || !bug.seenAs.test(found.check)) missed++
  const [check = ''] = (found?.check ?? 'not seen').split('\n')
  console.info(`| ${bug.name} | ${found?.seed ?? '-'} | ${check.slice(0, 110).replaceAll('|', '/')} |`)
}
console.info(`\n${all.length - missed} of ${all.length} seen`)
process.exitCode = missed === 0 ? 0 : 1
