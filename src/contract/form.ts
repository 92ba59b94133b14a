/**
 * What a comparison has to know of a schema, read from its description (spec/compatibility.md, chapter "Comparison").
 * Invariant: nothing is compiled or run; a keyword that is not understood is kept as text, never left out.
 */
import type { JsonObject } from './json-schema.ts'

/** A constant; null is a form of its own. */
export type Constant = string | number | bigint | boolean

interface Base {
  /** Tells forms of one comparison apart. */
  readonly id: number
  /** Forms of one print say the same, as far as they refer to nothing. */
  readonly print: string
  readonly hasRef: boolean
  /** Keywords that are not understood here, with their text. */
  readonly extras: ReadonlyMap<string, string>
  /** Why a receiver of this form takes nothing but the very same form; `undefined` if it can be taken apart. */
  readonly tangle: string | undefined
}

export interface PlainForm extends Base {
  readonly kind: 'never' | 'unknown' | 'strange'
}
/** Nil on the wire: null, or `undefined` where a value must stand. */
export interface NilForm extends Base {
  readonly kind: 'nil'
  readonly isUndefined: boolean
}
export interface ConstantForm extends Base {
  readonly kind: 'constant'
  readonly values: ReadonlySet<Constant>
  /** What `typeof` says of them. */
  readonly families: ReadonlySet<string>
}
export interface LeafForm extends Base {
  readonly kind: 'number' | 'integer' | 'bigint' | 'string' | 'bytes' | 'timestamp'
  readonly schema: JsonObject
}
/** All of these leaves at once. */
export interface BothForm extends Base {
  readonly kind: 'both'
  readonly parts: readonly (LeafForm | ConstantForm)[]
}
export interface ListForm extends Base {
  readonly kind: 'array' | 'tuple'
  /** Of an array one, of a tuple all. */
  readonly items: readonly Form[]
  readonly min: number
  readonly max: number
  readonly isUnique: boolean
}
export interface PropertyForm {
  readonly form: Form
  readonly isOptional: boolean
}
export interface ObjectForm extends Base {
  readonly kind: 'object'
  readonly properties: ReadonlyMap<string, PropertyForm>
  readonly patterns: readonly { readonly source: string; readonly form: Form }[]
  readonly rest: 'drop' | 'refuse' | Form
  /** Forms of unions within an intersection: a receiver first tries each by itself, without the other parts. */
  readonly alone?: readonly Atom[] | undefined
  readonly min: number
  readonly max: number
}
export interface UnionForm extends Base {
  readonly kind: 'union'
  readonly branches: readonly Form[]
  /** `oneOf`: not two of them. */
  readonly isExclusive: boolean
}
export interface AllForm extends Base {
  readonly kind: 'all'
  readonly parts: readonly Form[]
  /** What no part declares is forbidden. */
  readonly isClosed: boolean
}
export interface RefForm extends Base {
  readonly kind: 'ref'
  readonly name: string
}

/** A form that is no choice and no name of another. */
export type Atom = PlainForm | NilForm | ConstantForm | LeafForm | BothForm | ListForm | ObjectForm
export type Form = Atom | UnionForm | AllForm | RefForm

/** Who knows the atoms of one side's forms. */
export interface Choices {
  of(form: Form): readonly Atom[]
  /** Counts work. Throws `TooLarge`. */
  spend(steps: number): void
}

/** How TypeBox writes the pattern of `Record(String, …)`, which Nanowire takes to be any key. */
export const ANY_KEY = '^.*$'

/** The kinds of values on the wire that a form may be; `undefined` for any. */
export function familiesOf(form: Atom): ReadonlySet<string> | undefined {
  switch (form.kind) {
    case 'unknown':
    case 'strange':
      return undefined
    case 'never':
      return new Set()
    case 'constant':
      return form.families
    case 'integer':
      return new Set(['number'])
    case 'tuple':
      return new Set(['array'])
    case 'both':
      return familiesOf(form.parts[0] as Atom) // has at least two parts
    default:
      return new Set([form.kind])
  }
}

export function isContainer(form: Atom): form is ListForm | ObjectForm {
  return form.kind === 'object' || form.kind === 'array' || form.kind === 'tuple'
}

const names: Readonly<Record<Form['kind'], string>> = {
  never: 'nothing',
  unknown: 'anything',
  strange: 'what cannot be compared',
  nil: 'null',
  constant: 'a constant',
  number: 'a number',
  integer: 'an integer',
  bigint: 'a bigint',
  string: 'a string',
  bytes: 'bytes',
  timestamp: 'a timestamp',
  both: 'a value',
  array: 'a list',
  tuple: 'a tuple',
  object: 'an object',
  union: 'one of several forms',
  all: 'several forms at once',
  ref: 'a named form',
}

const MAX_NAMED = 5
const MAX_TEXT = 60

/** For people: `a string`, `"red" or "green"`. */
export function nameOf(form: Atom): string {
  if (form.kind === 'nil') return form.isUndefined ? 'undefined' : 'null'
  if (form.kind === 'tuple') return `a tuple of ${form.items.length}`
  if (form.kind === 'both') return nameOf(form.parts[0] as Atom) // has at least two parts
  if (form.kind !== 'constant') return names[form.kind]
  if (form.values.has(true) && form.values.has(false) && form.values.size === 2) return 'a boolean'
  return listed(form.values, constantText)
}

/** The first of many, and how many more there are. */
export function listed<T>(values: ReadonlySet<T>, textOf: (value: T) => string): string {
  const texts: string[] = []
  for (const value of values) {
    if (texts.length === MAX_NAMED) return `${texts.join(' or ')} and ${values.size - MAX_NAMED} more`
    texts.push(textOf(value))
  }
  return texts.join(' or ')
}

export function constantText(value: Constant): string {
  return typeof value === 'bigint' ? `${value}n` : cut(JSON.stringify(value))
}

/** A name or constant of a peer, for a message. */
export function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
