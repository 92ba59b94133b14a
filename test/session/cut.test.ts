/**
 * A thousand calls in flight, and the connection cut at a byte of chance (spec/session.md, S23 to S25): each call ends
 * exactly once, and what it is told of its handler is true. `NANOWIRE_CUTS=1000 npx vitest run test/session/cut.test.ts`
 * cuts a thousand times, on the paired link in virtual time and over TCP.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wheelOf } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { type CutPlan, CuttingServer } from './cutting.ts'
import { Rig } from './rig.ts'

const CALLS = 1_000
const cuts = Number(process.env['NANOWIRE_CUTS'] ?? 0)
const perCutMs = 250

interface Sides {
  readonly toServer: number
  readonly toClient: number
}

/** One conversation, cut when so many bytes have come through in one direction, or else when all is said. */
function converse(seed: number, direction: 'toServer' | 'toClient', cutAfterBytes: number | undefined): Rig {
  const chance = new VirtualClock(seed)
  const holds = chance.random() < 0.5 // all handlers run at once, before the first of them ends
  const lane = { maxPieces: 1 + Math.floor(chance.random() * 4), maxDelayMs: Math.floor(chance.random() * 5) }
  const end = (rig: Rig, number: number) => {
    const luck = chance.random()
    if (luck < 0.9) rig.endHandler(number, luck < 0.02 ? 70_000 : Math.floor(luck * 200))
    else rig.endHandler(number, 'failed')
  }
  const rig = new Rig({
    seed,
    limits: { client: {}, server: {} },
    firstId: 0xffff_ff00,
    lanes: { toServer: lane, toClient: lane, [direction]: { ...lane, cutAfterBytes } },
    handler(one, number) {
      if (holds && one.handlers.length < CALLS) return
      for (const running of holds ? one.handlers : [number]) {
        if (chance.random() < 0.3) end(one, running)
        else one.clock.after(Math.floor(chance.random() * 30), () => end(one, running))
      }
    },
  })
  if (chance.random() < 0.5) rig.settle() // the HELLOs are exchanged first
  for (let number = 0; number < CALLS; number++) {
    const luck = chance.random()
    rig.start({ bytes: luck < 0.01 ? 70_000 : 4 + Math.floor(luck * 100), timeoutMs: luck > 0.95 ? 20 : undefined })
  }
  rig.clock.advance(2_000)
  if (rig.ledger.connection === 'alive') rig.cut()
  rig.clock.advance(1_000)
  return rig
}

describe('S24, S25: on the paired link', () => {
  it(
    `${CALLS} calls end exactly once and are told the truth, cut at a byte of chance`,
    () => {
      const whole = converse(0, 'toServer', undefined)
      expect(whole.calls.filter(({ fate }) => fate === 'replied').length).toBeGreaterThan(CALLS / 2)
      const totals: Sides = { toServer: whole.toServer.deliveredBytes, toClient: whole.toClient.deliveredBytes }
      const chance = new VirtualClock(4)
      const fates = new Map<string, number>()
      for (let seed = 1; seed <= (cuts || 20); seed++) {
        const direction = chance.random() < 0.5 ? 'toServer' : 'toClient'
        const share = chance.random() ** 3 // more often early, where most happens
        const rig = converse(seed, direction, Math.floor(share * totals[direction]))
        judge(rig)
        for (const { end } of rig.ledger.calls.values()) {
          const fate = `${end?.how} ${end?.processed}`
          fates.set(fate, (fates.get(fate) ?? 0) + 1)
        }
      }
      // Nothing of this says anything where all calls have met the same end.
      expect([...fates.keys()]).toEqual(expect.arrayContaining(['replied yes', 'refused yes', 'lost maybe', 'lost no']))
    },
    PATIENCE_MS + cuts * perCutMs,
  )
})

/** The ledger has judged each event; this is what is left to see at the end. */
function judge({ ledger, calls, client, server, clock, handlers }: Rig): void {
  expect(ledger.open).toEqual([])
  for (const call of calls) {
    const isAbandoned = ledger.calls.get(call.number)?.end?.how === 'abandoned'
    expect(call.outcomes).toHaveLength(isAbandoned ? 0 : 1)
  }
  expect([client.state, server.state, client.inFlight, client.waiting]).toEqual(['closed', 'closed', 0, 0])
  expect(server.inFlight).toBe(handlers.length)
  expect([wheelOf(clock).size, clock.timers]).toEqual([0, 0])
}

describe('S24, S25: over TCP', () => {
  const server = new CuttingServer(CALLS)
  beforeAll(() => server.listen())
  afterAll(() => server.close())

  it(
    `${CALLS} calls end exactly once and are told the truth, cut at a byte of chance`,
    async () => {
      const whole = await server.converse({
        direction: 'toClient',
        afterBytes: Number.POSITIVE_INFINITY,
        resets: false,
      })
      expect(whole.calls.filter(({ fate }) => fate === 'replied').length).toBeGreaterThan(CALLS / 2)
      const chance = new VirtualClock(5)
      for (let run = 0; run < (cuts || 4); run++) {
        const direction = chance.random() < 0.5 ? 'toServer' : 'toClient'
        const afterBytes = Math.floor(chance.random() * whole.bytes[direction])
        const plan: CutPlan = { direction, afterBytes, resets: chance.random() < 0.5 }
        const { calls, ran } = await server.converse(plan)
        for (const [number, call] of calls.entries()) {
          expect(call.outcomes, `call ${number} of ${JSON.stringify(plan)}`).toHaveLength(1)
          const times = ran.get(number) ?? 0
          expect(times).toBeLessThanOrEqual(1)
          if (call.fate.endsWith(' no'))
            expect(times, `${call.fate}, call ${number} of ${JSON.stringify(plan)}`).toBe(0)
          if (call.fate === 'replied' || call.fate.endsWith(' yes')) expect(times).toBe(1)
        }
      }
    },
    PATIENCE_MS + cuts * perCutMs,
  )
})
