/** Lines of a decoder that take the properties of an object, in whatever order they come (spec/codecs.md). */
import { matches } from './decode-leaf.ts'
import { quote, type Source } from './source.ts'
import { skipUnknown, UnknownNames } from './unknown.ts'

/** A property as generated code takes it. */
export interface PropertyPlan {
  readonly name: string
  /** The name as MessagePack. */
  readonly key: Uint8Array
  readonly optional: boolean
  readonly take: (variable: string) => void
  readonly variable: string
  readonly mask: string
  readonly bit: number
}

/** The properties in the order of their declaration, as far as they come so. */
export function writeExpected(source: Source, properties: readonly PropertyPlan[]): void {
  if (properties.length === 0) return
  source.line('expected: {')
  for (const { key, optional, take, variable, mask, bit } of properties) {
    source.line(`if (n > 0 && ${matches(key)}) {`)
    source.line(`p += ${key.length}; n--; ${mask} |= ${bit}`)
    take(variable)
    source.line(optional ? '}' : '} else break expected')
  }
  source.line('}')
}

/** What is left of the map: each property by its own key, and what is not declared is skipped. */
export function writeUnexpected(
  source: Source,
  fail: string,
  properties: readonly PropertyPlan[],
  refuses: boolean,
): void {
  const unknown = source.constant(UnknownNames)
  source.line('if (n > 0) {')
  source.line('let u')
  source.line('for (; n > 0; n--) {')
  source.line('switch (b[p]) {')
  for (const header of new Set(properties.map(({ key }) => key[0]))) {
    source.line(`case ${header}:`)
    for (const { key, take, variable, mask, bit } of properties.filter((one) => one.key[0] === header)) {
      source.line(`if (${matches(key)}) {`)
      source.line(`if ((${mask} & ${bit}) !== 0) ${fail}`)
      source.line(`p += ${key.length}; ${mask} |= ${bit}`)
      take(variable)
      source.line('continue }')
    }
    source.line('break')
  }
  source.line('}')
  if (refuses) source.line(fail)
  else {
    source.line(`u ??= new ${unknown}()`)
    source.line(`if ((p = u.skipKey(b, p, e)) < 0 || (p = ${source.constant(skipUnknown)}(b, p, e)) < 0) ${fail}`)
  }
  source.line('}')
  source.line('}')
}

/** The object, in the order of the declaration, whatever the order of the bytes. */
export function writeBuild(source: Source, properties: readonly PropertyPlan[]): void {
  const firstOptional = properties.findIndex(({ optional }) => optional)
  const always = firstOptional < 0 ? properties : properties.slice(0, firstOptional)
  const rest = firstOptional < 0 ? [] : properties.slice(firstOptional)
  source.line(`const v = { ${always.map(({ name, variable }) => `${quote(name)}: ${variable}`).join(', ')} }`)
  for (const { name, optional, variable, mask, bit } of rest) {
    const condition = optional ? `if ((${mask} & ${bit}) !== 0) ` : ''
    source.line(`${condition}v[${quote(name)}] = ${variable}`)
  }
}
