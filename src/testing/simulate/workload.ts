/** Calls of chance: every method, with values of its schema, and whatever a caller may say of a call or do to it. */
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import type { AnyContract, MethodRef } from '../../contract/index.ts'
import type { CallOptions } from '../../rpc/index.ts'
import { arbitrary } from '../arbitrary.ts'
import type { Override } from '../plan.ts'
import type { Chance } from './chance.ts'
import { UNTRAVELLED } from './handler-faults.ts'
import { ItemWorkload } from './item-workload.ts'
import type { FaultKind } from './plan.ts'
import { type CountedSignal, countedSignal } from './signals.ts'
import type { Life } from './view.ts'
import type { World } from './world.ts'

/** Values of each schema; so many seeds in a row share them, for making them costs more than a run. */
const SEEDS_OF_POOL = 64
const VALUES_OF_POOL = 40

/** How many times as many calls a burst has. */
const BURST = 8

/** Values of schemas. What a seed gets depends on the seed alone. */
export class ValuePool {
  readonly #override: Override | undefined
  readonly #pools = new Map<TSchema, { readonly block: number; readonly values: readonly unknown[] }>()

  constructor(override: Override | undefined) {
    this.#override = override
  }

  valuesOf(schema: TSchema, seed: number): readonly unknown[] {
    const block = Math.floor(seed / SEEDS_OF_POOL)
    const known = this.#pools.get(schema)
    if (known?.block === block) return known.values
    const options = { seed: block, numRuns: VALUES_OF_POOL }
    const values = fc.sample(arbitrary(schema, { override: this.#override }), options)
    this.#pools.set(schema, { block, values })
    return values
  }
}

/** Before anything runs: a schema of which no values can be made is the contract's, and no failure of a run. */
export function drawValues({ services, seed }: World, pool: ValuePool): void {
  for (const { contract } of services)
    for (const { definition, event } of Object.values<MethodRef>(contract.methods)) {
      pool.valuesOf(definition.request, seed)
      if (event) pool.valuesOf(definition.reply, seed)
    }
}

export interface WorkloadOptions {
  readonly world: World
  /** The client that makes them. */
  readonly index: number
  readonly calls: number
  readonly pool: ValuePool
}

interface Target {
  readonly contract: AnyContract
  readonly method: MethodRef
}

export class Workload {
  /** Every signal that was passed to a call. */
  readonly signals: CountedSignal[] = []
  readonly #world: World
  /** Calls that are still to be made, in whatever life. */
  #left: number
  readonly #pool: ValuePool
  readonly #chance: Chance
  readonly #targets: readonly Target[]
  readonly #items: ItemWorkload

  constructor({ world, index, calls, pool }: WorkloadOptions) {
    this.#world = world
    this.#left = calls
    this.#pool = pool
    this.#chance = world.chance.fork(`workload ${index}`)
    this.#items = new ItemWorkload({
      world,
      chance: this.#chance,
      goesWrong: (kind, share) => this.#goesWrong(kind, share),
      drawValue: ({ definition }, side) => this.#chance.pick(pool.valuesOf(definition[side], world.seed)),
    })
    this.#targets = world.services.flatMap(({ contract }) =>
      Object.values<MethodRef>(contract.methods).map((method) => ({ contract, method })),
    )
  }

  /** Several callers in one life of the client, some of which wait for their replies. Resolves when all calls have ended. */
  async run(life: Life): Promise<void> {
    const chance = this.#chance
    const calls = this.#left
    if (this.#world.plan.isBurst) {
      this.#left = 0
      const open = Array.from({ length: calls * BURST }, () => this.#call(life))
      await Promise.all([...open, this.#publish(calls, life)])
      return
    }
    const callers = chance.between(1, 6)
    const gapMs = chance.pick([1, 10, 100, 400])
    const shares = Array.from({ length: callers }, (_, index) => Math.ceil((calls - index) / callers))
    await Promise.all(shares.map((share) => this.#caller(share, gapMs, life)))
  }

  /** Beside calls that all begin at once. */
  async #publish(times: number, { process }: Life): Promise<void> {
    for (let left = times; left > 0; left--) {
      await process.sleep(this.#chance.between(0, 50))
      this.#items.publish()
    }
  }

  async #caller(calls: number, gapMs: number, life: Life): Promise<void> {
    const chance = this.#chance
    const open: Promise<unknown>[] = []
    for (let made = 0; made < calls; made++) {
      if (chance.happens(0.5)) await life.process.sleep(chance.between(0, gapMs))
      this.#items.publish()
      this.#left--
      const call = this.#call(life)
      if (chance.happens(0.4)) await call
      else open.push(call)
    }
    await Promise.all(open)
  }

  /** The observer has seen whatever it ends with. */
  async #call({ outgoing, process }: Life): Promise<void> {
    const chance = this.#chance
    const { seed } = this.#world
    const { contract, method } = chance.pick(this.#targets)
    const isBad = this.#goesWrong('badRequest', 0.05)
    const isNoSource = isBad && chance.happens(0.2)
    const request =
      method.input && !isNoSource
        ? this.#items.give(method, isBad, process)
        : isBad
          ? UNTRAVELLED
          : chance.pick(this.#pool.valuesOf(method.definition.request, seed))
    const options = this.#callOptions()
    if (method.output) await this.#items.take(outgoing.open(contract, method, request, options), method, process)
    else await outgoing.call(contract, method, request, options).catch(() => {})
  }

  #callOptions(): CallOptions {
    const chance = this.#chance
    const isLong = chance.happens(0.1)
    const timeoutMs = this.#goesWrong('shortDeadline', 0.3)
      ? chance.between(1, chance.pick([10, 300]))
      : isLong
        ? Number.POSITIVE_INFINITY
        : undefined
    const metadata = chance.happens(0.3) ? { trace: 'm'.repeat(chance.between(0, 300)) } : undefined
    const priority = chance.happens(0.2) ? chance.pick(['low', 'normal', 'high'] as const) : undefined
    return { timeoutMs, metadata, priority, signal: this.#signal() }
  }

  #signal(): AbortSignal | undefined {
    const chance = this.#chance
    const cancels = this.#goesWrong('cancel', 0.2)
    const before = chance.happens(0.3) ? this.signals[this.signals.length - 1] : undefined
    if (!cancels && !chance.happens(0.1)) return undefined
    if (before) return before.signal
    const counted = countedSignal()
    this.signals.push(counted)
    const when = chance.random()
    if (cancels && when < 0.05) counted.abort()
    else if (cancels) this.#world.clock.after(Math.floor(when ** 3 * 300), () => counted.abort())
    return counted.signal
  }

  #goesWrong(kind: FaultKind, share: number): boolean {
    const world = this.#world
    const happens = this.#chance.happens(share) && world.isOn(kind) && world.isFaulty
    if (happens) world.injected(kind)
    return happens
  }
}
