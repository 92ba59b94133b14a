/**
 * A network within one process: hosts that listen, connections between them as pairs of links, and what goes wrong on the
 * way. The whole protocol runs over it; only the sockets are missing.
 */
import { NanowireError } from '../../errors.ts'
import type { OpenLink, PlaceContext, Schemes } from '../../rpc/index.ts'
import { type MemoryLink, memoryPair } from '../../transport/index.ts'
import type { Chance } from './chance.ts'
import { FrameWatch } from './frames.ts'
import { Lane, type LaneOptions } from './lane.ts'
import type { FaultKind, Plan } from './plan.ts'
import type { Story } from './story.ts'
import type { VirtualClock } from './virtual-clock.ts'

type Scheme = Awaited<ReturnType<Schemes[string]['load']>>

/** One connection with both its ends. */
export interface SimulatedConnection {
  /** What the server calls the client, and so `ctx.peer` of its calls. */
  readonly name: string
  readonly client: MemoryLink
  readonly server: MemoryLink
  readonly toServer: Lane
  readonly toClient: Lane
}

interface Host {
  readonly limits: PlaceContext['limits']
  readonly accept: (link: OpenLink) => void
}

export interface NetworkOptions {
  readonly clock: VirtualClock
  readonly chance: Chance
  readonly plan: Plan
  readonly story: Story
  /** Told of each fault. */
  readonly injected: (kind: FaultKind) => void
  /** One end says that the other one broke the protocol. */
  readonly broken: (what: string) => void
}

export class SimulatedNetwork {
  readonly connections: SimulatedConnection[] = []
  /** Addresses of this network: `sim://host`. */
  readonly schemes: Schemes
  readonly #options: NetworkOptions
  readonly #hosts = new Map<string, Host>()
  /** Faults that wait for their moment. */
  readonly #pending = new Set<() => void>()
  readonly #stalled = new Set<Lane>()
  #isHealed = false

  constructor(options: NetworkOptions) {
    this.#options = options
    const scheme: Scheme = {
      placeOf: (url) => ({ url: url.href, dial: (context) => this.#dial(url.host, context) }),
      listen: async (url, context, accept) => this.#listen(url, { limits: context.limits, accept }),
    }
    this.schemes = { sim: { form: 'sim://host', takesTls: false, load: async () => scheme } }
  }

  /** The connection of which a server's handler says that this is its peer. */
  connectionOf(peer: string): SimulatedConnection | undefined {
    return this.connections.find(({ name }) => name === peer)
  }

  /** From now on nothing goes wrong. A direction that fell silent stays so until its connection ends. */
  heal(): void {
    this.#isHealed = true
    for (const cancel of this.#pending) cancel()
    this.#pending.clear()
    for (const { toServer, toClient } of this.connections) {
      toServer.heal()
      toClient.heal()
    }
    for (const lane of this.#stalled) lane.release()
    this.#stalled.clear()
  }

  #listen(url: URL, host: Host): Awaited<ReturnType<Scheme['listen']>> {
    this.#hosts.set(url.host, host)
    const close = async () => {
      if (this.#hosts.get(url.host) === host) this.#hosts.delete(url.host)
    }
    return { url: url.href, isLocal: true, close }
  }

  async #dial(name: string, context: PlaceContext): Promise<OpenLink> {
    const { chance, clock, plan } = this.#options
    if (this.#goesWrong('refuse', 0.4)) {
      await new Promise<void>((resolve) => void clock.after(chance.between(0, plan.slowMs), resolve))
      if (chance.happens(0.5)) throw this.#refused(name)
    }
    const host = this.#hosts.get(name)
    if (!host) throw this.#refused(name)
    const connection = this.#connect(context, host)
    host.accept(connection.server)
    return connection.client
  }

  #refused(name: string): NanowireError {
    this.#options.story.tell(`connecting to ${name} fails`)
    return new NanowireError('unavailable', `nothing listens at sim://${name}`, { processed: 'no' })
  }

  #connect({ limits }: PlaceContext, host: Host): SimulatedConnection {
    const { clock, story } = this.#options
    const name = `client:${this.connections.length + 1}`
    const cut = () => this.#cut(connection, 'at a byte')
    const [toServer, toClient] = this.#lanes(name, cut)
    // The links' own turns and timers are none of a process's: they are the operating system's.
    const pair = memoryPair({
      clock,
      limits: { client: limits, server: host.limits },
      carry: { toServer: this.#watched(toServer, name, 'client'), toClient: this.#watched(toClient, name, 'server') },
      peers: { ofClient: 'sim://server', ofServer: name },
    })
    const connection = { name, ...pair, toServer, toClient }
    this.connections.push(connection)
    story.tell(`${name} is connected`)
    this.#schedule(connection)
    return connection
  }

  #lanes(name: string, cut: () => void): [Lane, Lane] {
    const { clock, chance, plan, story } = this.#options
    const cutLane = this.#isOn('cut') && chance.happens(0.4) ? chance.pick([0, 1]) : -1
    // More often early, where most happens.
    const cutAfterBytes = chance.happens(0.3) ? chance.between(0, 200) : Math.floor(chance.random() ** 3 * 60_000)
    const lanes = ['to the server', 'to the client'].map((direction, index) => {
      const arrived = (bytes: Uint8Array, pieces: number) => {
        if (pieces > 1) this.#options.injected('join')
        if (plan.lane.maxPieces !== 1) this.#options.injected('split')
        if (plan.lane.maxDelayMs !== 0) this.#options.injected('delay')
        story.bytes(`${name} ${direction}`, bytes)
      }
      const base: LaneOptions = this.#isHealed ? {} : plan.lane
      return new Lane(clock, { ...base, arrived, cut, cutAfterBytes: index === cutLane ? cutAfterBytes : undefined })
    })
    return lanes as [Lane, Lane] // one for each direction
  }

  /** Between ends that keep to the protocol nobody says that it was broken. */
  #watched({ carry }: Lane, name: string, end: string): Lane['carry'] {
    const watch = new FrameWatch((rule, message) =>
      this.#options.broken(`${name}: the ${end} says that the other end broke the rule ${rule}: ${message}`),
    )
    return (chunk, deliver) => {
      watch.sent(chunk)
      carry(chunk, deliver)
    }
  }

  #schedule(connection: SimulatedConnection): void {
    const { chance, plan } = this.#options
    const lane = chance.happens(0.5) ? connection.toServer : connection.toClient
    const direction = lane === connection.toServer ? 'to the server' : 'to the client'
    const startMs = chance.happens(0.2) ? 0 : chance.between(0, plan.faultMs)
    const stallMs = Math.floor(chance.random() ** 2 * 3_000)
    if (this.#goesWrong('cut', 0.3))
      this.#later(chance.between(0, plan.faultMs), () => this.#cut(connection, 'by chance'))
    if (this.#goesWrong('silence', 0.2))
      this.#later(startMs, () => this.#hold(connection, lane, `${direction} for ever`))
    else if (this.#goesWrong('stall', 0.6)) {
      this.#later(startMs, () => {
        this.#hold(connection, lane, direction)
        this.#stalled.add(lane)
        this.#later(stallMs, () => {
          this.#stalled.delete(lane)
          lane.release()
        })
      })
    }
  }

  #hold(connection: SimulatedConnection, lane: Lane, what: string): void {
    if (connection.client.isOver || connection.server.isOver) return
    this.#options.injected(what.endsWith('ever') ? 'silence' : 'stall')
    this.#options.story.tell(`${connection.name} stalls ${what}`)
    lane.hold()
  }

  #cut(connection: SimulatedConnection, how: string): void {
    const { client, server, name } = connection
    if (client.isOver && server.isOver) return
    this.#options.injected('cut')
    this.#options.story.tell(`${name} is cut ${how}`)
    client.destroy(new Error('cut'))
  }

  #isOn(kind: FaultKind): boolean {
    return !this.#isHealed && this.#options.plan.kinds.has(kind)
  }

  #goesWrong(kind: FaultKind, share: number): boolean {
    const happens = this.#options.chance.happens(share)
    if (kind === 'refuse' && happens && this.#isOn(kind)) this.#options.injected(kind)
    return happens && this.#isOn(kind)
  }

  #later(delayMs: number, act: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#pending.delete(cancel)
      act()
    })
    this.#pending.add(cancel)
  }
}
