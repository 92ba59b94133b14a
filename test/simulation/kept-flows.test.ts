/** That nothing is kept of streams is looked at in every workload, and in runs in which processes die. */
import { expect, it } from 'vitest'
import { NanowireError } from '../../src/index.ts'
import { Flows } from '../../src/session/flows.ts'
import { type SimulateOptions, type SimulationFailure, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { NOTHING, replace } from './bugs.ts'
import { campaignOf, campaigns } from './campaigns.ts'

/** What a seed is told to fail by where connections forget no stream, if it fails, and what happened in it. */
async function findForgetful(options: SimulateOptions, seed: number): Promise<Partial<SimulationFailure>> {
  const undo = replace(Flows.prototype, 'close', () => NOTHING)
  try {
    await simulate({ ...options, seed, shrink: false })
    return {}
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    return error.data as SimulationFailure // as simulate says
  } finally {
    undo()
  }
}

const SEEN = /"what has ended is forgotten" does not hold: the streams of a call are left/

it.each(Object.keys(campaigns))(
  'a stream that is kept is seen in the campaign %s',
  { timeout: PATIENCE_MS },
  async (name) => {
    const { check } = await findForgetful({ ...campaignOf(name), faults: [] }, 3)
    expect(check).toMatch(SEEN)
  },
)

it('and where a server has died: at those who were told, and who were not and found out', {
  timeout: PATIENCE_MS,
}, async () => {
  const options = { ...campaignOf('exercise'), faults: ['serverCrash'] } as const
  let crashes = 0
  for (let seed = 1; seed <= 20; seed++) {
    const { check, events = [] } = await findForgetful(options, seed)
    if (!events.some((line) => line.endsWith('crashes'))) continue
    crashes++
    expect(check).toMatch(SEEN)
  }
  expect(crashes).toBeGreaterThan(3)
})
