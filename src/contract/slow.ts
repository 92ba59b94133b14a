/**
 * What the sender of a stream does while its receiver does not keep up (spec/streams.md, F19): said by the contract, or by the
 * service over it.
 */
import { misuse } from '../errors.ts'

/**
 * What happens when the receiver gives no credit. `block`: the producer is not asked for more. `dropOldest`: it goes on, and
 * the oldest item that waits is left out. `latest`: it goes on, and an item replaces the one that waits, of an event with
 * a key the one of the same key. `disconnect`: it goes on, and a full budget ends the call with `resource_exhausted`.
 */
export type SlowPolicy = 'block' | 'dropOldest' | 'latest' | 'disconnect'

/** A policy, and how much may wait under it. */
export interface SlowRule {
  readonly policy: SlowPolicy
  /** Items that may wait. */
  readonly maxItems: number
  /** Bytes that may wait; not counted in memory. */
  readonly maxBytes: number
}

/** Who publishes an event waits for nobody. */
export type EventSlowPolicy = Exclude<SlowPolicy, 'block'>

/** A policy by its name, or with a budget: `maxItems` 1,024 and `maxBytes` 1 MiB unless said otherwise. */
export type SlowOption<Policy extends SlowPolicy = SlowPolicy> =
  | Policy
  | {
      readonly policy: Policy
      readonly maxItems?: number | undefined
      readonly maxBytes?: number | undefined
    }

const policies: ReadonlySet<unknown> = new Set<SlowPolicy>(['block', 'dropOldest', 'latest', 'disconnect'])
const names: ReadonlySet<string> = new Set(['policy', 'maxItems', 'maxBytes'])

/**
 * The rule that an option says.
 * @param where whose option it is, for the message
 * @throws NanowireError `invalid_argument`
 */
export function readSlow(where: string, option: unknown): SlowRule {
  if (typeof option === 'string') return readSlow(where, { policy: option })
  if (typeof option !== 'object' || option === null)
    throw misuse(`${where}: slow is a policy (${[...policies].join(', ')}), or { policy, maxItems, maxBytes }`)
  const unknown = Object.keys(option).find((name) => !names.has(name))
  if (unknown !== undefined)
    throw misuse(`${where}: slow has no option ${JSON.stringify(unknown)}; there are ${[...names].join(', ')}`)
  const { policy, maxItems = 1_024, maxBytes = 1_048_576 }: { [Name in keyof SlowRule]?: unknown } = option
  if (!isPolicy(policy))
    throw misuse(`${where}: slow has no policy ${JSON.stringify(policy)}; there are ${[...policies].join(', ')}`)
  return Object.freeze({
    policy,
    maxItems: requireBudget(where, 'maxItems', maxItems),
    maxBytes: requireBudget(where, 'maxBytes', maxBytes),
  })
}

function isPolicy(value: unknown): value is SlowPolicy {
  return policies.has(value)
}

function requireBudget(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  throw misuse(`${where}: slow.${name} is a whole number of at least 1, not ${String(value)}`)
}
