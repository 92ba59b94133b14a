/** Both sides of a run, as users have them: connections of a client and servers of a host, one after the other. */
import type { AnyContract, MethodRef } from '../../contract/index.ts'
import {
  type CallOptions,
  type ClientOf,
  type Connection,
  type ConnectOptions,
  connectWith,
  type ItemStream,
  type Router,
  type ServeOptions,
  type Server,
  serveWith,
} from '../../rpc/index.ts'
import { memoryPair } from '../../transport/index.ts'
import type { SimulatedNetwork } from './network.ts'
import type { ProcessClock } from './virtual-clock.ts'

export interface ClientSideOptions {
  readonly network: SimulatedNetwork
  readonly clock: ProcessClock
  readonly options: ConnectOptions
}

type StreamCall = (request: unknown, options?: CallOptions) => ItemStream<unknown>
type MethodCall = (request: unknown, options?: CallOptions) => Promise<unknown>

/** A client process. Its connection can be closed, and the next call after that opens another. */
export class ClientSide {
  readonly clock: ProcessClock
  /** Every connection that it ever had. */
  readonly connections: Connection[] = []
  readonly #options: ClientSideOptions

  constructor(options: ClientSideOptions) {
    this.#options = options
    this.clock = options.clock
    this.reopen()
  }

  get current(): Connection {
    return this.connections[this.connections.length - 1] as Connection // the constructor opens one
  }

  /** From now on calls go through a new connection. */
  reopen(): void {
    const { network, clock, options } = this.#options
    this.connections.push(connectWith(network.schemes, memoryPair)('sim://server', { ...options, clock }))
  }

  /** A client whose calls go through whatever connection is there when they are made. */
  client<C extends AnyContract>(contract: C): ClientOf<C> {
    const methods = Object.keys(contract.methods).map((key) => {
      const now = () => Reflect.get(this.current.client(contract), key) as MethodCall & { try: MethodCall } // one for each method
      const call: MethodCall = (request, options) => now()(request, options)
      if (methodOf(contract, key).output) return [key, Object.freeze(call)]
      const attempt: MethodCall = (request, options) => now().try(request, options)
      return [key, Object.freeze(Object.assign(call, { try: attempt }))]
    })
    return Object.freeze(Object.fromEntries(methods)) as ClientOf<C> // one for each method
  }

  call(contract: AnyContract, method: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    return (this.#functionOf(contract, method) as MethodCall)(request, options) // of a method that is answered once
  }

  open(contract: AnyContract, method: MethodRef, request: unknown, options: CallOptions): ItemStream<unknown> {
    return (this.#functionOf(contract, method) as StreamCall)(request, options) // of a method with items
  }

  #functionOf(contract: AnyContract, { name }: MethodRef): unknown {
    return Reflect.get(this.current.client(contract), name.slice(name.indexOf('/') + 1))
  }
}

function methodOf(contract: AnyContract, key: string): MethodRef {
  return contract.methods[key] as MethodRef // one of its keys
}

export interface ServerSideOptions {
  readonly network: SimulatedNetwork
  readonly clock: ProcessClock
  readonly router: Router
  readonly options: ServeOptions
}

/** The services could not be served, or not again. Its cause is what `serve` rejected with. */
export class NotServed extends Error {}

/** A server process. Its server can be closed, and another one take its place. */
export class ServerSide {
  readonly clock: ProcessClock
  readonly servers: Server[] = []
  readonly #options: ServerSideOptions

  constructor(options: ServerSideOptions) {
    this.#options = options
    this.clock = options.clock
  }

  get current(): Server | undefined {
    return this.servers[this.servers.length - 1]
  }

  /** @throws NotServed */
  async serve(): Promise<void> {
    const { network, clock, router, options } = this.#options
    try {
      this.servers.push(await serveWith(network.schemes)(router, 'sim://server', { ...options, clock }))
    } catch (cause) {
      throw new NotServed(`serving failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
}
