/**
 * A server and a client of each system, in their own processes on a core each. Invariant: a system that fails says so
 * once, is ended, and the others go on.
 */
import { type Child, CLIENT_CORE, endAll, SERVER_CORE } from '../support/child.ts'
import type { ClosedLoad, Latencies, Measured, OpenLoad } from './load.ts'
import type { MixedLoad, MixedRound } from './mixed-load.ts'
import { startTask } from './start-task.ts'
import type { Form, StreamLoad, StreamWork } from './stream-load.ts'
import type { SystemName } from './systems.ts'
import type { Memory } from './tasks/server.ts'

/** A round of one system; all but the first five are for each call. */
export interface Round extends Measured {
  readonly clientCpu: number
  readonly serverCpu: number
  readonly wireBytes: number
}

/** The last three are for each item. */
export interface StreamRound {
  readonly perSecond: number
  readonly clientCpu: number
  readonly serverCpu: number
  readonly wireBytes: number
}

/** What a process has used so far, and holds now. */
export interface Usage extends Memory {
  readonly cpuMicros: number
}

export type End = 'client' | 'server'

export class Pair {
  readonly system: SystemName
  readonly #server: Child
  readonly #client: Child

  private constructor(system: SystemName, server: Child, client: Child) {
    this.system = system
    this.#server = server
    this.#client = client
  }

  static async start(system: SystemName): Promise<Pair> {
    const server = await startTask('server', [system], { core: SERVER_CORE })
    try {
      const port = await server.ask<number>('port')
      return new Pair(system, server, await startTask('client', [system, String(port)], { core: CLIENT_CORE }))
    } catch (error) {
      await server.end()
      throw error
    }
  }

  async closed(load: ClosedLoad): Promise<Round> {
    const before = await this.#server.ask<number>('cpu')
    const { cpu: clientCpu, ...measured } = await this.#client.ask<Measured & { cpu: number; wireBytes: number }>(
      'closed',
      load,
    )
    const serverCpu = ((await this.#server.ask<number>('cpu')) - before) / load.calls
    return { ...measured, clientCpu, serverCpu }
  }

  forms(work: StreamWork): Promise<readonly Form[]> {
    return this.#client.ask('forms', work)
  }

  async stream(load: StreamLoad): Promise<StreamRound> {
    const before = await this.#server.ask<number>('cpu')
    const { cpu: clientCpu, ...measured } = await this.#client.ask<{
      perSecond: number
      cpu: number
      wireBytes: number
    }>('stream', load)
    const serverCpu = ((await this.#server.ask<number>('cpu')) - before) / load.count
    return { ...measured, clientCpu, serverCpu }
  }

  mixed(load: MixedLoad): Promise<MixedRound> {
    return this.#client.ask('mixed', load)
  }

  /** A command of the client that has no name here (tasks/hold.ts, tasks/slow.ts). */
  ask<T>(command: string, body?: unknown): Promise<T> {
    return this.#client.ask(command, body)
  }

  /** CPU time is read first: what is held is counted after collections. */
  async usage(end: End): Promise<Usage> {
    const side = end === 'client' ? this.#client : this.#server
    const cpuMicros = await side.ask<number>('cpu')
    return { cpuMicros, ...(await side.ask<Memory>('memory')) }
  }

  open(load: OpenLoad): Promise<Latencies> {
    return this.#client.ask('open', load)
  }

  idle(connections: number): Promise<void> {
    return this.#client.ask('idle', connections)
  }

  memory(): Promise<Memory> {
    return this.#server.ask('memory')
  }

  /** Puts the client on the server's core, or back on its own, where that can be done. */
  share(isOneCore: boolean): void {
    this.#client.moveTo(isOneCore ? SERVER_CORE : CLIENT_CORE)
  }

  async end(): Promise<void> {
    await Promise.all([this.#client.end(), this.#server.end()])
  }
}

/** The systems that still run. */
export class Field {
  readonly #pairs = new Map<SystemName, Pair>()
  readonly #fail: (problem: string) => void

  constructor(fail: (problem: string) => void) {
    this.#fail = fail
  }

  async start(systems: readonly SystemName[]): Promise<void> {
    for (const system of systems) {
      await this.#attempt(system, async () => {
        this.#pairs.set(system, await Pair.start(system))
      })
    }
  }

  /** Does something with each system, one after another: what interleaves the rounds. */
  async each(run: (pair: Pair) => Promise<void>): Promise<void> {
    for (const [system, pair] of [...this.#pairs]) await this.#attempt(system, () => run(pair))
  }

  async end(): Promise<void> {
    await Promise.all([...this.#pairs.values()].map((pair) => pair.end()))
    this.#pairs.clear()
    endAll()
  }

  async #attempt(system: SystemName, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#fail(`${system}: ${error instanceof Error ? error.message : error}`)
      await this.#pairs.get(system)?.end()
      this.#pairs.delete(system)
    }
  }
}
