/** What goes wrong with connections, and when: drawn when each is made, so that it follows from the seed alone. */
import type { NetworkOptions, SimulatedConnection } from './connection.ts'
import type { Lane } from './lane.ts'
import type { FaultKind } from './plan.ts'

/** What the network does to a connection. */
export interface NetworkActs {
  cut(connection: SimulatedConnection, how: string): void
  /** It is lost at one end, and the other one is not told. */
  sever(connection: SimulatedConnection, end: 'client' | 'server'): void
}

/** What is drawn for both directions of a connection. */
export interface DrawnLanes {
  /** Which direction is cut at a byte, -1 for none. */
  readonly cutLane: number
  readonly cutAfterBytes: number
  readonly latencyMs: number
}

export class NetworkFaults {
  isHealed = false
  readonly #options: NetworkOptions
  readonly #acts: NetworkActs
  /** Faults that wait for their moment. */
  readonly #pending = new Set<() => void>()
  readonly #stalled = new Set<Lane>()

  constructor(options: NetworkOptions, acts: NetworkActs) {
    this.#options = options
    this.#acts = acts
  }

  heal(): void {
    this.isHealed = true
    for (const cancel of this.#pending) cancel()
    this.#pending.clear()
    for (const lane of this.#stalled) lane.release('stalled')
    this.#stalled.clear()
  }

  goesWrong(kind: FaultKind, share: number): boolean {
    const happens = this.#options.chance.happens(share) && this.#isOn(kind)
    if (kind === 'refuse' && happens) this.#options.injected(kind)
    return happens
  }

  drawLanes(): DrawnLanes {
    const { chance, plan, injected } = this.#options
    const isCut = chance.happens(0.4)
    const cutLane = chance.pick([0, 1])
    // More often early, where most happens.
    const cutAfterBytes = chance.happens(0.3) ? chance.between(0, 200) : Math.floor(chance.random() ** 3 * 60_000)
    const latencyMs = this.#isOn('reorder') ? chance.between(0, plan.reorderMs) : 0
    if (latencyMs > 0) injected('reorder')
    return { cutLane: isCut && this.#isOn('cut') ? cutLane : -1, cutAfterBytes, latencyMs }
  }

  /** Things that will happen to a new connection. */
  schedule(connection: SimulatedConnection): void {
    const { chance, plan } = this.#options
    const lane = chance.happens(0.5) ? connection.toServer : connection.toClient
    const direction = lane === connection.toServer ? 'to the server' : 'to the client'
    const startMs = chance.happens(0.2) ? 0 : chance.between(0, plan.faultMs)
    const stallMs = Math.floor(chance.random() ** 2 * 3_000)
    const [cutMs, lostMs] = [chance.between(0, plan.faultMs), chance.between(0, plan.faultMs)]
    const losingEnd = chance.pick(['client', 'server'] as const)
    if (this.goesWrong('cut', 0.3)) this.#later(cutMs, () => this.#acts.cut(connection, 'by chance'))
    if (this.goesWrong('halfOpen', 0.3)) this.#later(lostMs, () => this.#acts.sever(connection, losingEnd))
    const isSilent = this.goesWrong('silence', 0.2)
    const isStalled = this.goesWrong('stall', 0.6)
    if (isSilent) this.#later(startMs, () => void this.#hold(connection, lane, `${direction} for ever`))
    else if (isStalled) {
      this.#later(startMs, () => {
        if (!this.#hold(connection, lane, direction)) return
        this.#stalled.add(lane)
        this.#later(stallMs, () => {
          this.#stalled.delete(lane)
          lane.release('stalled')
        })
      })
    }
  }

  /** Returns whether there was something to hold. */
  #hold(connection: SimulatedConnection, lane: Lane, what: string): boolean {
    if (connection.client.isOver || connection.server.isOver) return false
    this.#options.injected(what.endsWith('ever') ? 'silence' : 'stall')
    this.#options.story.tell(`${connection.name} stalls ${what}`)
    lane.hold('stalled')
    return true
  }

  #isOn(kind: FaultKind): boolean {
    return !this.isHealed && this.#options.plan.kinds.has(kind)
  }

  #later(delayMs: number, act: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#pending.delete(cancel)
      act()
    })
    this.#pending.add(cancel)
  }
}
