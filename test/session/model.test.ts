/**
 * Two sessions against the ledger, by commands of chance on a network that splits, delays, holds back and cuts
 * (spec/session.md, S3 to S27; spec/streams.md). `NANOWIRE_RUNS=50 npx vitest run test/session/model.test.ts` for more.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { wheelOf } from '../../src/session/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import type { Ledger } from './ledger.ts'
import { MAX_MESSAGE_BYTES, Rig } from './rig.ts'

const MAX_IN_FLIGHT = 3
const limits = {
  client: {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxCallsQueued: 4,
    maxStreamBytes: 400_000,
    maxBacklogBytes: 16_384,
    pingAfterMs: 700,
    idleTimeoutMs: 1_500,
  },
  server: {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxCallsInFlight: MAX_IN_FLIGHT,
    maxStreamBytes: 200_000,
    maxBacklogBytes: 16_384,
    maxTurnBytes: 30_000,
    maxTurnFrames: 3,
    pingAfterMs: 700,
    idleTimeoutMs: 1_500,
  },
}

type Command = fc.Command<Ledger, Rig>

/** A command that may always be given; after each, what both ends say must agree with the ledger. */
function command(name: string, run: (rig: Rig) => void): Command {
  return {
    check: () => true,
    run(_, rig) {
      run(rig)
      agree(rig)
    },
    toString: () => name,
  }
}

/** What holds at any moment. */
function agree({ ledger, client, server, handlers }: Rig): void {
  expect(server.inFlight).toBeGreaterThanOrEqual(handlers.length) // some wait for their answer to leave
  expect(server.inFlight).toBeLessThanOrEqual(MAX_IN_FLIGHT)
  expect(ledger.running).toHaveLength(handlers.length)
  expect(ledger.open.length).toBeLessThanOrEqual(client.inFlight + client.waiting)
  expect(client.waiting).toBeLessThanOrEqual(limits.client.maxCallsQueued)
}

/** What holds when nothing is underway. */
function settle(rig: Rig): void {
  rig.settle()
  const { ledger, client, server, links, handlers } = rig
  const both = [links.client, links.server]
  for (const { writer } of both) expect(writer.buffer.length).toBe(0)
  // A server of which notifies hold all slots does not read, as nothing that runs there waits for what is sent.
  const isDeaf = ledger.running.length >= MAX_IN_FLIGHT && ledger.running.every(({ oneWay }) => oneWay)
  if (client.state !== 'open' || server.state !== 'open' || isDeaf) return
  for (const link of both) expect(link.isCongested).toBe(false)
  // Each call is in the client's queue, or at the server: there it runs, unless all places are taken.
  const unary = ledger.running.filter(({ oneWay }) => !oneWay)
  const answered = server.inFlight - handlers.length // and nobody takes their items
  const held = client.inFlight - unary.length - answered
  expect(held === 0 || (held > 0 && server.inFlight === MAX_IN_FLIGHT)).toBe(true)
  if (client.waiting > 0) expect(client.inFlight).toBeGreaterThanOrEqual(MAX_IN_FLIGHT)
  const told = client.waiting + unary.filter(({ end }) => !end).length
  expect(ledger.open.length).toBeGreaterThanOrEqual(told)
  expect(ledger.open.length).toBeLessThanOrEqual(told + held + answered)
  takeAll(rig, false)
}

/** Both ends take what has come, and from now on as it comes. Then nothing that was put before waits any more. */
function takeAll(rig: Rig, isForGood: boolean): void {
  for (const side of ['client', 'server'] as const) {
    for (const taker of rig.takers[side].values()) {
      taker.isEager = true
      taker.take()
    }
  }
  if (isForGood) return
  rig.settle()
  if (rig.client.state !== 'open' || rig.server.state !== 'open') return
  for (const { number, toServer, toClient } of rig.calls) {
    const isGivenUp = toServer.isGivenUp || toClient.isGivenUp
    const isUnderway = rig.handlers.includes(number) && rig.ledger.waits(number) && !isGivenUp
    if (isUnderway) expect([toServer.taken, toClient.taken]).toEqual([toServer.put, toClient.put])
  }
  for (const side of ['client', 'server'] as const) for (const taker of rig.takers[side].values()) taker.isEager = false
}

const pick = <T>(all: readonly T[], index: number): T | undefined => all[index % all.length]
const index = fc.nat({ max: 1_000 })
const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 4, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 8_000, max: 30_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_528, 65_529, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1) },
)

const side = fc.constantFrom('client', 'server')
const itemBytes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 200, max: 9_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(16_372, 16_373, 60_000, MAX_MESSAGE_BYTES - 12) },
)

const commands: fc.Arbitrary<Command>[] = [
  fc
    .record({ oneWay: fc.boolean(), bytes, timeoutMs: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }) })
    .map((settings) => command(`start ${JSON.stringify(settings)}`, (rig) => void rig.start(settings))),
  fc.record({ bytes, count: fc.integer({ min: 2, max: 9 }) }).map(({ bytes, count }) =>
    command(`start ${count} of ${bytes} bytes`, (rig) => {
      for (let made = 0; made < count; made++) rig.start({ bytes })
    }),
  ),
  index.map((at) => command(`abandon ${at}`, (rig) => pick(rig.calls, at)?.abandon())),
  fc
    .record({
      at: index,
      how: fc.oneof({ weight: 3, arbitrary: bytes }, { weight: 1, arbitrary: fc.constant('failed' as const) }),
    })
    .map(({ at, how }) =>
      command(`end handler ${at} with ${how}`, (rig) => {
        const number = pick(rig.handlers, at)
        if (number !== undefined) rig.endHandler(number, how)
      }),
    ),
  fc
    .record({
      input: fc.boolean(),
      output: fc.boolean(),
      priority: fc.constantFrom(0, 1, 2),
      timeoutMs: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined, freq: 5 }),
    })
    .filter(({ input, output }) => input || output)
    .map((settings) => command(`stream ${JSON.stringify(settings)}`, (rig) => void rig.startStream(settings))),
  fc
    .record({ side, at: index, bytes: itemBytes, count: fc.integer({ min: 1, max: 30 }) })
    .map(({ side, at, bytes, count }) =>
      command(`put ${count} items of ${bytes} bytes at the ${side}, ${at}`, (rig) =>
        pick([...rig.putters[side].values()], at)?.put(bytes, count),
      ),
    ),
  fc
    .record({ side, at: index, most: fc.integer({ min: 1, max: 40 }) })
    .map(({ side, at, most }) =>
      command(`take ${most} items at the ${side}, ${at}`, (rig) =>
        pick([...rig.takers[side].values()], at)?.take(most),
      ),
    ),
  fc.record({ side, at: index }).map(({ side, at }) =>
    command(`take all items at the ${side}, ${at}`, (rig) => {
      const taker = pick([...rig.takers[side].values()], at)
      if (taker) taker.isEager = true
      taker?.take()
    }),
  ),
  index.map((at) => command(`end input ${at}`, (rig) => pick([...rig.putters.client.values()], at)?.end())),
  fc.constant(command('turn', (rig) => void rig.clock.runTurn())),
  fc.integer({ min: 0, max: 40 }).map((ms) => command(`pass ${ms} ms`, (rig) => rig.clock.advance(ms))),
  fc.integer({ min: 300, max: 1_600 }).map((ms) => command(`pass ${ms} ms`, (rig) => rig.clock.advance(ms))),
  fc.constantFrom('toServer', 'toClient').map((lane) => command(`hold ${lane}`, (rig) => rig[lane].hold())),
  fc.constantFrom('toServer', 'toClient').map((lane) => command(`release ${lane}`, (rig) => rig[lane].release())),
  fc.constant(command('settle', settle)),
  fc.integer({ min: 1, max: 9 }).map((count) =>
    command(`settle and end ${count} handlers`, (rig) => {
      settle(rig)
      for (const number of rig.handlers.slice(0, count)) rig.endHandler(number, 5)
      settle(rig)
    }),
  ),
]

const endings: fc.Arbitrary<Command>[] = [
  fc
    .record({ side: fc.constantFrom('client', 'server'), drainMs: fc.integer({ min: 0, max: 2_000 }) })
    .map(({ side, drainMs }) =>
      command(`drain ${side} within ${drainMs} ms`, (rig) => {
        if (rig.ledger.connection === 'alive') rig.ledger.connection = 'draining'
        rig[side].drain(drainMs, 'told to')
      }),
    ),
  fc.constantFrom('client', 'server').map((side) =>
    command(`end ${side}`, (rig) => {
      rig.ledger.connection = 'over'
      rig[side].end()
    }),
  ),
  fc.constant(command('cut', (rig) => rig.cut())),
]

/** Everything is brought to an end: then each call has ended, and nothing is left anywhere. */
function finish(rig: Rig): void {
  const { ledger, client, server, links, clock } = rig
  rig.toServer.release()
  rig.toClient.release()
  clock.advance(50)
  if (ledger.connection === 'alive') ledger.connection = 'draining'
  server.drain(5_000, 'the end')
  for (let round = 0; round < 400 && client.state !== 'closed'; round++) {
    for (const number of rig.handlers) rig.endHandler(number, 10)
    takeAll(rig, true)
    clock.advance(20)
    agree(rig)
  }
  clock.advance(1_000)
  for (const number of rig.handlers) rig.endHandler(number, 10)
  expect([client.state, server.state]).toEqual(['closed', 'closed'])
  expect(ledger.open).toEqual([])
  for (const call of rig.calls) expect(call.outcomes.length).toBeLessThanOrEqual(1)
  expect([client.inFlight, client.waiting, server.inFlight]).toEqual([0, 0, 0])
  for (const { writer } of [links.client, links.server]) expect(writer.buffer.length).toBe(0)
  expect(wheelOf(clock).size).toBe(0)
  clock.runAll()
  expect(clock.timers).toBe(0)
  expect([rig.effects.client.closings.length, rig.effects.server.closings.length]).toEqual([1, 1])
  expect([rig.effects.client.violations, rig.effects.server.violations]).toEqual([[], []])
}

const setting = fc.record({
  seed: fc.nat(),
  firstId: fc.constantFrom(1, 0xffff_fff0, 0xffff_ffff),
  maxPieces: fc.constantFrom(1, 2, 30),
  maxDelayMs: fc.constantFrom(0, 1, 15),
})

it(
  'S3 to S27, F2 to F17: every call ends exactly once and as the ledger allows, its items are whole, and nothing is left',
  () => {
    const script = fc.tuple(
      setting,
      fc.commands(commands, { maxCommands: 60, size: '+1' }),
      fc.commands([...endings, ...commands], { maxCommands: 12 }),
    )
    fc.assert(
      fc.property(script, ([{ seed, firstId, maxPieces, maxDelayMs }, first, second]) => {
        const lane = { maxPieces, maxDelayMs }
        const rig = new Rig({ seed, firstId, limits, lanes: { toServer: lane, toClient: lane } })
        fc.modelRun(() => ({ model: rig.ledger, real: rig }), first)
        fc.modelRun(() => ({ model: rig.ledger, real: rig }), second)
        finish(rig)
      }),
      runs(400),
    )
  },
  PATIENCE_MS,
)
