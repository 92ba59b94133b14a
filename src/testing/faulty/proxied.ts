/**
 * A connection through `faultyProxy`: two sockets, and a direction with faults each way. Invariants: whatever ends one socket
 * ends the other one, unless a fault is in between; of what waits, each direction holds `maxQueuedBytes` and one read.
 */
import type { Socket } from 'node:net'
import type { DirectionContext, FaultyConnection } from './connection.ts'
import { Direction, type Ending } from './direction.ts'
import { type ConnectionFaults, type DirectionName, faultsOf, requireConnectionFaults } from './faults.ts'
import { abort } from './sockets.ts'

/** How long a socket that was told the end may take to end itself. */
const FAREWELL_MS = 500

export interface ProxiedOptions extends DirectionContext {
  readonly index: number
  readonly client: Socket
  readonly server: Socket
  readonly maxQueuedBytes: number
}

export class ProxiedConnection implements FaultyConnection {
  readonly index: number
  /** Both sockets are closed. */
  readonly closed: Promise<void>
  readonly #options: ProxiedOptions
  readonly #toServer: Direction
  readonly #toClient: Direction
  #isClosing = false
  #cancelFarewell = (): void => {}
  #over = (): void => {}

  constructor(options: ProxiedOptions) {
    const { index, client, server } = options
    this.index = index
    this.#options = options
    this.closed = new Promise((resolve) => {
      this.#over = resolve
    })
    this.#toServer = this.#directionOf('toServer', client, server)
    this.#toClient = this.#directionOf('toClient', server, client)
  }

  get bytesToServer(): number {
    return this.#toServer.deliveredBytes
  }

  get bytesToClient(): number {
    return this.#toClient.deliveredBytes
  }

  setFaults(faults: ConnectionFaults): void {
    requireConnectionFaults('setFaults', faults)
    this.#toServer.setFaults(faultsOf(faults, 'toServer'))
    this.#toClient.setFaults(faultsOf(faults, 'toClient'))
  }

  cut(): void {
    this.#close('reset')
  }

  #directionOf(name: DirectionName, source: Socket, sink: Socket): Direction {
    const { clock, chance, faults, maxQueuedBytes } = this.#options
    const direction = new Direction({
      clock,
      maxQueuedBytes,
      random: chance.fork(name).random,
      faults: faultsOf(faults, name),
      deliver: (bytes) => !sink.writable || sink.write(bytes), // to who has gone anything may be sent
      ended: (how) => {
        if (how === 'end') sink.end()
        else abort(sink)
      },
      close: (how) => this.#close(how),
      flow: (goesOn) => {
        if (this.#isClosing || goesOn) source.resume()
        else source.pause()
      },
    })
    let hasEnded = false
    source.on('data', (chunk: Uint8Array) => direction.push(chunk))
    source.on('end', () => {
      hasEnded = true
      direction.end('end')
    })
    source.on('error', () => {}) // shows in `close`
    source.on('close', (hadError) => {
      if (hadError || !hasEnded) direction.end('reset')
      this.#socketClosed()
    })
    sink.on('drain', () => direction.ready())
    sink.on('close', () => direction.ready())
    return direction
  }

  /** What a fault does, at both ends at once. */
  #close(how: Ending): void {
    const { client, server, clock } = this.#options
    this.#toServer.stop()
    this.#toClient.stop()
    if (how === 'reset') {
      abort(client)
      abort(server)
    } else if (!this.#isClosing) {
      this.#isClosing = true
      // What comes is read and thrown away: an unread rest would turn the end into a reset, and what came before it were lost.
      for (const socket of [client, server]) socket.resume().end()
      this.#cancelFarewell = clock.after(FAREWELL_MS, () => this.#close('reset'), true)
    }
  }

  #socketClosed(): void {
    const { client, server } = this.#options
    if (!client.closed || !server.closed) return
    this.#cancelFarewell()
    this.#toServer.stop()
    this.#toClient.stop()
    this.#over()
  }
}
