/**
 * Hostile clients of a port. Its commands: `begin`, and `end`, which tells what they have sent. Invariant: it is the
 * least urgent process here, so that an honest client on the same core has it whenever it wants it.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { constants, setPriority } from 'node:os'
import type { Commands } from '../../support/answer.ts'
import type { HostileName } from '../parts/hostile-names.ts'
import { type Script, scripts } from '../shared/hostile.ts'

const CLIENTS = 8
/** Of a connection whose end nobody answers. */
const CLOSE_MS = 1_000

export interface Attack {
  readonly name: HostileName
  readonly port: number
  /** Between a client's connections. */
  readonly pauseMs: number
}

export interface Sent {
  readonly connections: number
  readonly bytes: number
}

class Attackers {
  readonly #script: Script
  readonly #attack: Attack
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #ended: Promise<void>[]
  #isOver = false
  #connections = 0
  #bytes = 0

  constructor(attack: Attack) {
    this.#attack = attack
    this.#script = scripts[attack.name]()
    this.#ended = Array.from({ length: CLIENTS }, () => this.#run())
  }

  async end(): Promise<Sent> {
    this.#isOver = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#ended)
    return { connections: this.#connections, bytes: this.#bytes }
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#connect()
      await new Promise((resolve) => setTimeout(resolve, this.#attack.pauseMs))
    }
  }

  /** Resolves when the connection is closed. */
  async #connect(): Promise<void> {
    const { bytes, isHeld, readsByteASecond } = this.#script
    const socket = connect({ port: this.#attack.port, host: '127.0.0.1', noDelay: true })
    this.#sockets.add(socket)
    this.#connections++
    socket.on('error', () => socket.destroy())
    if (readsByteASecond) this.#timers.add(setInterval(() => socket.read(1), 1_000))
    else socket.resume()
    if (isHeld) socket.write(bytes)
    else {
      socket.setTimeout(CLOSE_MS, () => socket.destroy())
      socket.end(bytes)
    }
    await once(socket, 'close').catch(() => {})
    this.#bytes += socket.bytesWritten
    this.#sockets.delete(socket)
  }
}

export async function start(): Promise<Commands> {
  setPriority(constants.priority.PRIORITY_LOW)
  let attackers: Attackers | undefined
  return {
    begin: (attack: Attack) => {
      attackers = new Attackers(attack)
    },
    end: () => attackers?.end(),
  }
}
