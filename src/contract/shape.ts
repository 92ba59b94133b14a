/**
 * What a schema is on the wire: TypeBox's many spellings reduced to the few forms that a codec, a generator or a
 * comparison has to know (spec/types.md). Whatever has no form here cannot travel and is refused by name.
 */
import type { TSchema } from 'typebox'

/** A value that MessagePack carries as itself and that a schema may require literally. */
export type LiteralValue = string | number | bigint | boolean | null

interface Base {
  /** The schema that this shape was read from; its keywords (`minLength`, `pattern` …) still hold. */
  readonly schema: TSchema
  /** What `$ref` may name here, by name: the check of `schema` needs it. */
  readonly scope: Scope
}

/** The definitions in reach of a schema: `$defs` of the schemas around it, and `#` for the outermost one. */
export type Scope = Readonly<Record<string, TSchema>>

export interface NullShape extends Base {
  readonly kind: 'null'
}
export interface BooleanShape extends Base {
  readonly kind: 'boolean'
}
export interface NumberShape extends Base {
  readonly kind: 'number'
  readonly integer: boolean
}
export interface BigIntShape extends Base {
  readonly kind: 'bigint'
}
export interface StringShape extends Base {
  readonly kind: 'string'
}
/** `Bytes()`; `minBytes` and `maxBytes` stand in the schema. */
export interface BytesShape extends Base {
  readonly kind: 'bytes'
}
/** `Timestamp()`: a `Date`, whole milliseconds. */
export interface TimestampShape extends Base {
  readonly kind: 'timestamp'
}
/** `Undefined` and `Void`: nil on the wire where a value must stand, absent where it may be. */
export interface UndefinedShape extends Base {
  readonly kind: 'undefined'
}
/** `Unknown`, `Any`, an `Unsafe` without keywords: anything that MessagePack carries. */
export interface UnknownShape extends Base {
  readonly kind: 'unknown'
}
/** `Never`: no value at all. */
export interface NeverShape extends Base {
  readonly kind: 'never'
}
/** `Literal` and `Enum`: one of these very values. */
export interface LiteralShape extends Base {
  readonly kind: 'literal'
  readonly values: readonly LiteralValue[]
}
export interface ArrayShape extends Base {
  readonly kind: 'array'
  readonly item: Shape
}
export interface TupleShape extends Base {
  readonly kind: 'tuple'
  readonly items: readonly Shape[]
}

export interface PropertyShape {
  readonly shape: Shape
  readonly optional: boolean
}
/** `Object` and `Record`: declared names, then patterns, then what is said of the rest. */
export interface ObjectShape extends Base {
  readonly kind: 'object'
  readonly properties: ReadonlyMap<string, PropertyShape>
  /** A record's patterns, as TypeBox matches them (`new RegExp(source, 'u')`). */
  readonly patterns: readonly { readonly source: string; readonly regExp: RegExp; readonly shape: Shape }[]
  /** Properties that no name and no pattern declares: dropped, refused by the schema's own check, or of this shape. */
  readonly rest: 'drop' | 'refuse' | Shape
}
export interface UnionShape extends Base {
  readonly kind: 'union'
  readonly branches: readonly Shape[]
}
export interface IntersectShape extends Base {
  readonly kind: 'intersect'
  readonly parts: readonly Shape[]
}
/** A `$ref`; `target()` is one and the same shape each time, so that recursive schemas are finite graphs. */
export interface RefShape extends Base {
  readonly kind: 'ref'
  readonly name: string
  readonly target: () => Shape
}

export type Shape =
  | NullShape
  | BooleanShape
  | NumberShape
  | BigIntShape
  | StringShape
  | BytesShape
  | TimestampShape
  | UndefinedShape
  | UnknownShape
  | NeverShape
  | LiteralShape
  | ArrayShape
  | TupleShape
  | ObjectShape
  | UnionShape
  | IntersectShape
  | RefShape
