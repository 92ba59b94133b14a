/**
 * Reads a described schema into forms, in the steps of read-shape.ts, but takes no keyword's word for granted: the
 * description may be anybody's (spec/compatibility.md, chapter "Comparison").
 */
import { canonicalData } from './canonical.ts'
import type { AllForm, Constant, ConstantForm, Form, LeafForm, ObjectForm, PropertyForm, UnionForm } from './form.ts'
import { constantOf, countOf, typeTest } from './form-values.ts'
import { Interner } from './interner.ts'
import {
  annotations,
  definitionsOf,
  isJsonObject,
  isJsonSchema,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
} from './json-schema.ts'
import { TooLarge } from './outcome.ts'

/** Steps of one comparison before it is called too large; a step is some hundred nanoseconds. */
const MAX_STEPS = 1_000_000

/** Steps of all comparisons of two contracts together: a server's description does not stop its client for long. */
const MAX_STEPS_TOGETHER = 4_000_000

/** What is left of the work that two contracts may make. */
export class Budget {
  steps = MAX_STEPS_TOGETHER
}

/** What the two sides of a comparison share. */
export class Forms {
  readonly interner = new Interner()
  readonly #budget: Budget
  #count = 0
  #steps = 0

  constructor(budget: Budget) {
    this.#budget = budget
  }

  next(): number {
    return this.#count++
  }

  /** Counts work. Throws `TooLarge`. */
  spend(steps: number): void {
    this.#steps += steps
    this.#budget.steps -= steps
    if (this.#steps > MAX_STEPS || this.#budget.steps < 0) throw new TooLarge()
  }
}

/** Whatever of a form is not said. */
const bare = { extras: new Map<string, string>(), tangle: undefined } as const

/** Keywords that the form of each type understands. */
const understood: Readonly<Record<string, readonly string[]>> = {
  null: [],
  undefined: [],
  void: [],
  boolean: [],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  bigint: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  bytes: ['x-nanowire', 'minBytes', 'maxBytes'],
  timestamp: ['x-nanowire'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  object: [
    'properties',
    'required',
    'patternProperties',
    'additionalProperties',
    'unevaluatedProperties',
    'minProperties',
    'maxProperties',
  ],
}

export class FormReader {
  readonly #forms: Forms
  readonly #known = new Map<object, Form>()
  readonly #definitions: ReadonlyMap<string, JsonSchema>
  /** Says all definitions of the schema at once. */
  readonly definitionsText: string
  readonly root: Form

  constructor(schema: JsonSchema, forms: Forms) {
    this.#forms = forms
    this.#definitions = definitionsOf(schema)
    const texts = [...this.#definitions].map(([name, inner]) => [name, forms.interner.printOf(inner).number] as const)
    this.definitionsText = canonicalData(Object.fromEntries(texts))
    this.root = this.read(schema)
  }

  /** What a reference leads to. */
  targetOf(name: string): Form | undefined {
    const definition = this.#definitions.get(name)
    return definition === undefined ? undefined : this.read(definition)
  }

  read(schema: JsonValue | undefined): Form {
    if (schema === undefined) return this.#plain('unknown', true)
    if (!isJsonSchema(schema)) return this.#plain('strange', schema)
    if (typeof schema === 'boolean') return this.#plain(schema ? 'unknown' : 'never', schema)
    const known = this.#known.get(schema)
    if (known) return known
    const form = this.#readKeywords(schema)
    this.#known.set(schema, form)
    return form
  }

  #base(schema: JsonValue) {
    const { number, hasRef } = this.#forms.interner.printOf(schema)
    return { id: this.#forms.next(), print: String(number), hasRef, ...bare }
  }

  #plain(kind: 'never' | 'unknown' | 'strange', schema: JsonValue): Form {
    const form = { kind, ...this.#base(schema) }
    return kind === 'strange' ? { ...form, tangle: 'has a form that is not known here' } : form
  }

  /** A form whose other keywords are kept as text. */
  #whole<F extends Form>(form: F, schema: JsonObject, taken: readonly string[]): F {
    const extras = new Map<string, string>()
    for (const [keyword, value] of Object.entries(schema)) {
      if (annotations.has(keyword) || keyword === '$defs' || taken.includes(keyword)) continue
      extras.set(keyword, this.#forms.interner.textOf(keyword, value))
    }
    const [first] = extras.keys()
    const isLeaf = 'schema' in form
    const tangle =
      form.tangle ?? (first === undefined || isLeaf ? undefined : `has the keyword ${JSON.stringify(first)}`)
    return { ...form, extras, tangle }
  }

  #readKeywords(schema: JsonObject): Form {
    const mark = schema['x-nanowire']
    if (mark === 'bytes' || mark === 'timestamp') return this.#leaf(mark, schema)
    const { not } = schema
    if (isJsonObject(not) && Object.keys(not).length === 0) return this.#plain('never', schema)

    const parts: Form[] = []
    const taken: string[] = []
    if (typeof schema['$ref'] === 'string') {
      taken.push('$ref')
      parts.push(this.#ref(schema, schema['$ref']))
    }
    for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
      const branches = schema[keyword]
      if (!Array.isArray(branches) || (branches.length === 0 && keyword !== 'allOf')) continue
      taken.push(keyword)
      const forms = branches.map((branch: JsonValue) => this.read(branch))
      if (keyword === 'allOf') parts.push(...forms)
      else parts.push(this.#union(schema, forms, keyword === 'oneOf'))
    }
    const own = this.#readOwn(schema, taken)
    if (parts.length === 0) return own ?? this.#whole(this.#plain('unknown', schema), schema, taken)
    if (own) parts.push(own)
    const [only] = parts
    const rest = Object.keys(schema).filter((keyword) => !annotations.has(keyword) && keyword !== '$defs')
    if (only && !own && parts.length === 1 && rest.every((keyword) => taken.includes(keyword))) return only
    const isClosed = schema['unevaluatedProperties'] === false
    if (isClosed) taken.push('unevaluatedProperties')
    if (own) return { kind: 'all', ...this.#base(schema), parts, isClosed } // its extras are those of its own part
    return this.#whole<AllForm>({ kind: 'all', ...this.#base(schema), parts, isClosed }, schema, taken)
  }

  #union(schema: JsonValue, branches: readonly Form[], isExclusive: boolean): UnionForm {
    return { kind: 'union', ...this.#base(schema), branches, isExclusive }
  }

  #ref(schema: JsonObject, ref: string): Form {
    const name = ref.startsWith('#/$defs/') ? ref.slice('#/$defs/'.length) : ref
    return { kind: 'ref', ...this.#base(schema), name }
  }

  #leaf(kind: LeafForm['kind'], schema: JsonObject, taken: readonly string[] = []): Form {
    return this.#whole({ kind, ...this.#base(schema), schema }, schema, ['type', ...(understood[kind] ?? []), ...taken])
  }

  #readOwn(schema: JsonObject, taken: readonly string[]): Form | undefined {
    const { type } = schema
    if ('const' in schema) return this.#constants(schema, [schema['const'] ?? null], [...taken, 'const', 'type'])
    if (Array.isArray(schema['enum'])) return this.#constants(schema, schema['enum'], [...taken, 'enum', 'type'])
    if (Array.isArray(type)) {
      const types = [...new Set(type)] // each is read with all the other keywords
      if (!types.every((one) => typeof one === 'string' && Object.hasOwn(understood, one)))
        return this.#plain('strange', schema)
      return this.#union(
        schema,
        types.map((one: JsonValue) => this.#readType({ ...schema, type: one }, one, taken)),
        false,
      )
    }
    return type === undefined ? undefined : this.#readType(schema, type, taken)
  }

  #constants(schema: JsonObject, data: readonly JsonValue[], taken: readonly string[]): Form {
    const values = data.map(constantOf)
    if (values.includes(undefined)) return this.#plain('strange', schema)
    const ofType = values.filter(typeTest(schema['type']))
    const constants = ofType.filter((value) => value !== null) as Constant[] // none is undefined, as was seen above
    const branches: Form[] = []
    if (constants.length > 0) branches.push(this.#constantForm(schema, constants))
    if (ofType.length > constants.length) branches.push({ kind: 'nil', ...this.#base(schema), isUndefined: false })
    const [only] = branches
    const form = only && branches.length === 1 ? only : this.#union(schema, branches, false)
    return this.#whole(form, schema, taken)
  }

  #constantForm(schema: JsonObject, constants: readonly Constant[]): ConstantForm {
    const families = new Set(constants.map((value) => typeof value))
    return { kind: 'constant', ...this.#base(schema), values: new Set(constants), families }
  }

  #readType(schema: JsonObject, type: JsonValue, alsoTaken: readonly string[]): Form {
    if (typeof type !== 'string' || !Object.hasOwn(understood, type)) return this.#plain('strange', schema)
    const taken = ['type', ...(understood[type] ?? []), ...alsoTaken]
    const base = this.#base(schema)
    switch (type) {
      case 'null':
      case 'undefined':
      case 'void':
        return this.#whole({ kind: 'nil', ...base, isUndefined: type !== 'null' }, schema, taken)
      case 'boolean':
        return this.#whole(this.#constantForm(schema, [false, true]), schema, taken)
      case 'array':
        return this.#whole(this.#readList(schema), schema, taken)
      case 'object':
        return this.#whole(this.#readObject(schema), schema, taken)
      default:
        return this.#leaf(type as LeafForm['kind'], schema, alsoTaken) // what is left of the table above
    }
  }

  #readList(schema: JsonObject): Form {
    const { items, minItems, maxItems, uniqueItems } = schema
    const bounds = { min: countOf(minItems, 0), max: countOf(maxItems, Number.POSITIVE_INFINITY) }
    if (Number.isNaN(bounds.min + bounds.max)) return this.#plain('strange', schema)
    const isUnique = uniqueItems !== undefined && uniqueItems !== false
    const heads = schema['prefixItems'] ?? (Array.isArray(items) ? items : undefined)
    if (heads === undefined) {
      if ('additionalItems' in schema) return this.#plain('strange', schema)
      return { kind: 'array', ...this.#base(schema), items: [this.read(items)], ...bounds, isUnique }
    }
    const isClosed = schema['additionalItems'] === false || items === false
    if (!Array.isArray(heads) || !isClosed || minItems !== heads.length || bounds.max < heads.length) {
      return this.#plain('strange', schema)
    }
    const forms = heads.map((head: JsonValue) => this.read(head))
    return { kind: 'tuple', ...this.#base(schema), items: forms, min: heads.length, max: heads.length, isUnique }
  }

  #readObject(schema: JsonObject): Form {
    const {
      required = [],
      properties = {},
      patternProperties = {},
      additionalProperties,
      unevaluatedProperties,
    } = schema
    const min = countOf(schema['minProperties'], 0)
    const max = countOf(schema['maxProperties'], Number.POSITIVE_INFINITY)
    const isKnown = isJsonObject(properties) && isJsonObject(patternProperties) && Array.isArray(required)
    if (!isKnown || Number.isNaN(min + max)) return this.#plain('strange', schema)
    const needed = new Set(required.filter((name: JsonValue) => typeof name === 'string'))
    const known = new Map<string, PropertyForm>()
    for (const [name, inner] of Object.entries(properties)) {
      known.set(name, { form: this.read(inner), isOptional: !needed.has(name) })
    }
    for (const name of needed) if (!known.has(name)) known.set(name, { form: this.read(true), isOptional: false })
    const patterns = Object.entries(patternProperties).map(([source, inner]) => ({ source, form: this.read(inner) }))
    const rest = additionalProperties ?? unevaluatedProperties
    const isTangled =
      patterns.length > 1 ||
      (patterns.length > 0 && known.size > 0) ||
      (additionalProperties !== undefined && unevaluatedProperties !== undefined)
    return {
      kind: 'object',
      ...this.#base(schema),
      properties: known,
      patterns,
      rest: rest === undefined ? 'drop' : rest === false ? 'refuse' : this.read(rest),
      min,
      max,
      tangle: isTangled ? 'has patterns of names beside others' : undefined,
    } satisfies ObjectForm
  }
}
