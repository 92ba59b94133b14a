/** What a schema itself must not be or say, whatever its parts are. */
import type { TSchema } from 'typebox'
import { refusal } from './judge-shape.ts'

/** Keywords that decide what a value is, and that no shape can say. */
const refusedKeywords: Readonly<Record<string, string>> = {
  if: 'write the cases as a Union',
  dependentSchemas: 'write the cases as a Union',
  dependencies: 'write the cases as a Union',
  propertyNames: 'use a Record with a key pattern',
  unevaluatedItems: 'use a Tuple or an Array',
  $dynamicRef: 'use Type.Cyclic',
  $recursiveRef: 'use Type.Cyclic',
}

/** Kinds of TypeBox that are parts of types and not types of values. */
const refusedKinds = new Set(['Call', 'Generic', 'Identifier', 'Infer', 'Parameter', 'Rest', 'This', 'Deferred'])

/** Throws for schemas of another library, unnamed functions in them, and keywords that no shape can say. */
export function refuseForeign(schema: TSchema & Readonly<Record<string, unknown>>, path: string): void {
  if (Object.getOwnPropertySymbols(schema).some((symbol) => symbol.description === 'TypeBox.Kind')) {
    throw refusal(path, 'a schema of @sinclair/typebox 0.x', 'build it with the package typebox, 1.4 or later')
  }
  const named = typeof schema['x-name'] === 'string'
  if ('~codec' in schema && !named) {
    throw refusal(path, 'an unnamed Codec', "give the schema an 'x-name'; its undecoded form travels")
  }
  if ('~refine' in schema && !named && schema['x-nanowire'] === undefined) {
    throw refusal(path, 'an unnamed Refine', "give the schema an 'x-name' that both sides know the check by")
  }
  if (schema['x-nanowire'] !== undefined && !('~refine' in schema)) {
    throw refusal(path, 'the mark "x-nanowire" without its check', 'use Bytes() or Timestamp()')
  }
  const kind = schema['~kind']
  if (typeof kind === 'string' && refusedKinds.has(kind)) {
    throw refusal(path, `a ${kind}`, kind === 'This' ? 'use Type.Cyclic' : 'instantiate it first')
  }
  for (const [keyword, remedy] of Object.entries(refusedKeywords)) {
    if (keyword in schema) throw refusal(path, `the keyword "${keyword}"`, remedy)
  }
}
