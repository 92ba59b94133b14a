/**
 * Builds fast-check arbitraries from plans (spec/testing.md). Invariant: every value ends. What is recursive has a
 * budget, which whatever could double the value halves; with none left it takes the shortest way out.
 */
import fc from 'fast-check'
import { misuse } from '../errors.ts'
import { boundedFilter, describeSchema } from './bounded.ts'
import { firstDifference } from './difference.ts'
import { PlanGraph } from './graph.ts'
import { namesOf } from './names.ts'
import { type ArrayPlan, fits, type ObjectPlan, type Plan } from './plan.ts'

/** A value's recursive parts have some 2^8 values at most, mostly far fewer. */
const BUDGET = 8

/** Arbitraries of plans, by what is left of the budget: in a graph with cycles each is built once for each budget. */
export class Builder {
  readonly graph = new PlanGraph()
  readonly #built = new Map<Plan, Map<number, fc.Arbitrary<unknown>>>()

  build(plan: Plan, budget = BUDGET): fc.Arbitrary<unknown> {
    const left = Math.max(0, budget)
    const builtOf = this.#built.get(plan) ?? new Map<number, fc.Arbitrary<unknown>>()
    this.#built.set(plan, builtOf)
    let built = builtOf.get(left)
    if (!built) {
      const values = this.#build(plan, left)
      built =
        plan.checks.length === 0
          ? values
          : boundedFilter(
              values,
              (value) => fits(plan, value),
              () => plan.checks.map((shape) => describeSchema(shape.schema)).join(' and '),
            )
      builtOf.set(left, built)
    }
    return built
  }

  #build(plan: Plan, budget: number): fc.Arbitrary<unknown> {
    switch (plan.kind) {
      case 'leaf':
        return plan.values
      case 'never':
        throw misuse(`no value fits: ${plan.reason}`)
      case 'union': {
        const branches = this.#affordable(plan.branches, budget).map((branch) => this.build(branch, budget))
        return fc.oneof({ withCrossShrink: true }, ...branches)
      }
      case 'tuple': {
        const items = plan.items.map((item) => item())
        return fc.tuple(...items.map((item) => this.build(item, this.#share(item, items, budget))))
      }
      case 'array':
        return this.#buildArray(plan, budget)
      case 'object':
        return this.#buildObject(plan, budget)
    }
  }

  /** Branches with a finite value, smallest first; without budget only those that end, or end soonest. */
  #affordable(branches: readonly Plan[], budget: number): readonly Plan[] {
    const finite = branches.filter((branch) => this.graph.heightOf(branch) < Number.POSITIVE_INFINITY)
    const sorted = finite.toSorted((a, b) => this.graph.heightOf(a) - this.graph.heightOf(b))
    const [lowest] = sorted
    if (budget > 0 || !lowest) return sorted
    return sorted.filter((branch) => branch === lowest || !this.graph.isEndless(branch))
  }

  /** The budget of one of several parts: what is endless shares it with the others that are. */
  #share(part: Plan, all: readonly Plan[], budget: number): number {
    if (!this.graph.isEndless(part)) return budget
    return budget - 1 - Math.ceil(Math.log2(all.filter((one) => this.graph.isEndless(one)).length))
  }

  /** How many of something may stand beside each other, and the budget of each: many small ones, or two large ones. */
  #countsFor(item: Plan, budget: number): readonly { most: number; each: number }[] {
    const isEndless = this.graph.isEndless(item)
    if (this.graph.heightOf(item) === Number.POSITIVE_INFINITY || (budget === 0 && isEndless))
      return [{ most: 0, each: 0 }]
    const bits = Math.ceil(budget / 2)
    const many = { most: 2 ** bits, each: budget - bits - 1 }
    return isEndless && bits > 1 ? [many, { most: 2, each: budget - 2 }] : [many]
  }

  #buildArray(plan: ArrayPlan, budget: number): fc.Arbitrary<unknown[]> {
    return fc.oneof(
      ...this.#countsFor(plan.item(), budget).map(({ most, each }) => this.#buildArrayOf(plan, most, each)),
    )
  }

  #buildArrayOf(plan: ArrayPlan, most: number, each: number): fc.Arbitrary<unknown[]> {
    const contained = plan.contains.map((one) =>
      fc.array(this.build(one.item(), each), { minLength: one.count, maxLength: one.count + 1 }),
    )
    const containedCount = plan.contains.reduce((sum, one) => sum + one.count, 0)
    const minLength = Math.max(0, plan.minItems - containedCount)
    const maxLength = Math.min(plan.maxItems - containedCount, Math.max(minLength, most))
    const items =
      maxLength <= 0
        ? fc.constant([])
        : fc.array(this.build(plan.item(), each), { minLength, maxLength: plan.unique ? 4 * maxLength : maxLength })
    const lists = fc.tuple(items, ...contained).map((parts) => parts.flat())
    if (!plan.unique) return lists
    return boundedFilter(
      lists.map((list) => distinct(list).slice(0, Math.max(maxLength, plan.minItems) + containedCount)),
      (list) => list.length >= plan.minItems,
      () => `an array of ${plan.minItems} different items`,
    )
  }

  #buildObject(plan: ObjectPlan, budget: number): fc.Arbitrary<Record<string, unknown>> {
    const declared = [...plan.properties].map(([name, property]) => ({
      name,
      required: property.required,
      plan: property.plan(),
    }))
    const required = declared.filter((property) => property.required)
    const optional = this.#affordableProperties(declared, plan.minProperties - required.length, budget)
    const present = [...required, ...optional]
    const plans = present.map((property) => property.plan)
    const values = present.map((property) => {
      const value = this.build(property.plan, this.#share(property.plan, plans, budget)).map((one): unknown[] => [one])
      return property.required ? value : fc.option(value, { nil: [] })
    })
    const fewest = Math.max(0, plan.minProperties - present.length)
    const room = Math.max(0, plan.maxProperties - required.length)
    return fc
      .tuple(
        fc.tuple(...values),
        this.#buildBroughtAlong(plan, fewest, room, budget),
        fc.nat({ max: Math.max(0, present.length - 1) }),
      )
      .map(([own, brought, start]) => {
        const named = present.flatMap(({ name, required: isRequired }, n) =>
          (own[n] ?? []).map((value) => ({ name, value, isRequired })),
        )
        // Starting anywhere varies the order of properties, and which of too many optional ones are left out.
        const ordered = [...named.slice(start), ...named.slice(0, start)]
        let left = room
        const kept = [...ordered, ...brought].filter((property) => property.isRequired || left-- > 0)
        return Object.fromEntries(kept.map(({ name, value }) => [name, value]))
      })
  }

  /** Optional properties that can be there; without budget only those that end, and as many others as must be. */
  #affordableProperties<P extends { readonly plan: Plan; readonly required: boolean }>(
    declared: readonly P[],
    needed: number,
    budget: number,
  ): readonly P[] {
    const finite = declared.filter(
      (property) => !property.required && this.graph.heightOf(property.plan) < Number.POSITIVE_INFINITY,
    )
    if (budget > 0) return finite
    const ending = finite.filter((property) => !this.graph.isEndless(property.plan))
    const others = finite.filter((property) => this.graph.isEndless(property.plan))
    const soonest = others.toSorted((a, b) => this.graph.heightOf(a.plan) - this.graph.heightOf(b.plan))
    return [...ending, ...soonest.slice(0, Math.max(0, needed - ending.length))]
  }

  /** Properties that the schema does not name: of a pattern, or of whatever it says of the rest. */
  #buildBroughtAlong(plan: ObjectPlan, fewest: number, room: number, budget: number): fc.Arbitrary<Property[]> {
    const plans = plan.broughtAlong.map((one) => one.roughly())
    const [deciding] = [...plans.filter((one) => this.graph.isEndless(one)), ...plans]
    if (!deciding) return fc.constant([])
    const counts = budget === 0 ? [{ most: 1, each: 0 }] : this.#countsFor(deciding, budget)
    const names = fc.oneof(...plan.broughtAlong.map((one) => namesOf(one.names)))
    return fc.oneof(
      ...counts.map(({ most, each }) => {
        const properties = names.chain((name): fc.Arbitrary<Property | undefined> => {
          const value = plan.planFor(name)
          const isUnwanted =
            !value ||
            this.graph.heightOf(value) === Number.POSITIVE_INFINITY ||
            (budget === 0 && fewest === 0 && this.graph.isEndless(value))
          return isUnwanted
            ? fc.constant(undefined)
            : this.build(value, each).map((one) => ({ name, value: one, isRequired: false }))
        })
        // Some names turn out to be declared, refused or taken, so a few more are asked for where some are needed.
        const maxLength = Math.min(room, Math.max(fewest, most))
        const bounds =
          fewest === 0 ? { maxLength } : { minLength: 2 * fewest, maxLength: 2 * Math.max(maxLength, fewest) }
        return fc.array(properties, bounds).map((found) => withDistinctNames(found).slice(0, maxLength))
      }),
    )
  }
}

/** A property of an object that is being built. */
interface Property {
  readonly name: string
  readonly value: unknown
  readonly isRequired: boolean
}

function withDistinctNames(properties: readonly (Property | undefined)[]): Property[] {
  const byName = new Map<string, Property>()
  for (const property of properties) if (property) byName.set(property.name, property)
  return [...byName.values()]
}

function distinct(list: readonly unknown[]): unknown[] {
  return list.filter((item, index) => list.findIndex((other) => firstDifference(other, item) === undefined) === index)
}
