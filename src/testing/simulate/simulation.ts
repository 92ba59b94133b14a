/** What the user's side of a simulation sees: its options, the run that a workload drives, and the report. */
import type { AnyContract } from '../../contract/index.ts'
import type { LimitOptions } from '../../limits.ts'
import type { App } from '../../place/index.ts'
import type { ClientOf, Connection, ConnectOptions, RouterOptions, ServeOptions, Service } from '../../rpc/index.ts'
import type { Override } from '../plan.ts'
import type { FaultKind } from './plan.ts'

/** One run, as a process of it sees it: its services, its workload; invariants see it as the first client does. */
export interface Simulation {
  readonly seed: number
  /** What the process is called in the story: `client`, or `client2`; the name of a server. */
  readonly process: string
  /** The how-manieth client it is, or the how-manieth server, from 0. */
  readonly index: number
  /** How often the process has crashed and begun anew. */
  readonly restarts: number
  /** A client whose calls go through the connection that there is; where one was closed, through the next. */
  client<C extends AnyContract>(contract: C): ClientOf<C>
  /**
   * The connection that calls to the first server go through just now, for `ready`, `stats` and `renewCredentials`. Only the
   * fault `clientClose` closes it.
   */
  readonly connection: Connection
  /**
   * Lets virtual time pass, in milliseconds by the process's clock. Nothing else may wait for time: a real timer makes a run
   * differ from itself. In a process that has crashed it never ends, and nor does a call.
   */
  sleep(ms: number): Promise<void>
  /** The process's time of day, in virtual milliseconds; the fault `clockJump` sets it ahead and back. */
  now(): number
  /** From 0 up to, not including, 1, from the seed. */
  random(): number
  /** A line for the story that a failure tells. */
  note(line: string): void
}

type Services = Service | readonly Service[] | App

/**
 * Something that holds at the end of every run: returns `true` or nothing; returns `false` or throws where it does not hold. Whatever
 * else it returns is refused, so that no answer of a call passes for one; but for what `expect` returns, which would have thrown.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one that throws
export type Invariant = (simulation: Simulation) => boolean | void | Promise<boolean | void>

/** Options of `simulate`. */
export interface SimulateOptions {
  /**
   * What is served; a function makes them anew for each run, so that no run begins with what another left. Of an app all
   * services are, wherever it has them, and nothing of its options.
   */
  readonly services: Services | ((simulation: Simulation) => Services)
  /**
   * Servers, each a process of its own, and which services each has, by the names of their contracts:
   * `{ front: ['orders'], back: ['users', 'billing'] }`. What a service uses and is not beside it, it calls over the network. A
   * function that makes the services is called for each of them. Default: one server that has them all.
   */
  readonly servers?: Readonly<Record<string, readonly string[]>> | undefined
  /**
   * What a server that has crashed begins with: its services as they were, as if all their state were on a disk (`kept`), or made
   * anew by the function `services` (`lost`). Default `kept`.
   */
  readonly state?: 'kept' | 'lost' | undefined
  /**
   * Client processes, 1,000 at most, each of which runs the workload. Default 1; where there is no `workload`, each seed has one to so many, and
   * the default is 3.
   */
  readonly clients?: number | undefined
  /** The first seed. Default 1. */
  readonly seed?: number | undefined
  /** How many seeds, one after the other. Default 100, or 1 where `seed` is given. */
  readonly seeds?: number | undefined
  /** Calls of each run, where there is no `workload`; one seed in twenty has eight times as many, all at once. Default 25. */
  readonly calls?: number | undefined
  /** The kinds of faults that may be. Default: all of `faultKinds`. */
  readonly faults?: readonly FaultKind[] | undefined
  /** How long things go wrong, in virtual milliseconds, at most; a seed draws 200 to 3,000. */
  readonly faultMs?: number | undefined
  /**
   * What a client does; where its process crashes (`clientCrash`), that is left as it is and begins anew. Default: calls of every
   * method, with values of `arbitrary`.
   */
  readonly workload?: ((simulation: Simulation) => Promise<unknown>) | undefined
  /** What must hold when a workload has ended, by name. */
  readonly invariants?: Readonly<Record<string, Invariant>> | undefined
  /**
   * Looks for a shorter story of a seed that fails: with fewer kinds of faults, fewer clients and calls, less time. A number says
   * how many runs that may take. Default `true`: 100.
   */
  readonly shrink?: boolean | number | undefined
  /** Limits of both sides, over those that the fault `smallLimits` draws. */
  readonly limits?:
    | { readonly client?: LimitOptions | undefined; readonly server?: LimitOptions | undefined }
    | undefined
  /** Middleware, `authorize` and log of the router. Default log: none. */
  readonly router?: Omit<RouterOptions, 'limits'> | undefined
  /** Middleware and credentials of the client. What the middleware asks for is judged, each time as a call of its own. */
  readonly connect?: Pick<ConnectOptions, 'use' | 'credentials'> | undefined
  /** Who may connect, and whether the contracts are told. */
  readonly serve?: Pick<ServeOptions, 'authenticate' | 'reflection'> | undefined
  /** Of `arbitrary`, for schemas that need it. */
  readonly override?: Override | undefined
}

/** The `data` of what `simulate` rejects with where a check does not hold. */
export interface SimulationFailure {
  readonly seed: number
  /** What did not hold. */
  readonly check: string
  /** Over the options they were, whatever these say of the same, these run it again. Plain JSON, to be kept in a file. */
  readonly again: Pick<SimulateOptions, 'seed' | 'seeds' | 'faults' | 'faultMs' | 'clients' | 'calls'>
  /** What happened, oldest first; of a long story the first and the last of it. */
  readonly events: readonly string[]
}

/** What happened in all runs together. */
export interface SimulationReport {
  readonly seeds: number
  readonly calls: number
  /** Calls whose handler ran. */
  readonly handled: number
  /** Items that came, at callers and handlers, and those that were left out for them. */
  readonly items: number
  readonly dropped: number
  /** Connections that were made. */
  readonly connections: number
  /** How the calls ended: `{ ok: 812, unavailable: 31 }`; `left` for streams that their callers left. */
  readonly codes: Readonly<Record<string, number>>
  /** What the callers were told of their handlers, replies included. */
  readonly processed: Readonly<Record<string, number>>
  /** How often each kind of fault happened; what a caller does itself, such as `cancel`, is counted when its call begins. */
  readonly faults: Readonly<Record<FaultKind, number>>
  /** Virtual time, in milliseconds. */
  readonly virtualMs: number
  /** Sixteen hexadecimal digits that stand for everything that happened: the same options give the same digits, always. */
  readonly digest: string
}
