/**
 * One soak: what the clients can do is measured, then they do a share of it until the time is over, with faults, and rest now
 * and then. Invariant: at each rest every call is accounted for, at its caller and at the server.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../support/child.ts'
import type { SoakSettings } from './arguments.ts'
import { judgeBalance, judgeClimb, judgeResources, judgeTrend, liveTrend, rssTrend } from './judge.ts'
import type { Latencies } from './load.ts'
import type { Memory, Rest } from './look.ts'
import type { Counts } from './service.ts'
import { FAULTS, type Fault, type Tally } from './tally.ts'

/** Of the measurement: enough to have both cores at work, and no queue. */
const IN_FLIGHT = 32
/** Of each client, however slow the machine seems to be: every kind of fault is to happen. */
const LEAST_PER_SECOND = 200
/** How long at most a side may take to come to rest. */
const REST_TRIES = 50
const REST_STEP_MS = 100
/** The longest that an answer may take: the measurement, or the calls that are waited for at a rest. */
const ANSWER_MS = 300_000
/** Between two rests, where the time that was asked for was too short. */
const MOST_ROUNDS = 40

export interface Window extends Latencies {
  readonly atSeconds: number
  readonly made: number
  /** By the name of the process. */
  readonly memory: Readonly<Record<string, Memory>>
}

export interface Rested {
  readonly atSeconds: number
  readonly liveBytes: Readonly<Record<string, number>>
}

export interface SoakResult {
  readonly perSecond: number
  readonly made: number
  readonly ended: Readonly<Record<'ok' | 'no' | 'maybe' | 'yes', number>>
  readonly faults: Readonly<Record<Fault, number>>
  readonly wraps: number
  /** Operations that were not begun, because too many were under way: the machine had other things to do. */
  readonly leftOut: number
  /** Errors by code, those that were meant included. */
  readonly codes: Readonly<Record<string, number>>
  readonly windows: readonly Window[]
  readonly rests: readonly Rested[]
  /** What was not in order. */
  readonly problems: readonly string[]
}

interface ClientLook extends Memory, Latencies {
  readonly tally: Tally
}

interface ClientRest extends Rest {
  readonly inFlight: number
  readonly waiting: number
  readonly tally: Tally
}

interface ServerRest extends Rest {
  readonly inFlight: number
  readonly connections: number
  readonly counts: readonly Counts[]
  readonly wrong: Readonly<Record<string, number>>
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)
const totalOf = (numbers: Readonly<Record<string, number>>) => sum(Object.values(numbers))

function addAll(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of all.flatMap((one) => Object.entries(one))) sums[name] = (sums[name] ?? 0) + count
  return sums
}

/** A script of the soak, as prepare.ts bundles it. */
function startScript(name: string, file: 'server' | 'client', args: readonly string[] = []): Promise<Child> {
  const script = new URL(`dist/${file}.js`, import.meta.url)
  return Child.start({ name, script, args, nodeOptions: ['--expose-gc'], answerMs: ANSWER_MS })
}

export class SoakRun {
  readonly #settings: SoakSettings
  readonly #say: (line: string) => void
  readonly #windows: Window[] = []
  readonly #rests: Rested[] = []
  readonly #problems = new Set<string>()
  /** What each side found wrong, with how often. */
  readonly #wrong: Record<string, number> = {}
  readonly #firstResources = new Map<string, Readonly<Record<string, number>>>()
  readonly #rates: number[] = []
  #tallies: readonly Tally[] = []
  #server!: Child // `run` starts both before anything else
  #clients: Child[] = [] // likewise
  #startedAt = 0

  constructor(settings: SoakSettings, say: (line: string) => void) {
    this.#settings = settings
    this.#say = say
  }

  async run(): Promise<SoakResult> {
    const { seconds, clients, measureSeconds } = this.#settings
    this.#server = await startScript('server', 'server')
    const url = await this.#server.ask<string>('url')
    for (let number = 0; number < clients; number++)
      this.#clients.push(await startScript(`client ${number}`, 'client', [url, String(number)]))
    this.#startedAt = performance.now()
    this.#rates.push(
      ...(await this.#askAll<number>('measure', { inFlight: Math.ceil(IN_FLIGHT / clients), seconds: measureSeconds })),
    )
    const perSecond = sum(this.#rates.map((rate) => this.#paceOf(rate)))
    this.#say(`${Math.round(sum(this.#rates))} operations/s measured, ${Math.round(perSecond)} from now on`)
    await this.#rest()
    // On a machine that has much else to do, not everything may have happened yet.
    for (let round = 0; this.#elapsed() < seconds || (round < MOST_ROUNDS && this.#missing().length > 0); round++)
      await this.#work()
    await this.#askAll('close')
    await this.#server.ask('close')
    this.#judgeMemory()
    return this.#result(perSecond)
  }

  #paceOf(rate: number): number {
    return Math.max(LEAST_PER_SECOND, this.#settings.load * rate)
  }

  #elapsed(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }

  #askAll<T>(command: string, body?: unknown): Promise<T[]> {
    return Promise.all(this.#clients.map((client) => client.ask<T>(command, body)))
  }

  /** Windows until it is time to rest, and the rest. */
  async #work(): Promise<void> {
    const { seconds, restSeconds, windowSeconds, cutMs } = this.#settings
    const until = this.#elapsed() + Math.min(restSeconds, Math.max(windowSeconds, seconds - this.#elapsed()))
    const starts = this.#clients.map((client, at) =>
      client.ask('start', { perSecond: this.#paceOf(this.#rates[at] ?? 0), cutMs }),
    )
    await Promise.all(starts)
    do {
      await sleep(1_000 * windowSeconds)
      await this.#look()
    } while (this.#elapsed() < until)
    await this.#askAll('stop')
    await this.#rest()
  }

  async #look(): Promise<void> {
    const looks = await this.#askAll<ClientLook>('look')
    const server = await this.#server.ask<Memory>('look')
    const before = this.#made()
    this.#tallies = looks.map(({ tally }) => tally)
    const slowest = (figure: keyof Latencies) => Math.max(...looks.map((look) => look[figure]))
    const window = {
      atSeconds: this.#elapsed(),
      made: this.#made() - before,
      p50Us: slowest('p50Us'),
      p99Us: slowest('p99Us'),
      p999Us: slowest('p999Us'),
      memory: { server, ...Object.fromEntries(looks.map((look, at) => [`client ${at}`, look])) },
    }
    this.#windows.push(window)
    const [p50, p99, p999] = [window.p50Us, window.p99Us, window.p999Us].map((us) => (us / 1_000).toFixed(2))
    this.#say(
      `${Math.round(window.atSeconds)} s: ${this.#made()} operations, ${this.#faults()} faults, ${this.#problems.size} problems; ` +
        `p50 ${p50} ms, p99 ${p99}, p99.9 ${p999}; server ${Math.round(server.rssBytes / 1_048_576)} MiB`,
    )
  }

  #made(): number {
    return sum(this.#tallies.map(({ made }) => totalOf(made)))
  }

  #faults(): number {
    return sum(this.#tallies.map(({ faults }) => totalOf(faults)))
  }

  /** Everything has ended; whether it is all accounted for. */
  async #rest(): Promise<void> {
    const clients: ClientRest[] = []
    for (const client of this.#clients) {
      const rest = await this.#untilQuiet<ClientRest>(client, ({ inFlight, waiting }) => inFlight + waiting === 0)
      this.#tellWrong(client.name, rest.tally.wrong)
      clients.push(rest)
    }
    const isQuiet = ({ inFlight, connections }: ServerRest) => inFlight === 0 && connections === this.#clients.length
    const server = await this.#untilQuiet(this.#server, isQuiet)
    this.#tellWrong('server', server.wrong)
    this.#tallies = clients.map(({ tally }) => tally)
    for (const [at, { tally }] of clients.entries()) {
      const runs = server.counts[at]
      if (runs) this.#tell(judgeBalance(tally, runs).map((what) => `client ${at}: ${what}`))
    }
    this.#rests.push({
      atSeconds: this.#elapsed(),
      liveBytes: {
        server: server.liveBytes,
        ...Object.fromEntries(clients.map(({ liveBytes }, at) => [`client ${at}`, liveBytes])),
      },
    })
  }

  /** Asks until nothing is under way and the resources are those of the first rest. */
  async #untilQuiet<T extends Rest>(side: Child, isQuiet: (rest: T) => boolean): Promise<T> {
    let rest = await side.ask<T>('rest')
    const differing = () =>
      judgeResources(side.name, this.#firstResources.get(side.name) ?? rest.resources, rest.resources)
    for (let tries = 0; tries < REST_TRIES && (!isQuiet(rest) || differing().length > 0); tries++) {
      await sleep(REST_STEP_MS)
      rest = await side.ask<T>('rest')
    }
    if (!isQuiet(rest)) this.#tell([`${side.name} does not come to rest`])
    this.#tell(differing())
    if (!this.#firstResources.has(side.name)) this.#firstResources.set(side.name, rest.resources)
    return rest
  }

  #tell(problems: readonly string[]): void {
    for (const problem of problems) {
      if (!this.#problems.has(problem)) this.#say(`!!! ${problem}`)
      this.#problems.add(problem)
    }
  }

  #tellWrong(who: string, wrong: Readonly<Record<string, number>>): void {
    for (const [what, times] of Object.entries(wrong)) {
      this.#tell([`${who}: ${what}`])
      this.#wrong[`${who}: ${what}`] = times
    }
  }

  #judgeMemory(): void {
    for (const name of Object.keys(this.#rests[0]?.liveBytes ?? {})) {
      const live = this.#rests.map(({ liveBytes }) => liveBytes[name] ?? 0)
      const rests = this.#rests.map(({ atSeconds, liveBytes }) => ({ atSeconds, bytes: liveBytes[name] ?? 0 }))
      this.#tell(judgeClimb({ what: `${name}: memory at rest`, rests }))
      const rss = this.#windows.map(({ memory }) => memory[name]?.rssBytes ?? 0)
      this.#tell([...judgeTrend(liveTrend(name, live)), ...judgeTrend(rssTrend(name, rss))])
    }
  }

  /** What a soak is there for, and did not happen. */
  #missing(): string[] {
    const none = FAULTS.filter((fault) => this.#tallies.every(({ faults }) => faults[fault] === 0))
    const missing = none.map((fault) => `there was no fault of the kind ${fault}`)
    return this.#tallies.some(({ wraps }) => wraps > 0) ? missing : [...missing, 'no connection came to the last id']
  }

  #result(perSecond: number): SoakResult {
    const tallies = this.#tallies
    this.#tell(this.#missing())
    const faults = Object.fromEntries(FAULTS.map((fault) => [fault, sum(tallies.map((tally) => tally.faults[fault]))]))
    const ended = (how: 'ok' | 'no' | 'maybe' | 'yes') => sum(tallies.map((tally) => totalOf(tally[how])))
    return {
      perSecond,
      made: this.#made(),
      ended: { ok: ended('ok'), no: ended('no'), maybe: ended('maybe'), yes: ended('yes') },
      faults: faults as Record<Fault, number>, // made of all of its keys
      wraps: sum(tallies.map((tally) => tally.wraps)),
      leftOut: sum(tallies.map((tally) => tally.leftOut)),
      codes: addAll(tallies.map(({ codes }) => codes)),
      windows: this.#windows,
      rests: this.#rests,
      problems: [...this.#problems].map((what) => (this.#wrong[what] ? `${what} (${this.#wrong[what]} times)` : what)),
    }
  }
}
