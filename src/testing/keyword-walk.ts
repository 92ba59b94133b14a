/**
 * Walks a schema as data, so that keywords which say nothing of the wire (`contains`, `not`) are met too
 * (spec/testing.md). Paths are those of the value, an asterisk for any item; a definition begins its own.
 */
import type { TSchema } from 'typebox'

export type Keywords = Readonly<Record<string, unknown>>

/** Keywords that hold one schema, and the segment that it adds to the path. */
const single: Readonly<Record<string, string>> = {
  items: '/*',
  additionalProperties: '/*',
  unevaluatedProperties: '/*',
  contains: '/*',
  not: '',
}

/** Keywords that hold schemas by number or by name. */
const listed: Readonly<Record<string, (key: string) => string>> = {
  allOf: () => '',
  anyOf: () => '',
  oneOf: () => '',
  items: (index) => `/${index}`,
  prefixItems: (index) => `/${index}`,
  properties: (name) => `/${name}`,
  patternProperties: () => '/*',
  $defs: (name) => `#${name}`,
}

/** Calls `visit` for every schema in `schema`, once each, itself first. */
export function walkSchema(schema: TSchema, visit: (schema: Keywords, path: string) => void): void {
  const visited = new Set<unknown>()
  const walk = (one: unknown, path: string): void => {
    if (typeof one !== 'object' || one === null || visited.has(one)) return
    visited.add(one)
    const keywords = one as Keywords // any object can be asked for keywords
    visit(keywords, path)
    for (const [keyword, segment] of Object.entries(single)) {
      if (!Array.isArray(keywords[keyword])) walk(keywords[keyword], path + segment)
    }
    for (const [keyword, segmentOf] of Object.entries(listed)) {
      const inner = keywords[keyword]
      if (typeof inner !== 'object' || inner === null || (keyword === 'items' && !Array.isArray(inner))) continue
      for (const [key, child] of Object.entries(inner))
        walk(child, keyword === '$defs' ? segmentOf(key) : path + segmentOf(key))
    }
  }
  walk(schema, '')
}
