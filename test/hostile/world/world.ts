/**
 * An attacked process, an honest client of it that is in this one, and what both have to be like when an attack is over.
 * Invariant: nothing here looks at a clock; a condition that never holds ends with the test's own timeout.
 */
import { expect, onTestFinished } from 'vitest'
import { type ClientOf, type Connection, connect } from '../../../src/index.ts'
import { trusting } from '../../support/certificates.ts'
import { Child } from '../../support/child.ts'
import { Open } from './contract.ts'
import type { Door, Ports } from './doors.ts'
import { Assault, type Peer, type Script } from './peers.ts'
import { HONEST } from './poison.ts'
import type { Look, Memory } from './server.ts'

const MIB = 2 ** 20
export const HEAP_MIB = 256
/** Of the hasty doors: short, so that no test waits for five seconds, or for thirty. */
const HANDSHAKE_MS = 2_500
const IDLE_MS = 900
/** Of the others, and of honest clients: a busy machine is slow, and may stand still, and nobody is to be blamed for it. */
const PATIENCE_MS = 600_000
const patient = { handshakeTimeoutMs: PATIENCE_MS, idleTimeoutMs: PATIENCE_MS, callTimeoutMs: PATIENCE_MS }
/** What a process keeps to use again (src/wire/spare.ts, src/transport/slab.ts), compiled code, and what is not counted exactly. */
const REST_MIB = 12
/** Of all that the system has given it, at any time: the heap, and as much beside it. */
const MOST_RSS_MIB = 2 * HEAP_MIB
const STILL_LOOKS = 50

export class World {
  readonly #server: Child
  readonly ports: Ports
  readonly #wire: Connection
  readonly #honest: ClientOf<typeof Open>
  readonly #address: string
  #isAsking = false
  #asking: Promise<number> = Promise.resolve(0)
  #atRest: Memory
  #before: Look

  private constructor(server: Child, ports: Ports, wire: Connection, address: string, atRest: Memory, before: Look) {
    this.#server = server
    this.ports = ports
    this.#wire = wire
    this.#honest = wire.client(Open)
    this.#address = address
    this.#atRest = atRest
    this.#before = before
  }

  static async start(): Promise<World> {
    const server = await Child.start({
      name: 'server',
      script: new URL('server.ts', import.meta.url),
      args: ['poisoned', String(HANDSHAKE_MS), String(IDLE_MS), String(PATIENCE_MS)],
      nodeOptions: [`--max-old-space-size=${HEAP_MIB}`, '--expose-gc'],
    })
    const ports = await server.ask<Ports>('ports')
    const wire = connect(`tcp://127.0.0.1:${ports.open}`, { limits: patient })
    const client = wire.client(Open)
    const address = await client.peer(null)
    // What is compiled and filled once does not count for the first attack.
    for (let n = 0; n < 2_000; n++) await client.echo({ text: `${HONEST} ${n}` })
    return new World(server, ports, wire, address, await server.ask('memory'), await server.ask('look'))
  }

  look(): Promise<Look> {
    return this.#server.ask('look')
  }

  memory(): Promise<Memory> {
    return this.#server.ask('memory')
  }

  release(): Promise<void> {
    return this.#server.ask('release')
  }

  /** Resolves when it holds of the server. */
  async until(condition: (look: Look) => boolean): Promise<Look> {
    for (;;) {
      const look = await this.look()
      if (condition(look)) return look
    }
  }

  /** Resolves when the honest client is, and when looks show that the server does nothing any more. */
  async still(): Promise<Look> {
    await this.#quiet()
    for (let times = 0, before = ''; ; ) {
      const look = await this.look()
      const now = JSON.stringify(look)
      times = now === before ? times + 1 : 0
      if (times === STILL_LOOKS) return look
      before = now
    }
  }

  /** Attacks a door, while the honest client calls all the time. */
  async attack(door: Door, count: number, scriptOf: (n: number) => Script): Promise<Assault> {
    this.#before = await this.look()
    this.#atRest = await this.memory()
    this.#isAsking = true
    this.#asking = this.#askOn()
    const assault = await Assault.begin(this.ports[door], count, scriptOf)
    onTestFinished(() => assault.end()) // where it has failed, for the next one
    return assault
  }

  /** How many MiB the server holds more than before the attack. */
  async heldMiB(): Promise<number> {
    return ((await this.memory()).usedBytes - this.#atRest.usedBytes) / MIB
  }

  /** Ends the attack: the honest client has noticed nothing, nothing has leaked, and everything is as it was before. */
  async expectUnharmed(assault: Assault, isLogged = false): Promise<void> {
    expect(await this.#quiet(), 'calls of the honest client').toBeGreaterThan(0)
    expect(await this.#honest.peer(null), 'the connection of the honest client').toBe(this.#address)
    expectNothingLeaked(assault.peers)
    await assault.end()
    do
      await this.release() // what waited for a slot has one now, and waits for the next release
    while (!isAtRest(await this.look()))
    const { errors, inherited } = await this.look()
    if (!isLogged) expect(errors - this.#before.errors, 'lines of the log at error').toBe(0)
    expect(inherited, 'what every object has').toEqual([])
    await this.#expectRest()
    await this.#expectServed()
  }

  /** Memory is what it was; what is freed late has a few turns for it. */
  async #expectRest(): Promise<void> {
    for (let times = 0; times < 50 && (await this.heldMiB()) > REST_MIB; times++);
    expect(await this.heldMiB(), 'MiB left when all is over').toBeLessThan(REST_MIB)
  }

  /** Somebody new is served at each door. */
  async #expectServed(): Promise<void> {
    const { open, guarded, tls } = this.ports
    const wires = [
      connect(`tcp://127.0.0.1:${open}`, { limits: patient }),
      connect(`tcp://127.0.0.1:${guarded}`, { limits: patient, credentials: 'let me in' }),
      connect(`tcp://localhost:${tls}`, { limits: patient, tls: trusting() }),
    ]
    for (const wire of wires) {
      expect(await wire.client(Open).echo({ text: 'new here' })).toEqual({ text: 'new here' })
      await wire.close()
    }
    await this.until(({ doors }) => Object.values(doors).reduce((sum, { connections }) => sum + connections, 0) === 1)
  }

  /** One call after the other, each with its own words; resolves to how many there were. */
  async #askOn(): Promise<number> {
    let count = 0
    for (; this.#isAsking; count++) {
      const text = `${HONEST} ${count}`
      expect(await this.#honest.echo({ text })).toEqual({ text })
    }
    return count
  }

  /** The honest client calls no more; resolves to how often it has. */
  #quiet(): Promise<number> {
    this.#isAsking = false
    return this.#asking
  }

  async end(): Promise<void> {
    await this.#quiet().catch(() => {}) // has failed its test already
    await this.#wire.close({ drainMs: 0 })
    expect(this.#server.isRunning, 'the attacked process').toBe(true)
    expect((await this.memory()).mostRssBytes / MIB, 'MiB of resident memory').toBeLessThan(MOST_RSS_MIB)
    await this.#server.end()
  }
}

/** Nobody is there but the honest client, and no handler runs. */
function isAtRest({ doors, held }: Look): boolean {
  const others = Object.entries(doors).filter(
    ([door, one]) => one.inFlight > 0 || one.connections !== (door === 'open' ? 1 : 0),
  )
  return held.running === 0 && others.length === 0
}

function expectNothingLeaked(peers: readonly Peer[]): void {
  const found = peers.map(({ leaks }) => leaks.found).filter((one) => one !== undefined)
  expect(found, 'what was never to be sent').toEqual([])
}
