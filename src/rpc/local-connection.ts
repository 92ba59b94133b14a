/** A connection to services in this process: calls are function calls. */
import type { AnyContract, MethodRef } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import type { Clock } from '../session/index.ts'
import { type CallOptions, type Channel, rejectCall, rejectStream } from './call.ts'
import { type ClientOf, clientOf } from './client.ts'
import { closeSource } from './close-source.ts'
import type { CloseOptions, Connection, ConnectionStats } from './connection.ts'
import { CallCounters } from './counters.ts'
import { DirectChannel } from './direct.ts'
import type { Host } from './host.ts'
import type { Items } from './item-stream.ts'
import type { ClientMiddleware } from './middleware.ts'
import { drainMsOf } from './options.ts'
import type { Router } from './route.ts'

export interface LocalConnectionOptions {
  readonly clock: Clock
  /** Who calls. */
  readonly principal: unknown
  readonly use: readonly ClientMiddleware[]
  /** What the router's services use, where they use something or start. */
  readonly host?: Host | undefined
}

export class LocalConnection implements Connection, Channel {
  readonly #counters = new CallCounters()
  readonly #channel: DirectChannel
  readonly #options: LocalConnectionOptions
  #closing: Promise<void> | undefined

  constructor(router: Router, options: LocalConnectionOptions) {
    this.#options = options
    this.#channel = new DirectChannel(router, options.clock, this.#counters, options.host)
  }

  client<C extends AnyContract>(contract: C): ClientOf<C> {
    return clientOf(contract, this, this.#options.use)
  }

  call(method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    if (this.#closing !== undefined) return rejectCall(this.#closed(method, request), method, this.#counters, 'memory')
    return this.#channel.call(method, request, options, this.#options.principal)
  }

  open(method: MethodRef, request: unknown, options: CallOptions): Items {
    if (this.#closing !== undefined)
      return rejectStream(this.#closed(method, request), method, this.#counters, 'memory')
    return this.#channel.open(method, request, options, this.#options.principal)
  }

  async ready(): Promise<void> {
    if (this.#closing !== undefined) throw closedError()
    await this.#channel.begin()
  }

  async renewCredentials(): Promise<void> {}

  stats(): ConnectionStats {
    const { inFlight, waiting } = this.#channel
    return {
      connections: 0,
      inFlight,
      waiting,
      ...this.#counters.counts(),
      bytesReceived: 0,
      bytesSent: 0,
      lateReplies: 0,
      unknownIds: 0,
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const drainMs = drainMsOf(options)
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  /** Why nothing comes of a call. */
  #closed(method: MethodRef, request: unknown): NanowireError {
    if (method.input) closeSource(request)
    return closedError()
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, host } = this.#options
    const until = clock.now() + drainMs
    await this.#channel.drain(drainMs)
    await host?.close(until)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function closedError(): NanowireError {
  return new NanowireError('unavailable', 'this connection was closed', { processed: 'no' })
}
