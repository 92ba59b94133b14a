/** What does not hold in which place, and why, as a table: `npx tsx test/conformance/skips.ts`. */
import { pathToFileURL } from 'node:url'
import { type ConformancePlace, conformance } from '../../src/testing/index.ts'
import { places } from './places.ts'

/** One line for each reason, in Markdown. */
export function skipTable(all: readonly ConformancePlace[]): string {
  const lines = all.flatMap((place) => {
    const byReason = new Map<string, string[]>()
    for (const { topic, name, skip } of conformance(place)) {
      if (skip !== undefined) byReason.set(skip, [...(byReason.get(skip) ?? []), `${topic}: ${name}`])
    }
    return [...byReason].map(
      ([reason, names]) => `| ${place.name} | ${names.length} | ${names.join('; ')} | ${reason} |`,
    )
  })
  return ['| place | cases | which | because |', '|---|---|---|---|', ...lines].join('\n')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(skipTable(places))
  for (const place of places) {
    const cases = conformance(place)
    console.log(`${place.name}: ${cases.filter(({ skip }) => skip === undefined).length} of ${cases.length} cases run`)
  }
}
