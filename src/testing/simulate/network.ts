/**
 * A network within one process: hosts that listen, and connections between them as pairs of links (network-faults.ts has what
 * goes wrong with them). The whole protocol runs over it; only the sockets are missing.
 */
import { NanowireError } from '../../errors.ts'
import { defaultLimits } from '../../limits.ts'
import type { OpenLink, PlaceContext, Schemes } from '../../rpc/index.ts'
import { type MemoryLink, memoryPair } from '../../transport/index.ts'
import type { NetworkOptions, SimulatedConnection } from './connection.ts'
import { Lane, type LaneOptions } from './lane.ts'
import { NetworkFaults } from './network-faults.ts'
import { never, type VirtualProcess } from './process.ts'
import { EndRules } from './wire-rules.ts'

type Scheme = Awaited<ReturnType<Schemes[string]['load']>>

interface Host {
  readonly process: VirtualProcess
  readonly limits: PlaceContext['limits']
  readonly accept: (link: OpenLink) => void
}

export class SimulatedNetwork {
  readonly connections: SimulatedConnection[] = []
  readonly #options: NetworkOptions
  readonly #faults: NetworkFaults
  readonly #hosts = new Map<string, Host>()
  readonly #byName = new Map<string, SimulatedConnection>()
  /** Processes that are stopped, with the lanes that are held for that, and what waits for them to go on. */
  readonly #paused = new Map<VirtualProcess, { readonly lanes: Set<Lane>; readonly dials: (() => void)[] }>()
  /** Stands where an end was that is gone without a word. */
  #nobody: MemoryLink | undefined

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#faults = new NetworkFaults(options, {
      cut: (connection, how) => this.#cut(connection, how),
      sever: (connection, end) => this.#losesAt(connection, end),
    })
  }

  /** Addresses of this network, `sim://host`, as a process has them. */
  schemesOf(process: VirtualProcess): Schemes {
    const scheme: Scheme = {
      placeOf: (url) => ({ url: url.href, dial: (context) => this.#dial(url.host, context, process) }),
      listen: async (url, context, accept) => this.#listen(url, { process, limits: context.limits, accept }),
    }
    return { sim: { form: 'sim://host', takesTls: false, load: async () => scheme } }
  }

  /** The connection of which a server's handler says that this is its peer. */
  connectionOf(peer: string): SimulatedConnection | undefined {
    return this.#byName.get(peer)
  }

  /** From now on nothing goes wrong. A direction that fell silent stays so until its connection ends. */
  heal(): void {
    this.#faults.heal()
    for (const { toServer, toClient } of this.connections) {
      toServer.heal()
      toClient.heal()
    }
  }

  /** What comes to a process waits before it, new connections too. */
  pause(process: VirtualProcess): void {
    if (this.#paused.has(process)) return
    const lanes = new Set<Lane>()
    for (const { processes, toServer, toClient } of this.connections) {
      if (processes.server === process) lanes.add(toServer)
      if (processes.client === process) lanes.add(toClient)
    }
    for (const lane of lanes) lane.hold('paused')
    this.#paused.set(process, { lanes, dials: [] })
  }

  resume(process: VirtualProcess): void {
    const paused = this.#paused.get(process)
    if (!paused) return
    this.#paused.delete(process)
    // Behind the timers that are due, as in a loop of events that has stood still.
    this.#options.clock.after(0, () => {
      for (const lane of paused.lanes) lane.release('paused')
      for (const go of paused.dials) go()
    })
  }

  /**
   * A process has died. What it has sent and is under way is lost.
   * @param told when the other ends hear of it, in milliseconds: never, where it is `Infinity`
   */
  died(process: VirtualProcess, toldMs: number): void {
    this.resume(process)
    for (const [name, host] of this.#hosts) if (host.process === process) this.#hosts.delete(name)
    for (const connection of this.connections) {
      const { client, server, processes, isSevered } = connection
      const isClient = processes.client === process
      if (isSevered || (client.isGone && server.isGone) || (!isClient && processes.server !== process)) continue
      this.#sever(connection)
      const left = isClient ? server : client
      if (toldMs !== Number.POSITIVE_INFINITY)
        this.#options.clock.after(toldMs, () => left.destroy(new Error('reset: the process at the other end has died')))
    }
  }

  /** The end of a run: what the links of a dead process hold is given back. */
  bury(process: VirtualProcess): void {
    for (const { client, server, processes } of this.connections) {
      if (processes.client === process) client.destroy()
      if (processes.server === process) server.destroy()
    }
  }

  #listen(url: URL, host: Host): Awaited<ReturnType<Scheme['listen']>> {
    this.#hosts.set(url.host, host)
    const close = async () => {
      if (this.#hosts.get(url.host) === host) this.#hosts.delete(url.host)
    }
    return { url: url.href, isLocal: true, close }
  }

  async #dial(name: string, context: PlaceContext, process: VirtualProcess): Promise<OpenLink> {
    const { chance, clock, plan } = this.#options
    if (this.#faults.goesWrong('refuse', 0.4)) {
      await new Promise<void>((resolve) => void clock.after(chance.between(0, plan.slowMs), resolve))
      if (chance.happens(0.5)) throw this.#refused(name)
    }
    await this.#awake(name, process)
    if (process.isDead) return never()
    const host = this.#hosts.get(name)
    if (!host) {
      await new Promise<void>((resolve) => context.clock.turn(resolve)) // nothing is refused without the other side
      throw this.#refused(name)
    }
    const connection = this.#connect(name, context, { client: process, server: host.process }, host)
    host.accept(connection.server)
    return connection.client
  }

  /** Neither end of a connection is there while its process is stopped. */
  async #awake(name: string, process: VirtualProcess): Promise<void> {
    for (;;) {
      const host = this.#hosts.get(name)?.process
      const paused = this.#paused.get(process) ?? (host && this.#paused.get(host))
      if (!paused) return
      await new Promise<void>((resolve) => paused.dials.push(resolve))
    }
  }

  #refused(name: string): NanowireError {
    this.#options.story.tell(`connecting to ${name} fails`)
    return new NanowireError('unavailable', `nothing listens at sim://${name}`, { processed: 'no' })
  }

  #connect(
    hostName: string,
    { limits }: PlaceContext,
    processes: SimulatedConnection['processes'],
    host: Host,
  ): SimulatedConnection {
    const { clock, story } = this.#options
    const name = `${processes.client.name}:${this.connections.length + 1}`
    const cut = () => this.#cut(connection, 'at a byte')
    const client = new EndRules(`${name}: the client`, this.#options.broken)
    const server = new EndRules(`${name}: the server`, this.#options.broken)
    const [toServer, toClient] = this.#lanes(name, [server, client], cut)
    // The links' own turns and timers are none of a process's: they are the operating system's.
    const pair = memoryPair({
      clock,
      limits: { client: limits, server: host.limits },
      carry: { toServer: watched(toServer, client), toClient: watched(toClient, server) },
      peers: { ofClient: `sim://${hostName}`, ofServer: name },
    })
    const connection: SimulatedConnection = { name, ...pair, toServer, toClient, processes, isSevered: false }
    this.connections.push(connection)
    this.#byName.set(name, connection)
    story.tell(`${name} is connected${hostName === 'server' ? '' : ` to ${hostName}`}`)
    this.#faults.schedule(connection)
    return connection
  }

  /** @param readers the ends at which they arrive */
  #lanes(name: string, readers: readonly [EndRules, EndRules], cut: () => void): [Lane, Lane] {
    const { clock, plan, story, injected } = this.#options
    const { cutLane, cutAfterBytes, latencyMs } = this.#faults.drawLanes()
    const lanes = ['to the server', 'to the client'].map((direction, index) => {
      const arrived = (bytes: Uint8Array) => {
        story.bytes(`${name} ${direction}`, bytes)
        readers[index]?.came(bytes)
      }
      const base: LaneOptions = this.#faults.isHealed ? {} : { ...plan.lane, latencyMs }
      const cutAt = index === cutLane ? cutAfterBytes : undefined
      return new Lane(clock, { ...base, arrived, injected, cut, cutAfterBytes: cutAt })
    })
    return lanes as [Lane, Lane] // one for each direction
  }

  #cut(connection: SimulatedConnection, how: string): void {
    const { client, server, name, isSevered } = connection
    if (isSevered || (client.isOver && server.isOver)) return
    this.#options.injected('cut')
    this.#options.story.tell(`${name} is cut ${how}`)
    client.destroy(new Error('cut'))
  }

  /** One end hears that the connection is over, and the other one hears nothing any more. */
  #losesAt(connection: SimulatedConnection, end: 'client' | 'server'): void {
    if (connection.isSevered || connection.client.isGone || connection.server.isGone) return
    this.#options.injected('halfOpen')
    this.#options.story.tell(`${connection.name} is lost at the ${end} alone`)
    this.#sever(connection)
    connection[end].destroy(new Error('lost'))
  }

  /** From now on nothing passes, and neither end hears what becomes of the other. */
  #sever(connection: SimulatedConnection): void {
    const { client, server, toServer, toClient } = connection
    const limits = { client: defaultLimits, server: defaultLimits }
    this.#nobody ??= memoryPair({ clock: this.#options.clock, limits }).client
    connection.isSevered = true
    toServer.sever()
    toClient.sever()
    client.join(this.#nobody)
    server.join(this.#nobody)
  }
}

/** What one end sends. */
function watched({ carry }: Lane, end: EndRules): Lane['carry'] {
  return (chunk, deliver) => {
    end.sent(chunk)
    carry(chunk, deliver)
  }
}
