/**
 * One round: servers and clients in processes of their own, a proxy before each server, and things that go wrong until there
 * were enough of them. Then all is well again, everything must end by itself, and the journals are judged.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultyProxy, faultyProxy } from '../../src/testing/index.ts'
import { Chance } from '../../src/testing/simulate/chance.ts'
import { Child, type Programs } from './children.ts'
import { delayEnd, faultsAtFirst, injectFault } from './faults.ts'
import { readJournal } from './journal.ts'
import { judge, type Verdict } from './judge.ts'

export interface RoundOptions {
  readonly seed: number
  /** Of connections; each proxy's first moments count too. */
  readonly faults: number
  /** Processes that are killed by SIGKILL. */
  readonly kills: number
  /** Processes that stand still for a while, by SIGSTOP. */
  readonly stops: number
  readonly servers?: number
  readonly clients?: number
  /** Calls at a time on each connection, of which a client has three to each server. */
  readonly workers?: number
}

export interface RoundReport extends Verdict {
  readonly faults: Readonly<Record<string, number>>
  readonly kills: number
  readonly stops: number
  /** The folder with the journals, which stays where something was found. */
  readonly journals: string | undefined
}

/** How long may take what ends by itself, before it is taken for hung; more than a calm call may (client.ts), on a slow machine. */
const PATIENCE_MS = 120_000

export async function runRound(programs: Programs, options: RoundOptions): Promise<RoundReport> {
  const round = new Round(programs, options)
  try {
    await round.start()
    await round.breakThings()
    await round.mendAndFinish()
    return round.report()
  } finally {
    await round.clean()
  }
}

class Round {
  readonly #folder = mkdtempSync(join(tmpdir(), 'nanowire-chaos-'))
  readonly #options: RoundOptions
  readonly #programs: Programs
  readonly #chance: Chance
  readonly #proxies: FaultyProxy[] = []
  readonly #servers: Child[] = []
  readonly #clients: Child[] = []
  readonly #all = { servers: [] as Child[], clients: [] as Child[] }
  readonly #faults: Record<string, number> = {}
  /** Stops and kills that go on beside the rest. */
  readonly #pending = new Set<Promise<void>>()
  readonly #busy = new Set<Child>()
  readonly #findings: string[] = []
  #isMended = false
  #keeps = false
  #kills = 0
  #stops = 0

  constructor(programs: Programs, options: RoundOptions) {
    this.#programs = programs
    this.#options = options
    this.#chance = new Chance(options.seed)
  }

  async start(): Promise<void> {
    const { servers = 2, clients = 2, seed } = this.#options
    for (let index = 0; index < servers; index++) {
      const server = this.#startServer(index)
      const early = this.#chance.fork(`early ${index}`)
      const faults = () => this.#faultsAtFirst(early)
      const { url } = await server.urls()
      this.#proxies.push(await faultyProxy({ target: url, seed: seed + index, faults }))
    }
    for (let index = 0; index < clients; index++) this.#startClient(index)
  }

  /** One thing after the other, a kill and a stop after so many faults each. */
  async breakThings(): Promise<void> {
    const { faults, kills, stops } = this.#options
    const chance = this.#chance.fork('what goes wrong')
    while (this.#faultCount < faults || this.#kills < kills || this.#stops < stops) {
      await sleep(chance.between(2, 20))
      if (this.#faultCount * kills > this.#kills * faults) this.#kill(chance)
      if (this.#faultCount * stops > this.#stops * faults) this.#stop(chance)
      this.#disturb(chance)
    }
  }

  /** All is well again; whatever goes on ends by itself. */
  async mendAndFinish(): Promise<void> {
    this.#isMended = true
    await Promise.all(this.#pending)
    for (const [index, proxy] of this.#proxies.entries()) {
      proxy.setFaults({})
      const { calmUrl } = (await this.#servers[index]?.urls()) ?? {}
      if (calmUrl) proxy.setTarget(calmUrl) // for connections from now on
    }
    await this.#finish('client', this.#clients)
    await this.#finish('server', this.#servers)
  }

  report(): RoundReport {
    const read = (children: readonly Child[]) =>
      children.map(({ journal, wasKilled }) => ({ entries: readJournal(journal), killed: wasKilled }))
    const { findings, ...verdict } = judge({ clients: read(this.#all.clients), servers: read(this.#all.servers) })
    const all = [...this.#findings, ...findings]
    if (all.length > 0) this.#keeps = true
    const journals = this.#keeps ? this.#folder : undefined
    return { ...verdict, findings: all, journals, faults: this.#faults, kills: this.#kills, stops: this.#stops }
  }

  async clean(): Promise<void> {
    const children = [...this.#all.servers, ...this.#all.clients]
    for (const child of children) child.kill()
    await Promise.all([...this.#proxies.map((proxy) => proxy.close()), ...children.map(({ ended }) => ended)])
    if (!this.#keeps) rmSync(this.#folder, { recursive: true })
  }

  get #faultCount(): number {
    return Object.values(this.#faults).reduce((sum, count) => sum + count, 0)
  }

  #startServer(index: number): Child {
    const journal = join(this.#folder, `server-${this.#all.servers.length}`)
    const child = new Child(this.#programs('server'), journal)
    this.#servers[index] = child
    this.#all.servers.push(child)
    return child
  }

  #startClient(index: number): void {
    const { seed, workers = 6 } = this.#options
    const count = this.#all.clients.length
    const name = `client-${count}`
    const urls = this.#proxies.map(({ url }) => url)
    const args = [name, String(seed + count), String(workers), ...urls]
    const child = new Child(this.#programs('client'), join(this.#folder, name), args)
    this.#clients[index] = child
    this.#all.clients.push(child)
  }

  #faultsAtFirst(chance: Chance) {
    const { early = 0, refuse = 0 } = this.#faults
    const isEnough = (early + refuse) * 4 > this.#faultCount // or there were little else, for a client soon tries again
    const first = this.#isMended || isEnough ? undefined : faultsAtFirst(chance)
    if (!first) return {}
    this.#count(first.kind)
    return first.faults
  }

  #count(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1
  }

  #disturb(chance: Chance): void {
    const open = this.#proxies.flatMap(({ connections }) => connections)
    if (open.length > 0) this.#count(injectFault(chance.pick(open), chance))
  }

  /** A process that is gone, and another in its place: mostly a server's, and that at first. */
  #kill(chance: Chance): void {
    const isServer = this.#kills === 0 || chance.happens(0.7)
    const children = isServer ? this.#servers : this.#clients
    const index = chance.between(0, children.length - 1)
    const child = children[index]
    const isAlone = isServer && this.#proxies[index]?.connections.length === 0
    if (!child || this.#busy.has(child) || isAlone) return
    this.#kills++
    this.#busy.add(child)
    if (isServer) this.#beside(this.#replaceServer(index, child, chance.fork(`kill ${this.#kills}`)))
    else {
      child.kill()
      this.#startClient(index)
    }
  }

  /** One in a few is told to close in good order, and killed while it does; of some nobody takes the place at once. */
  async #replaceServer(index: number, old: Child, chance: Chance): Promise<void> {
    const closesFirst = chance.happens(0.2)
    const leavesGap = !closesFirst && chance.happens(0.4)
    const open = () => this.#proxies[index]?.connections ?? []
    const end = async () => {
      for (let waits = 0; open().length === 0 && waits < 200; waits++) await sleep(10)
      if (open().length > 0) this.#count(delayEnd(chance.pick(open()), chance)) // a client hears of it late
      closesFirst ? old.terminate() : old.kill()
    }
    if (leavesGap) await end()
    const next = this.#startServer(index)
    this.#busy.add(next)
    const { url } = await next.urls()
    if (!leavesGap) await end()
    this.#proxies[index]?.setTarget(url)
    this.#busy.delete(next)
    if (closesFirst) await sleep(30)
    old.kill()
  }

  /** A process stands still for a while. */
  #stop(chance: Chance): void {
    const child = chance.pick([...this.#servers, ...this.#clients])
    const stopMs = chance.between(10, 800)
    if (this.#busy.has(child)) return
    this.#stops++
    this.#busy.add(child)
    child.stop()
    this.#beside(
      sleep(stopMs).then(() => {
        child.goOn()
        this.#busy.delete(child)
      }),
    )
  }

  #beside(work: Promise<void>): void {
    const pending = work.finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }

  async #finish(name: string, children: readonly Child[]): Promise<void> {
    for (const child of children) child.finish()
    await Promise.all(children.map((child) => this.#wait(name, child)))
  }

  async #wait(name: string, child: Child): Promise<void> {
    const patience = new AbortController()
    const how = await Promise.race([child.ended, hung(patience.signal)])
    patience.abort()
    if (how === '0') return
    this.#findings.push(`a ${name} that was to end by itself ${how === 'hung' ? 'has not' : `ended with ${how}`}`)
  }
}

async function hung(signal: AbortSignal): Promise<string> {
  try {
    await sleep(PATIENCE_MS, undefined, { signal })
  } catch {
    // it has ended
  }
  return 'hung'
}
