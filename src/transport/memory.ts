/**
 * Two links that are each other's peer, within one process: the whole protocol, no socket. What carries the bytes can be
 * replaced, so that tests split, delay and cut them.
 */
import type { Limits } from '../limits.ts'
import type { Clock } from '../session/index.ts'
import { ByteLink, type Done } from './byte-link.ts'

/** Carries a chunk: calls `deliver` once or more, in order, with all of its bytes, now or later. */
export type Carry = (chunk: Uint8Array, deliver: (chunk: Uint8Array) => void) => void

export interface MemoryPairOptions {
  readonly clock: Clock
  readonly limits: { readonly client: Limits; readonly server: Limits }
  /** What carries the bytes, the same or one for each direction. Default: each chunk whole, in the next turn. */
  readonly carry?: Carry | { readonly toServer: Carry; readonly toClient: Carry } | undefined
  /** How each end calls the other. Default: `memory`. */
  readonly peers?: { readonly ofClient: string; readonly ofServer: string } | undefined
}

/** Makes a pair of links, the client's and the server's. */
export function memoryPair(options: MemoryPairOptions): { readonly client: MemoryLink; readonly server: MemoryLink } {
  const { clock, limits, carry = (chunk, deliver) => clock.turn(() => deliver(chunk)), peers } = options
  const { toServer, toClient } = typeof carry === 'function' ? { toServer: carry, toClient: carry } : carry
  const client = new MemoryLink({ clock, limits: limits.client, peer: peers?.ofClient ?? 'memory' }, toServer)
  const server = new MemoryLink({ clock, limits: limits.server, peer: peers?.ofServer ?? 'memory' }, toClient)
  client.join(server)
  server.join(client)
  return { client, server }
}

export class MemoryLink extends ByteLink {
  readonly #carry: Carry
  #peer: MemoryLink | undefined
  /** Sent and not yet taken by the peer. */
  #underway = 0
  #held: Uint8Array[] = []
  #holds = false
  #isFinished = false
  #isGone = false

  constructor(options: ConstructorParameters<typeof ByteLink>[0], carry: Carry) {
    super(options)
    this.#carry = carry
  }

  /** Says who is at the other end. */
  join(peer: MemoryLink): void {
    this.#peer = peer
  }

  /** Whether this end has said its last word, or was destroyed. */
  get isOver(): boolean {
    return this.#isFinished || this.#isGone
  }

  /** Whether both directions are closed. */
  get isGone(): boolean {
    return this.#isGone
  }

  get isCongested(): boolean {
    return this.#underway > this.limits.maxBacklogBytes
  }

  get takenBytes(): number {
    return this.flushedBytes - this.#underway
  }

  keepProcess(): void {}

  destroy(error?: Error): void {
    if (this.#isGone) return
    this.#isGone = true
    const peer = this.#peer
    this.clock.turn(() => {
      this.closed(error)
      peer?.destroy(error)
    })
  }

  protected send(chunks: Uint8Array[], done: Done): void {
    const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const bytes = new Uint8Array(total) // the sender's buffers will be used again
    let at = 0
    for (const chunk of chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    done()
    this.#underway += total
    this.#carry(bytes, (chunk) => this.#peer?.arrive(chunk))
  }

  protected finish(flushed: () => void): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.clock.turn(flushed)
    // An empty chunk stands for the end, so that it stays behind the bytes before it.
    this.#carry(END, (chunk) => this.#peer?.arrive(chunk))
  }

  protected pauseSource(): void {
    this.#holds = true
  }

  protected resumeSource(): void {
    this.#holds = false
    while (!this.#holds) {
      const chunk = this.#held.shift()
      if (!chunk) return
      this.#take(chunk)
    }
  }

  /** Bytes from the peer. */
  arrive(chunk: Uint8Array): void {
    if (this.#isGone) return
    // While those that were held are taken, a turn may pass, with more that arrives.
    if (this.#holds || this.#held.length > 0) this.#held.push(chunk)
    else this.#take(chunk)
  }

  #take(chunk: Uint8Array): void {
    if (chunk.length === 0) {
      // As a socket with both directions ended: the second end closes both.
      if (this.#isFinished) this.destroy()
      else this.end()
      return
    }
    this.#peer?.taken(chunk.length)
    this.receive(chunk)
  }

  /** The peer has taken bytes. */
  taken(bytes: number): void {
    const wasCongested = this.isCongested
    this.#underway -= bytes
    if (wasCongested && !this.isCongested) this.clock.turn(() => this.drained())
  }
}

const END = new Uint8Array(0)
