/**
 * How many seeds it takes to see each planted bug: `npx tsx test/simulation/bugs-campaign.ts [most seeds] [part of a name]`
 * prints a row for each, as Markdown.
 */
import { bugs } from './bugs.ts'
import { findBug } from './find-bug.ts'
import { processBugs } from './process-bugs.ts'
import { streamBugs } from './stream-bugs.ts'

const [most = '10000', part = ''] = process.argv.slice(2)
const all = [...bugs, ...streamBugs, ...processBugs].filter(({ name }) => name.includes(part))
let missed = 0
console.info('| planted | seeds | seen as |\n|---|---|---|')
for (const bug of all) {
  const found = await findBug(bug, Number(most))
  if (!found || !bug.seenAs.test(found.check)) missed++
  const [check = ''] = (found?.check ?? 'not seen').split('\n')
  console.info(`| ${bug.name} | ${found?.seed ?? '-'} | ${check.slice(0, 110).replaceAll('|', '/')} |`)
}
console.info(`\n${all.length - missed} of ${all.length} seen`)
process.exitCode = missed === 0 ? 0 : 1
