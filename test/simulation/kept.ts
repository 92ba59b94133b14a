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
import { Argument, InvalidArgumentError } from 'commander'
import type { SimulateOptions } from '../../src/testing/index.ts'
import { script } from '../support/command-line.ts'
import { campaigns } from './campaigns.ts'

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
  const path = join(FOLDER, `${kept.campaign}-${kept.again.seed}.json`)
  writeFileSync(path, `${JSON.stringify(kept, undefined, 2)}\n`, { flag: 'wx' })
  return path
}

/** What the line `again` of a failure says, as JSON. */
function readBounds(text: string): KeptSeed['again'] {
  try {
    const { seeds: _, ...bounds } = JSON.parse(text) as KeptSeed['again'] & { readonly seeds?: number } // looked at below
    if (Number.isInteger(bounds.seed)) return bounds
  } catch {} // no JSON
  throw new InvalidArgumentError('It is JSON, and has a seed.')
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const command = script('npx tsx test/simulation/kept.ts', 'Keeps a seed, which every test run repeats from now on')
    .addArgument(new Argument('<campaign>', 'whose options it has').choices(Object.keys(campaigns)))
    .argument('<again>', 'what runs it again, as its failure says it', readBounds)
    .argument('<found>', 'what it found')
    .parse()
  const [campaign, again, found] = command.processedArgs as [string, KeptSeed['again'], string] // as their parsers say
  console.info(keep({ campaign, again, found, when: new Date().toISOString().slice(0, 10) }))
}
