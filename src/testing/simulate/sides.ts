/**
 * Both sides of a run, as users have them: connections of a process to hosts, and servers of a host, one after the other, each in
 * lives that may end at any moment.
 */
import type { AnyContract, MethodRef } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import {
  type CallOptions,
  type ClientOf,
  type Connection,
  type ConnectOptions,
  connectWith,
  type ItemStream,
  type Router,
  type ServeOptions,
  serveWith,
} from '../../rpc/index.ts'
import { memoryPair } from '../../transport/index.ts'
import type { SimulatedNetwork } from './network.ts'
import { never, ONLY_SLEEP, type VirtualProcess } from './process.ts'
import type { Rounds } from './rounds.ts'

export interface OutgoingOptions {
  readonly network: SimulatedNetwork
  readonly process: VirtualProcess
  readonly options: ConnectOptions
  /** Told whenever its code asks whether calls can be made. */
  readonly rounds: Rounds
  /** Where a contract is, by its name. */
  readonly hostOf: (contract: string) => string
}

type StreamCall = (request: unknown, options?: CallOptions) => ItemStream<unknown>
type MethodCall = (request: unknown, options?: CallOptions) => Promise<unknown>

/** What one life of a process calls: one connection to each host, of which each can be closed and another one take its place. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #current = new Map<string, Connection>()

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /** Hosts that there is a connection to. */
  get hosts(): readonly string[] {
    return [...this.#current.keys()]
  }

  to(host: string): Connection {
    return this.#current.get(host) ?? this.reopen(host)
  }

  /** From now on calls to that host go through a new connection. */
  reopen(host: string): Connection {
    const { network, process, options, rounds } = this.#options
    const connect = connectWith(network.schemesOf(process), memoryPair)
    const connection = connect(`sim://${host}`, { ...options, clock: process.clock })
    connection.ready = watchReady(connection, process, rounds)
    process.connections.push(connection)
    this.#current.set(host, connection)
    return connection
  }

  /** A client whose calls go through whatever connection is there when they are made. */
  client<C extends AnyContract>(contract: C): ClientOf<C> {
    const methods = Object.keys(contract.methods).map((key) => {
      const now = () => this.#functionOf(contract, key) as MethodCall & { try: MethodCall } // one for each method
      const call: MethodCall = (request, options) => now()(request, options)
      if (methodOf(contract, key).output) return [key, Object.freeze(call)]
      const attempt: MethodCall = (request, options) => now().try(request, options)
      return [key, Object.freeze(Object.assign(call, { try: attempt }))]
    })
    return Object.freeze(Object.fromEntries(methods)) as ClientOf<C> // one for each method
  }

  call(contract: AnyContract, { name }: MethodRef, request: unknown, options: CallOptions): Promise<unknown> {
    return (this.#functionOf(contract, keyOf(name)) as MethodCall)(request, options) // of a method that is answered once
  }

  open(contract: AnyContract, { name }: MethodRef, request: unknown, options: CallOptions): ItemStream<unknown> {
    return (this.#functionOf(contract, keyOf(name)) as StreamCall)(request, options) // of a method with items
  }

  #functionOf(contract: AnyContract, key: string): unknown {
    return Reflect.get(this.to(this.#options.hostOf(contract.name)).client(contract), key)
  }
}

/** As its process's code has it: nothing comes of it once that has died, and it may be asked in a loop without end. */
function watchReady(connection: Connection, process: VirtualProcess, rounds: Rounds): Connection['ready'] {
  const ready = connection.ready.bind(connection)
  return async () => {
    if (process.isDead || rounds.areEndless) return never()
    const asked = {}
    rounds.made(asked)
    try {
      await process.alive(ready())
    } catch (error) {
      rounds.failed(asked)
      throw error
    }
  }
}

function keyOf(name: string): string {
  return name.slice(name.indexOf('/') + 1)
}

function methodOf(contract: AnyContract, key: string): MethodRef {
  return contract.methods[key] as MethodRef // one of its keys
}

export interface ServingOptions {
  readonly network: SimulatedNetwork
  readonly process: VirtualProcess
  readonly host: string
  readonly router: Router
  readonly options: ServeOptions
}

/** The services could not be served, or not again. Its cause is what `serve` rejected with. */
export class NotServed extends Error {}

/** How the library names the limit of a start. */
const START_IS_LATE = 'takes too long: startTimeoutMs'

/** Serves at a host, until it is closed or its process dies. @throws NotServed */
export async function serveAt({ network, process, host, router, options }: ServingOptions): Promise<void> {
  const serving = serveWith(network.schemesOf(process))(router, `sim://${host}`, { ...options, clock: process.clock })
  try {
    const server = await Promise.race([serving, process.death])
    if (server) process.servers.push(server)
  } catch (error) {
    if (process.isDead) return
    const cause = hinted(error, process)
    throw new NotServed(`serving failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** A start that takes too long, and waits for nothing that is simulated, is told what lets time pass. */
function hinted(error: unknown, { connections, sleeps }: VirtualProcess): unknown {
  const isLate = error instanceof NanowireError && error.cause === undefined && error.message.includes(START_IS_LATE)
  const asks = connections.some((one) => one.stats().inFlight + one.stats().waiting > 0)
  if (!isLate || sleeps || asks) return error
  return new NanowireError('unavailable', `${error.message}: ${ONLY_SLEEP}`, { processed: 'no' })
}
