/** Runs attacks as tests: each connection is told what it should be, the server holds no more than it may, and is unharmed. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/limits.ts'
import { PATIENCE_MS } from '../../support/runs.ts'
import { type Attack, methods, open } from '../attacks/attack.ts'
import type { Assault, Peer } from './peers.ts'
import type { Look } from './server.ts'
import { World } from './world.ts'

/** Of what a script has for `npm run hostile`. */
const SHARE = 0.05
/** What sockets cost in Node, and what is on its way in them. */
const SOCKET_MIB = 0.012
/** While it is new it may have read, too: Node takes 64 KiB for that, and gives back what was too much. */
const NEW_SOCKET_MIB = SOCKET_MIB + 0.0625
const HELD_MIB = 12
const HONEST_CONNECTIONS = 1
/** Behind all that those say who are let be: who answers it has read what was before it. */
const LAST_CALL = open(0x7fff_ffff, methods.echo, { text: 'still here' })

/** One attacked process for all tests of a file. */
export function inWorld(): () => World {
  let world: World | undefined
  beforeAll(async () => {
    world = await World.start()
  }, PATIENCE_MS)
  afterAll(() => world?.end(), PATIENCE_MS)
  return () => {
    if (!world) throw new Error('the attacked process has not started')
    return world
  }
}

export function testAttacks(attacks: readonly Attack[], world: () => World): void {
  for (const attack of attacks) it(attack.title, { timeout: PATIENCE_MS }, () => expectHeld(world(), attack)) // `each` cuts titles
}

async function expectHeld(world: World, attack: Attack): Promise<void> {
  const { door = 'open', connections, script, told, holdsMiB = HELD_MIB, isLogged } = attack
  const [count] = connections
  const mostMiB = holdsMiB + SOCKET_MIB * count
  const before = await world.look()
  const assault = await world.attack(door, count, (n) => script(n, SHARE))
  const begunMiB = await world.heldMiB()
  const mostNewMiB = holdsMiB + NEW_SOCKET_MIB * count
  if (told.answers === undefined) expect(begunMiB, 'MiB held when all are there').toBeLessThan(mostNewMiB) // others may be half there
  await expectTold(assault, told, count)
  await untilCounted(world, attack, before)
  if (told.rule === undefined && !told.isClosed) {
    const { doors } = await world.still()
    expect(doors[door]?.connections, 'connections').toBe(count + (door === 'open' ? HONEST_CONNECTIONS : 0))
    expect(await world.heldMiB(), 'MiB held under attack').toBeLessThan(mostMiB)
  }
  await expectBounded(world, assault, attack, before)
  await expectCounted(world, attack, before)
  await world.expectUnharmed(assault, isLogged)
}

/** Resolves when as much has come as is counted below, that stillness is not a pause of the machine's. */
async function untilCounted(
  world: World,
  { door = 'open', connections, handlers = 0, counts }: Attack,
  before: Look,
): Promise<void> {
  const [count] = connections
  const { unknownIds = 0, judged = 0 } = counts?.(SHARE) ?? {}
  await world.until(
    (look) =>
      look.held.most >= count * handlers &&
      unknownIdsOf(look, door) - unknownIdsOf(before, door) >= count * unknownIds &&
      look.judging.all - before.judging.all >= count * judged,
  )
}

const unknownIdsOf = ({ doors }: Look, door: string) => doors[door]?.unknownIds ?? 0

/** What is counted while all of it is there. */
async function expectBounded(world: World, { peers }: Assault, attack: Attack, before: Look): Promise<void> {
  const { connections, handlers, items, isUnheard } = attack
  const [count] = connections
  const { held, judging } = await world.look()
  if (handlers !== undefined) expect(held.most, 'handlers at once').toBe(count * handlers)
  else expect(held.most, 'handlers at once').toBeLessThanOrEqual(count * defaultLimits.maxCallsInFlight)
  if (items !== undefined)
    expect(held.yielded - before.held.yielded, 'items asked for').toBeLessThanOrEqual(count * items)
  if (isUnheard) expect(peers.filter(({ hasWritten }) => hasWritten).length, 'those that were heard out').toBe(0)
  expect(judging.most, 'judgements at once').toBeLessThanOrEqual(count)
}

/** Where a claim rests on what the server counts: all of it has come. */
async function expectCounted(
  world: World,
  { door = 'open', connections, counts }: Attack,
  before: Look,
): Promise<void> {
  const [count] = connections
  const { unknownIds, judged } = counts?.(SHARE) ?? {}
  const look = await world.look()
  if (unknownIds !== undefined)
    expect(unknownIdsOf(look, door) - unknownIdsOf(before, door), 'frames for no call').toBe(count * unknownIds)
  if (judged !== undefined)
    expect(look.judging.all - before.judging.all, 'credentials that were judged').toBe(count * judged)
}

async function expectTold(
  assault: Assault,
  { rule, stay = 0, isLate, isClosed, isHeard, answers }: Attack['told'],
  count: number,
) {
  const { peers } = assault
  if (isHeard) {
    await assault.written
    for (const { socket } of peers) socket.write(LAST_CALL)
  }
  if (rule !== undefined || isClosed) {
    await assault.untilClosed(count - stay)
    expect(peers.filter(({ afterEnd }) => afterEnd > 0)).toEqual([])
    if (rule !== undefined && stay === 0 && !isLate) expect(countOf(peers)).toEqual({ [rule]: count })
    else if (rule !== undefined) {
      expect(new Set(peers.flatMap(({ rules }) => rules))).toEqual(new Set([rule]))
      expect(countOf(peers)['open'] ?? 0).toBe(stay)
    }
  }
  const wanted = isHeard ? { ok: 1 } : answers?.(SHARE)
  if (wanted === undefined) return
  const calls = sumOf(wanted)
  await assault.until((peer) => peer.isClosed || sumOf(peer.answers) >= calls)
  for (const { answers, rules } of peers)
    expect({ answers, rules }).toEqual({ answers: wanted, rules: rule === undefined ? [] : [rule] })
  if (rule === undefined) expect(countOf(peers)).toEqual({ open: count })
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, one) => sum + one, 0)

/** How many peers were told which rule, and how many are still there. */
function countOf(peers: readonly Peer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { rules, isClosed } of peers) {
    const told = rules.join(' and ') || (isClosed ? 'closed without a word' : 'open')
    counts[told] = (counts[told] ?? 0) + 1
  }
  return counts
}
