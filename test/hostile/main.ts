/**
 * `npm run hostile`: what an honest client sees beside each attack, held against what it sees beside a bare server in the
 * same process that throws away the same bytes, and how soon who breaks a rule is told and destroyed.
 * `npm run hostile -- --rounds 3 --seconds 2 --only "rapid reset"`. Invariant: both are measured in one round.
 */
import type { MixedLoad, MixedRound } from '../bench/mixed-load.ts'
import { median, medianRatio } from '../bench/statistics.ts'
import { format, formatRatio, toText } from '../bench/table.ts'
import { Child, type ChildOptions, CLIENT_CORE, endingAll, SERVER_CORE } from '../support/child.ts'
import { number, script, whole } from '../support/command-line.ts'
import { type Attack, attacks } from './attacks/index.ts'
import { prepare } from './prepare.ts'
import type { Order, Sent } from './world/attacker.ts'
import type { Ports } from './world/doors.ts'
import { type Probe, probe } from './world/probe.ts'
import type { Memory } from './world/server.ts'

const MIB = 2 ** 20
const HEAP_MIB = 256
/** Of an honest client. */
const CALLS = { perMs: 2 }
/** Until what an attack costs at its beginning is over. */
const SETTLE_MS = 500
const PROBES = 5
/** What is aimed at; `destroyedMs` is `lingerMs`. */
const MOST = { ratio: 1.5, toldMs: 100, destroyedMs: 500 }
/** A timer is late by some milliseconds, and so is who looks. */
const LATE_MS = 20

interface Round {
  /** How many connections had begun when it was looked at, at the server that had fewer. */
  readonly begun: number
  readonly bare: MixedRound
  readonly beside: MixedRound
  readonly sentBare: number
  readonly sent: number
  readonly heldMiB: number
}

interface Result {
  readonly attack: Attack
  readonly rounds: readonly Round[]
  readonly probes: readonly Probe[]
}

interface Sides {
  readonly server: Child
  readonly honest: Child
  readonly attacker: Child
  readonly ports: Ports
}

interface Flags {
  readonly rounds: number
  readonly seconds: number
  readonly only: string
}

const command = script(
  'npm run hostile --',
  'an honest client beside each attack, and beside a bare server in its place',
)
  .option('--rounds <count>', 'of which medians are taken', whole(1), 3)
  .option('--seconds <number>', 'how long a round is looked at', number(0.1), 2)
  .option('--only <title>', 'attacks with this in their titles', '')
  .parse()
const { rounds, seconds, only } = command.opts<Flags>()
const load: MixedLoad = { calls: CALLS, transfer: 'echo', transfers: 0, seconds }

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const heldBy = async (server: Child) => (await server.ask<Memory>('memory')).usedBytes

/** Fresh processes for each attack: what one leaves behind would weigh on the next. */
async function start(): Promise<Sides> {
  const nodeOptions = [`--max-old-space-size=${HEAP_MIB}`, '--expose-gc']
  const server = await startScript('server', { args: ['plain', '5000', '30000'], nodeOptions, core: SERVER_CORE })
  const ports = await server.ask<Ports>('ports')
  const honest = await startScript('honest', { args: [String(ports.open)], core: CLIENT_CORE })
  return { server, honest, attacker: await startScript('attacker', { core: CLIENT_CORE }), ports }
}

function startScript(name: string, options: Omit<ChildOptions, 'name' | 'script'>): Promise<Child> {
  return Child.start({ name, script: new URL(`dist/${name}.js`, import.meta.url), ...options })
}

async function besideAttack({ server, honest, attacker }: Sides, { title }: Attack, port: number) {
  const before = await heldBy(server)
  const startedAt = performance.now()
  const begun = await attacker.ask<number>('begin', { title, port } satisfies Order)
  await pause(SETTLE_MS)
  const calls = await honest.ask<MixedRound>('calls', load)
  const heldMiB = ((await heldBy(server)) - before) / MIB
  const { bytes } = await attacker.ask<Sent>('end')
  const sent = bytes / MIB / ((performance.now() - startedAt) / 1_000)
  await server.ask('release')
  await pause(SETTLE_MS)
  return { begun, calls, heldMiB, sent }
}

async function measure(attack: Attack): Promise<Result> {
  const sides = await start()
  const { door = 'open', told, script } = attack
  const { ports } = sides
  const bare = /tls|asking/i.test(door) ? ports.bareTls : ports.bare
  const results: Round[] = []
  const probes: Probe[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const toBare = await besideAttack(sides, attack, bare)
      const beside = await besideAttack(sides, attack, ports[door])
      if (round === 0) continue // the first compiles
      const { calls, sent, heldMiB } = beside
      const begun = Math.min(toBare.begun, beside.begun)
      results.push({ begun, bare: toBare.calls, sentBare: toBare.sent, beside: calls, sent, heldMiB })
    }
    if (told.rule !== undefined && told.rule !== 'timeout' && told.stay === undefined)
      for (let n = 0; n < PROBES; n++) probes.push(await probe(ports[door], script(n, 1)))
  } finally {
    await Promise.all([sides.server.end(), sides.honest.end(), sides.attacker.end()])
  }
  return { attack, rounds: results, probes }
}

const ratioOf = ({ rounds }: Result) =>
  medianRatio(
    rounds.map(({ beside }) => beside.p99),
    rounds.map(({ bare }) => bare.p99),
  )
/** Fewer than there should be on a machine that is busy. */
function connectionsOf({ attack, rounds }: Result): string {
  const [, count] = attack.connections
  const begun = Math.min(...rounds.map((round) => round.begun))
  return begun < count ? `${begun} of ${count}` : String(count)
}
const slowest = (probes: readonly Probe[], which: keyof Probe) => Math.max(...probes.map((one) => one[which]))

function rowOf(result: Result): string[] {
  const { attack, rounds, probes } = result
  const of = (figure: (round: Round) => number) => format(median(rounds.map(figure)))
  return [
    attack.title,
    connectionsOf(result),
    of(({ bare }) => bare.p99),
    of(({ beside }) => beside.p99),
    formatRatio(ratioOf(result)),
    of(({ sentBare }) => sentBare),
    of(({ sent }) => sent),
    format(Math.max(...rounds.map(({ heldMiB }) => heldMiB))),
    format(slowest(probes, 'toldMs')),
    format(slowest(probes, 'destroyedMs')),
  ]
}

const columns = [
  'attack',
  'connections',
  'beside bare: p99 µs',
  'beside Nanowire: p99 µs',
  'ratio',
  'sent to bare MiB/s',
  'sent MiB/s',
  'held MiB',
  'told within ms',
  'destroyed after ms',
]

function above(results: readonly Result[]): string[] {
  return results.flatMap((result) => {
    const { title } = result.attack
    const ratio = ratioOf(result)
    const [told, destroyed] = [slowest(result.probes, 'toldMs'), slowest(result.probes, 'destroyedMs')]
    return [
      ...(ratio > MOST.ratio
        ? [`${title}: the honest client's p99 is ${formatRatio(ratio)} what it is beside a bare server`]
        : []),
      ...(told > MOST.toldMs ? [`${title}: told after ${format(told)} ms`] : []),
      ...(destroyed > MOST.destroyedMs + LATE_MS
        ? [`${title}: destroyed ${format(destroyed)} ms after the ERROR`]
        : []),
    ]
  })
}

const results: Result[] = []
const failures: string[] = []

async function measureAll(chosen: readonly Attack[]): Promise<void> {
  for (const [n, attack] of chosen.entries()) {
    console.info(`${n + 1} of ${chosen.length}: ${attack.title}`)
    await measure(attack)
      .then((result) => results.push(result))
      .catch((error: unknown) => failures.push(`${attack.title}: ${error instanceof Error ? error.message : error}`))
  }
}

const chosen = Object.values(attacks)
  .flat()
  .filter(({ title }) => title.includes(only))
if (chosen.length === 0) command.error(`error: no attack has "${only}" in its title`)
await prepare()
await endingAll(() => measureAll(chosen))
const note = `Small calls of an honest client, ${1_000 * CALLS.perMs} a second, medians of ${rounds} rounds of ${seconds} s; the server has a heap of ${HEAP_MIB} MiB.`
console.info(toText({ title: 'Beside hostile clients', note, table: { columns, rows: results.map(rowOf) } }))
const notes = above(results)
console.info(`\n${notes.length} above what is aimed at, ${failures.length} failed`)
for (const line of [...notes, ...failures]) console.info(`  ${line}`)
process.exitCode = failures.length === 0 ? 0 : 1
