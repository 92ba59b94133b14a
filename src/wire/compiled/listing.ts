/** Lines that go through what an object lists, for an encoder and for a passer (spec/codecs.md). */
import type { ObjectShape } from './cover.ts'
import { type DeclaredName, skipAbsent } from './look.ts'
import type { Source } from './source.ts'

/** Texts of JavaScript. */
export interface Listing {
  /** Whether it lists what is declared and there, in this order, and nothing else. */
  readonly isDeclared: string
  /** How much it lists, where `isDeclared` holds. */
  readonly listed: string
}

/** Most objects list what is declared, in this order; the others are to be looked at name by name. */
export function writeListing(source: Source, shape: ObjectShape, value: string): Listing {
  const [next, listed, name] = [source.local('i'), source.local('m'), source.local('k')]
  const declared: DeclaredName[] = [...shape.properties].map(([one, { optional }]) => ({
    name: one,
    isOptional: optional,
  }))
  const names = source.constant(declared.map((one) => one.name))
  const isNext = `${names}[${next}++] === ${name}`
  const isDeclared = `${next} === ${declared.length}`
  source.line(`let ${next} = 0`)
  if (!declared.some((one) => one.isOptional)) {
    source.line(`for (const ${name} in ${value}) if (!(${isNext})) { ${next} = -1; break }`)
    return { isDeclared, listed: next }
  }
  const skip = `${source.constant(skipAbsent)}(${source.constant(declared)}, ${value}, `
  source.line(`let ${listed} = 0`)
  source.line(`for (const ${name} in ${value}) {`)
  source.line(`if (!(${isNext}) && (${next} = ${skip}${next} - 1, ${name})) < 0) break`)
  source.line(`${listed}++`)
  source.line('}')
  source.line(`if (${next} >= 0 && ${next} < ${declared.length}) ${next} = ${skip}${next}, undefined)`)
  return { isDeclared, listed }
}
