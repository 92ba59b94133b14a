/**
 * Seeds that once found a fault in the library, one file each in test/simulation/seeds: they are run in every test run, so that it
 * stays mended. A fault of the simulator itself is none of them.
 *
 *     npx tsx test/simulation/kept.ts exercise '{ "seed": 4711, "faults": ["cut"] }' 'a reply came twice after a cut'
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { SimulateOptions } from '../../src/testing/index.ts'
import { campaignOf } from './campaigns.ts'

export interface KeptSeed {
  /** Which options it is run with: a name of campaigns.ts. */
  readonly campaign: string
  /** As the failure says it: the seed, and within which bounds. */
  readonly again: Pick<SimulateOptions, 'seed' | 'faults' | 'faultMs' | 'clients' | 'calls'>
  readonly found: string
  /** The day, as 2026-11-21. */
  readonly when: string
}

const FOLDER = fileURLToPath(new URL('seeds/', import.meta.url))

export function keptSeeds(): readonly KeptSeed[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as KeptSeed) // as `keep` writes it
}

/** Writes one, and says where. */
function keep(kept: KeptSeed): string {
  campaignOf(kept.campaign)
  const path = join(FOLDER, `${kept.campaign}-${kept.again.seed}.json`)
  writeFileSync(path, `${JSON.stringify(kept, undefined, 2)}\n`, { flag: 'wx' })
  return path
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [campaign, again, found] = argv.slice(2)
  if (!campaign || !again || !found)
    throw new Error('kept.ts takes a campaign, what runs it again as JSON, and what it found')
  const { seeds: _, ...bounds } = JSON.parse(again) as KeptSeed['again'] & { readonly seeds?: number } // as `data.again` of the failure
  if (!Number.isInteger(bounds.seed)) throw new Error('what runs it again has a seed')
  console.info(keep({ campaign, again: bounds, found, when: new Date().toISOString().slice(0, 10) }))
}
