/**
 * A filter that ends (spec/testing.md): fast-check's own `filter` tries for ever, and a schema may be one that hardly
 * any generated value fits, or none at all.
 */
import fc from 'fast-check'
import { misuse } from '../errors.ts'

/** Enough to find one value in a thousand almost surely, and over within a second for most predicates. */
const MAX_TRIES = 5_000

class BoundedFilter<T> extends fc.Arbitrary<T> {
  readonly #source: fc.Arbitrary<T>
  readonly #accepts: (value: T) => boolean
  readonly #describe: () => string

  constructor(source: fc.Arbitrary<T>, accepts: (value: T) => boolean, describe: () => string) {
    super()
    this.#source = source
    this.#accepts = accepts
    this.#describe = describe
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<T> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // A bias towards small values may be what never fits, so the second half goes without.
      const value = this.#source.generate(random, tries < MAX_TRIES / 2 ? biasFactor : undefined)
      if (this.#accepts(value.value)) return value
    }
    throw misuse(
      `none of ${MAX_TRIES} generated values fits ${this.#describe()}: mend the schema if nothing can, ` +
        'or pass { override: (schema) => … } to arbitrary() with a generator of your own for it',
    )
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.#source.canShrinkWithoutContext(value) && this.#accepts(value)
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.#source.shrink(value, context).filter((shrunk) => this.#accepts(shrunk.value))
  }
}

/**
 * The values of `source` that `accepts` takes.
 * @throws NanowireError `invalid_argument`, when a value is generated and none of many tries is taken.
 */
export function boundedFilter<T>(
  source: fc.Arbitrary<T>,
  accepts: (value: T) => boolean,
  describe: () => string,
): fc.Arbitrary<T> {
  return new BoundedFilter(source, accepts, describe)
}

/** How an error shows a schema: as JSON, cut where it gets long. */
export function describeSchema(schema: object): string {
  const text = JSON.stringify(schema, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)) ?? ''
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
