/**
 * Streams in both directions, and the connection cut at a byte of chance (spec/streams.md, F2 to F13; spec/session.md, S23 to S25):
 * what was taken is what was put, without a gap, up to some item, and each call ends exactly once. `NANOWIRE_CUTS=1000` cuts a
 * thousand times.
 */
import { expect, it } from 'vitest'
import { wheelOf } from '../../src/session/index.ts'
import type { LaneOptions } from '../../src/testing/simulate/lane.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { Rig } from './rig.ts'

const CALLS = 24
const MOST_ITEMS = 40
const cuts = Number(process.env['NANOWIRE_CUTS'] ?? 0)
const perCutMs = 250

type Direction = 'toServer' | 'toClient'

/** One conversation; whoever may put, take or end does so now and then. */
function converse(seed: number, direction: Direction, cutAfterBytes: number | undefined): Rig {
  const chance = new VirtualClock(seed)
  const upTo = (most: number) => Math.floor(chance.random() * most)
  const lane: LaneOptions = { maxPieces: 1 + upTo(4), maxDelayMs: upTo(5) }
  const limits = { maxStreamBytes: 150_000, maxMessageBytes: 100_000 }
  const rig = new Rig({
    seed,
    limits: { client: limits, server: limits },
    lanes: { toServer: lane, toClient: lane, [direction]: { ...lane, cutAfterBytes } },
  })
  const kinds = [
    { input: true, output: false },
    { input: false, output: true },
    { input: true, output: true },
  ]
  for (let number = 0; number < CALLS; number++) {
    const kind = kinds[number % 3]
    if (kind) rig.startStream({ ...kind, priority: number % 2 === 0 ? 1 : 2 })
  }
  for (let ms = 0; ms < 1_500 && rig.client.state !== 'closed'; ms++) {
    for (const side of ['client', 'server'] as const) {
      for (const [number, putter] of rig.putters[side]) {
        const items = rig.calls[number]?.[side === 'client' ? 'toServer' : 'toClient']
        if (chance.random() < 0.5) putter.put(chance.random() < 0.1 ? upTo(90_000) : upTo(600), 1 + upTo(5))
        if (items && items.put > MOST_ITEMS && side === 'client') putter.end()
      }
      for (const taker of rig.takers[side].values()) if (chance.random() < 0.7) taker.take(1 + upTo(20))
    }
    for (const number of rig.handlers) {
      const call = rig.calls[number]
      const isDone = call && (!call.input || call.toServer.isEnded) && (!call.output || call.toClient.put > MOST_ITEMS)
      if (isDone && chance.random() < 0.2) rig.endHandler(number, chance.random() < 0.1 ? 'failed' : 8)
    }
    rig.clock.advance(1)
  }
  return rig
}

/** The ledger has judged each item and each end; this is what is left to see. */
function judge(rig: Rig): void {
  const { ledger, calls, client, server, clock, handlers, effects } = rig
  if (ledger.connection === 'alive') rig.cut()
  clock.advance(1_000)
  expect([effects.client.violations, effects.server.violations]).toEqual([[], []])
  expect(ledger.open).toEqual([])
  for (const { outcomes } of calls) expect(outcomes).toHaveLength(1)
  expect([client.state, server.state, client.inFlight, server.inFlight]).toEqual([
    'closed',
    'closed',
    0,
    handlers.length,
  ])
  expect([wheelOf(clock).size, clock.timers]).toEqual([0, 0])
}

it(
  `S24, S25, F2: ${CALLS} streams end exactly once, and what was taken of them has no gap, cut at a byte of chance`,
  () => {
    const whole = converse(0, 'toServer', undefined)
    expect(
      whole.calls.map(({ fate }) => fate).filter((fate) => fate === 'ended' || fate === 'replied').length,
    ).toBeGreaterThan(CALLS / 2)
    const totals = { toServer: whole.toServer.deliveredBytes, toClient: whole.toClient.deliveredBytes }
    judge(whole)
    const chance = new VirtualClock(6)
    const fates = new Set<string>()
    for (let seed = 1; seed <= (cuts || 20); seed++) {
      const direction = chance.random() < 0.5 ? 'toServer' : 'toClient'
      const rig = converse(seed, direction, Math.floor(chance.random() ** 2 * totals[direction]))
      judge(rig)
      for (const { fate } of rig.calls) fates.add(fate)
    }
    expect([...fates]).toEqual(
      expect.arrayContaining(['ended', 'replied', 'lost unavailable maybe', 'refused Failed yes']),
    )
  },
  60_000 + cuts * perCutMs,
)
