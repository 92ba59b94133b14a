/** The options that seeds are run with, by the name under which a kept seed says which. */
import type { SimulateOptions } from '../../src/testing/index.ts'
import { differing } from './differing.ts'
import { guarded } from './guarded.ts'
import { relayed } from './relayed.ts'
import { exerciseOptions } from './services.ts'

export const campaigns = {
  exercise: () => exerciseOptions,
  relayed: () => relayed().options,
  credentials: () => guarded().options,
  differing: () => differing().options,
} satisfies Record<string, () => SimulateOptions>

export type CampaignName = keyof typeof campaigns

/** @throws Error for what is none of them */
export function campaignOf(name: string): SimulateOptions {
  const make = Object.hasOwn(campaigns, name) ? campaigns[name as CampaignName] : undefined // its own key
  if (!make) throw new Error(`there is no campaign ${name}; there are ${Object.keys(campaigns).join(', ')}`)
  return make()
}
