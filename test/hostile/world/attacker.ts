/**
 * A process that attacks a port over and over. Its commands: `begin`, which tells how many connections have begun, and `end`, which
 * tells how much was sent. Invariant: it is the least urgent process here, so that an honest client on the same core has it whenever
 * it wants it.
 */
import type { Socket } from 'node:net'
import { constants, setPriority } from 'node:os'
import { answer } from '../../support/answer.ts'
import { type Attack, attacks } from '../attacks/index.ts'
import { openPeer, type Peer } from './peers.ts'

export interface Order {
  readonly title: string
  readonly port: number
}

export interface Sent {
  readonly bytes: number
}

/** Between two connections of one attacker: ten thousand of them are to open, not to be all that the system does. */
const PAUSE_MS = 50
/** Those that wait in a row to connect: fewer than a system lets wait. */
const GROUP = 100
/** Of a connection that is told nothing when it ends. */
const CLOSE_MS = 1_000
/** For the first connection of all of them. */
const BEGIN_MS = 4_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

class Attackers {
  readonly #attack: Attack
  readonly #port: number
  readonly #peers = new Set<Peer>()
  readonly #opening = new Set<Socket>()
  readonly #runs: Promise<void>[] = []
  #isOver = false
  #begun = 0
  #bytes = 0

  constructor(attack: Attack, port: number) {
    this.#attack = attack
    this.#port = port
  }

  /** Resolves when all have connected once, or after a while: a busy machine may never have them all. Tells how many have. */
  async begin(): Promise<number> {
    await Promise.race([this.#connectAll(), pause(BEGIN_MS)])
    return this.#begun
  }

  async #connectAll(): Promise<void> {
    const [, count] = this.#attack.connections
    for (let from = 0; from < count && !this.#isOver; from += GROUP) {
      const group = Array.from({ length: Math.min(GROUP, count - from) }, async (_, index) => {
        await new Promise<void>((begun) => void this.#runs.push(this.#run(from + index, begun)))
        this.#begun++
      })
      await Promise.all(group)
    }
  }

  async end(): Promise<Sent> {
    this.#isOver = true
    for (const peer of this.#peers) peer.reset()
    for (const socket of this.#opening) socket.destroy() // a system that is busy may keep them waiting for minutes
    await Promise.all(this.#runs)
    return { bytes: this.#bytes }
  }

  async #run(n: number, begun: () => void): Promise<void> {
    while (!this.#isOver) {
      await this.#connect(n, begun).catch(() => {}) // refused connections are what some attacks are for
      begun()
      await pause(PAUSE_MS)
    }
  }

  async #connect(n: number, begun: () => void): Promise<void> {
    const { told, script } = this.#attack
    const said = script(n, 1)
    const peer = await openPeer(this.#port, said, () => {}, this.#opening)
    begun()
    if (peer === undefined) return
    this.#peers.add(peer)
    if (this.#isOver) peer.reset()
    await Promise.race([peer.run(said), peer.closed])
    // What waits for nothing begins anew, whether or not somebody tells it why.
    if (told.rule !== 'timeout' && (told.rule !== undefined || told.answers !== undefined)) {
      peer.socket.setTimeout(CLOSE_MS, () => peer.reset())
      peer.socket.end()
    }
    await peer.closed
    this.#bytes += peer.socket.bytesWritten
    this.#peers.delete(peer)
  }
}

const isUrgent = (is: boolean) => {
  try {
    setPriority(is ? constants.priority.PRIORITY_NORMAL : constants.priority.PRIORITY_LOW)
  } catch {} // not everybody may be more urgent again: then it takes as long as it takes
}

let attackers: Attackers | undefined

await answer({
  begin({ title, port }: Order) {
    const attack = Object.values(attacks)
      .flat()
      .find((one) => one.title === title)
    if (attack === undefined) throw new Error(`no attack is called ${title}`)
    isUrgent(false)
    attackers = new Attackers(attack, port)
    return attackers.begin()
  },
  end() {
    isUrgent(true)
    return attackers?.end()
  },
})
