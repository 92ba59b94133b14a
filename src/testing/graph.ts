/**
 * What can be known of plans before a value is built (spec/testing.md): how deep the smallest value goes, and whether
 * values may go on for ever. Both are kept, because every plan is asked many times.
 */
import type { Plan } from './plan.ts'

export class PlanGraph {
  readonly #heights = new Map<Plan, number>()
  readonly #endless = new Map<Plan, boolean>()

  /** Containers inside each other in the smallest value, itself included; `Infinity` when there is no finite value. */
  heightOf(plan: Plan): number {
    const known = this.#heights.get(plan)
    if (known !== undefined) return known
    const reachable = this.#reachable(plan).filter((one) => !this.#heights.has(one))
    for (const one of reachable) this.#heights.set(one, Number.POSITIVE_INFINITY)
    // Heights only fall, and each round settles at least one, so this ends.
    for (let changed = true; changed; ) {
      changed = false
      for (const one of reachable) {
        const height = this.#estimate(one)
        if (height < this.#knownHeight(one)) {
          this.#heights.set(one, height)
          changed = true
        }
      }
    }
    return this.#knownHeight(plan)
  }

  /** Whether a value of this plan may hold another one of the same plan, and so on. */
  isEndless(plan: Plan): boolean {
    return this.#findCycle(plan, new Set())
  }

  #findCycle(plan: Plan, above: Set<Plan>): boolean {
    const known = this.#endless.get(plan)
    if (known !== undefined) return known
    if (above.has(plan)) return true
    above.add(plan)
    const endless = partsOf(plan).some((part) => this.#findCycle(part, above))
    above.delete(plan)
    this.#endless.set(plan, endless)
    return endless
  }

  #estimate(plan: Plan): number {
    switch (plan.kind) {
      case 'leaf':
        return 0
      case 'never':
        return Number.POSITIVE_INFINITY
      case 'union':
        return Math.min(...plan.branches.map((branch) => this.#knownHeight(branch)))
      case 'tuple':
        return 1 + this.#highest(plan.items.map((item) => item()))
      case 'array': {
        const contained = plan.contains.map((one) => one.item())
        return 1 + this.#highest(contained.length === 0 && plan.minItems > 0 ? [plan.item()] : contained)
      }
      case 'object': {
        const properties = [...plan.properties.values()]
        const required = properties.filter((property) => property.required).map((property) => property.plan())
        const missing = plan.minProperties - required.length
        if (missing <= 0) return 1 + this.#highest(required)
        const optional = properties.filter((property) => !property.required).map((property) => property.plan())
        const brought = plan.broughtAlong.map((one) => one.roughly())
        const heights = [...optional, ...brought].map((one) => this.#knownHeight(one)).sort((a, b) => a - b)
        const repeated = Math.min(...brought.map((one) => this.#knownHeight(one))) // any number of these will do
        return (
          1 + Math.max(this.#highest(required), Math.min(repeated, heights[missing - 1] ?? Number.POSITIVE_INFINITY))
        )
      }
    }
  }

  #highest(plans: readonly Plan[]): number {
    return Math.max(0, ...plans.map((plan) => this.#knownHeight(plan)))
  }

  #knownHeight(plan: Plan): number {
    return this.#heights.get(plan) ?? Number.POSITIVE_INFINITY
  }

  #reachable(from: Plan): readonly Plan[] {
    const reached = new Set([from])
    for (const plan of reached) for (const part of partsOf(plan)) reached.add(part)
    return [...reached]
  }
}

/** The plans of what a value of this plan may consist of. */
function partsOf(plan: Plan): readonly Plan[] {
  switch (plan.kind) {
    case 'array':
      return [plan.item(), ...plan.contains.map((one) => one.item())]
    case 'tuple':
      return plan.items.map((item) => item())
    case 'object':
      return [
        ...[...plan.properties.values()].map((property) => property.plan()),
        ...plan.broughtAlong.map((one) => one.roughly()),
      ]
    case 'union':
      return plan.branches
    default:
      return []
  }
}
