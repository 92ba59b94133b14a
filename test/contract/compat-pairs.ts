/**
 * Pairs of schemas with the verdict for whoever sends the first and takes the second, known beforehand from what each
 * schema means (spec/compatibility.md). `back` is the verdict the other way round.
 */
import Type, { type TSchema } from 'typebox'
import { Bytes, Timestamp } from '../../src/contract/index.ts'

export type Verdict = 'identical' | 'compatible' | 'breaking'

export interface Pair {
  readonly name: string
  readonly one: TSchema
  readonly other: TSchema
  readonly there: Verdict
  readonly back: Verdict
  /** Where the first breaking difference of the way there is, of the way back where that breaks alone. */
  readonly at?: string
}

const pair = (name: string, one: TSchema, other: TSchema, there: Verdict, back: Verdict, at?: string): Pair => ({
  name,
  one,
  other,
  there,
  back,
  ...(at === undefined ? {} : { at }),
})
const O = Type.Object
const opt = Type.Optional
const S = Type.String()
const N = Type.Number()
const I = Type.Integer()
const L = Type.Literal
const Even = Type.Refine(Type.Integer({ 'x-name': 'even' }), (value) => value % 2 === 0)
const Odd = Type.Refine(Type.Integer({ 'x-name': 'odd' }), (value) => value % 2 === 1)

const tree = (value: TSchema, more: Record<string, TSchema> = {}) =>
  Type.Cyclic({ Node: O({ value, ...more, children: Type.Array(Type.Ref('Node')) }) }, 'Node')
const shapes = (...kinds: string[]) => Type.Union(kinds.map((kind) => O({ kind: L(kind), size: N })))

export const pairs: readonly Pair[] = [
  // What people read, and order.
  pair('a description', S, Type.String({ description: 'a name' }), 'identical', 'identical'),
  pair(
    'a title, examples, a default',
    I,
    Type.Integer({ title: 'n', examples: [1], default: 2 }),
    'identical',
    'identical',
  ),
  pair('the order of properties', O({ a: S, b: N }), O({ b: N, a: S }), 'identical', 'identical'),
  pair('the order of a union', Type.Union([S, N]), Type.Union([N, S]), 'identical', 'identical'),
  pair('the order of an enum', Type.Enum(['a', 'b']), Type.Enum(['b', 'a']), 'identical', 'identical'),
  pair(
    'a comment deep inside',
    O({ a: Type.Array(S) }),
    O({ a: Type.Array(Type.String({ $comment: 'x' })) }),
    'identical',
    'identical',
  ),

  // Properties.
  pair('an optional property more', O({ a: S }), O({ a: S, b: opt(N) }), 'compatible', 'compatible'),
  pair('a required property more', O({ a: S }), O({ a: S, b: N }), 'breaking', 'compatible', '/b'),
  pair('a property that becomes optional', O({ a: S }), O({ a: opt(S) }), 'compatible', 'breaking', '/a'),
  pair('a property of another type', O({ a: S }), O({ a: N }), 'breaking', 'breaking', '/a'),
  pair('a property that is renamed', O({ a: S }), O({ b: S }), 'breaking', 'breaking', '/b'),
  pair('optional properties that are renamed', O({ a: opt(S) }), O({ b: opt(S) }), 'compatible', 'compatible'),
  pair('an optional property of another type', O({ a: opt(S) }), O({ a: opt(N) }), 'breaking', 'breaking', '/a'),
  pair(
    'a property two levels down',
    O({ a: O({ b: S }) }),
    O({ a: O({ b: S, c: N }) }),
    'breaking',
    'compatible',
    '/a/c',
  ),
  pair(
    'undeclared properties forbidden, none sent',
    O({ a: S }),
    O({ a: S }, { additionalProperties: false }),
    'compatible',
    'compatible',
  ),
  pair(
    'undeclared properties forbidden, one sent',
    O({ a: S, b: N }),
    O({ a: S }, { additionalProperties: false }),
    'breaking',
    'breaking',
    '/b',
  ),
  pair(
    'undeclared properties of a type, none sent',
    O({ a: S }),
    O({ a: S }, { additionalProperties: N }),
    'compatible',
    'compatible',
  ),
  pair(
    'undeclared properties of a type, which may fill an optional one',
    O({}, { additionalProperties: S }),
    O({ b: opt(N) }),
    'breaking',
    'breaking',
    '/b',
  ),
  pair(
    'a property of an object that is a string at the other end',
    O({ a: O({}) }),
    O({ a: S }),
    'breaking',
    'breaking',
    '/a',
  ),
  pair('a name with a slash', O({ 'a/b': S }), O({ 'a/b': N }), 'breaking', 'breaking', '/a~1b'),
  pair(
    'fewest properties, required ones',
    O({ a: S, b: S }),
    O({ a: S, b: S }, { minProperties: 2 }),
    'compatible',
    'compatible',
  ),
  pair(
    'fewest properties, optional ones',
    O({ a: opt(S) }),
    O({ a: opt(S) }, { minProperties: 1 }),
    'breaking',
    'compatible',
    '',
  ),
  pair(
    'most properties',
    O({ a: opt(S), b: opt(S) }),
    O({ a: opt(S), b: opt(S) }, { maxProperties: 1 }),
    'breaking',
    'compatible',
    '',
  ),

  // Numbers.
  pair('an integer, and then a number', I, N, 'compatible', 'breaking', ''),
  pair('a lower bound', Type.Integer({ minimum: 5 }), Type.Integer({ minimum: 3 }), 'compatible', 'breaking', ''),
  pair('an upper bound', Type.Number({ maximum: 5 }), Type.Number({ maximum: 9 }), 'compatible', 'breaking', ''),
  pair('a bound that is new', N, Type.Number({ minimum: 0 }), 'breaking', 'compatible', ''),
  pair(
    'bounds of whole numbers, said in two ways',
    Type.Integer({ minimum: 1 }),
    Type.Integer({ exclusiveMinimum: 0 }),
    'compatible',
    'compatible',
  ),
  pair(
    'bounds of numbers, exclusive or not',
    Type.Number({ minimum: 0 }),
    Type.Number({ exclusiveMinimum: 0 }),
    'breaking',
    'compatible',
    '',
  ),
  pair(
    'multiples of multiples',
    Type.Integer({ multipleOf: 6 }),
    Type.Integer({ multipleOf: 3 }),
    'compatible',
    'breaking',
    '',
  ),
  pair(
    'multiples of a fraction',
    Type.Number({ multipleOf: 0.2 }),
    Type.Number({ multipleOf: 0.1 }),
    'breaking',
    'breaking',
    '',
  ),
  pair('whole numbers as multiples of one half', I, Type.Integer({ multipleOf: 0.5 }), 'compatible', 'compatible'),
  pair('an integer, and then a bigint', I, Type.BigInt(), 'breaking', 'breaking', ''),
  pair('bounds of bigints', Type.BigInt({ minimum: 5n }), Type.BigInt({ minimum: 3n }), 'compatible', 'breaking', ''),
  pair(
    'bounds past what a double holds',
    Type.BigInt({ maximum: 2n ** 60n }),
    Type.BigInt({ maximum: 2n ** 60n + 1n }),
    'compatible',
    'breaking',
    '',
  ),
  pair(
    'multiples of bigints',
    Type.BigInt({ multipleOf: 4n }),
    Type.BigInt({ multipleOf: 2n }),
    'compatible',
    'breaking',
    '',
  ),

  // Text and bytes.
  pair('a least length', Type.String({ minLength: 2 }), Type.String({ minLength: 1 }), 'compatible', 'breaking', ''),
  pair('a longest length that is new', S, Type.String({ maxLength: 9 }), 'breaking', 'compatible', ''),
  pair('a pattern that is taken away', Type.String({ pattern: '^a' }), S, 'compatible', 'breaking', ''),
  pair(
    'another pattern that means the same',
    Type.String({ pattern: '^a' }),
    Type.String({ pattern: '^[a]' }),
    'breaking',
    'breaking',
    '',
  ),
  pair('a format', Type.String({ format: 'email' }), S, 'compatible', 'breaking', ''),
  pair('another format', Type.String({ format: 'email' }), Type.String({ format: 'uri' }), 'breaking', 'breaking', ''),
  pair('a template and a string', Type.TemplateLiteral([L('a-'), S]), S, 'compatible', 'breaking', ''),
  pair('most bytes', Bytes({ maxBytes: 5 }), Bytes({ maxBytes: 9 }), 'compatible', 'breaking', ''),
  pair('bytes and text', Bytes(), S, 'breaking', 'breaking', ''),
  pair('a timestamp and text', Timestamp(), S, 'breaking', 'breaking', ''),
  pair('a timestamp and a number', Timestamp(), N, 'breaking', 'breaking', ''),

  // Constants.
  pair('a constant, and then any text', L('a'), S, 'compatible', 'breaking', ''),
  pair('a constant too long', L('abc'), Type.String({ maxLength: 2 }), 'breaking', 'breaking', ''),
  pair(
    'a constant of two code points',
    L('😀é'),
    Type.String({ minLength: 2, maxLength: 2 }),
    'compatible',
    'breaking',
    '',
  ),
  pair(
    'a constant and a pattern, which is not run',
    L('a'),
    Type.String({ pattern: '^a' }),
    'breaking',
    'breaking',
    '',
  ),
  pair('a number among bounds', L(5), Type.Integer({ minimum: 5, maximum: 5 }), 'compatible', 'breaking', ''),
  pair('a number outside of bounds', L(6), Type.Integer({ maximum: 5 }), 'breaking', 'breaking', ''),
  pair('a constant more', Type.Enum(['a']), Type.Enum(['a', 'b']), 'compatible', 'breaking', ''),
  pair(
    'constants and an enum of them',
    Type.Union([L('a'), L('b')]),
    Type.Enum(['b', 'a', 'c']),
    'compatible',
    'breaking',
    '',
  ),
  pair('5 and 5n', L(5), L(5n), 'breaking', 'breaking', ''),
  pair('true and any boolean', L(true), Type.Boolean(), 'compatible', 'breaking', ''),
  pair('both booleans, said one by one', Type.Boolean(), Type.Union([L(true), L(false)]), 'compatible', 'compatible'),
  pair(
    'an enum with null',
    Type.Unsafe({ enum: ['a', null] }),
    Type.Union([S, Type.Null()]),
    'compatible',
    'breaking',
    '',
  ),

  // Nothing and anything.
  pair('null and undefined, which are both nil', Type.Null(), Type.Undefined(), 'compatible', 'compatible'),
  pair('no request, and then an object', Type.Void(), O({}), 'breaking', 'breaking', ''),
  pair('anything', S, Type.Unknown(), 'compatible', 'breaking', ''),
  pair('anything by its two names', Type.Any(), Type.Unknown(), 'identical', 'identical'),
  pair('never', Type.Never(), S, 'compatible', 'breaking', ''),
  pair('null that is allowed now', S, Type.Union([S, Type.Null()]), 'compatible', 'breaking', ''),

  // Lists.
  pair('items', Type.Array(I), Type.Array(N), 'compatible', 'breaking', '/*'),
  pair('properties of items', Type.Array(O({ a: S })), Type.Array(O({ a: N })), 'breaking', 'breaking', '/*/a'),
  pair('fewest items', Type.Array(S, { minItems: 1 }), Type.Array(S), 'compatible', 'breaking', ''),
  pair('most items', Type.Array(S, { maxItems: 5 }), Type.Array(S, { maxItems: 4 }), 'breaking', 'compatible', ''),
  pair('items without repetition', Type.Array(S, { uniqueItems: true }), Type.Array(S), 'compatible', 'breaking', ''),
  pair(
    'objects without repetition, of which the receiver sees a part',
    Type.Array(O({ a: S, b: S }), { uniqueItems: true }),
    Type.Array(O({ a: S }), { uniqueItems: true }),
    'breaking',
    'breaking',
    '',
  ),
  pair('a tuple and a list', Type.Tuple([S, S]), Type.Array(S), 'compatible', 'breaking', ''),
  pair(
    'a list of just two and a tuple',
    Type.Array(S, { minItems: 2, maxItems: 2 }),
    Type.Tuple([S, S]),
    'compatible',
    'compatible',
  ),
  pair('a longer tuple', Type.Tuple([S]), Type.Tuple([S, S]), 'breaking', 'breaking', ''),
  pair('an item of a tuple', Type.Tuple([S, I]), Type.Tuple([S, N]), 'compatible', 'breaking', '/1'),
  pair(
    'contains, of which nothing else changed',
    Type.Array(S, { contains: L('a') }),
    Type.Array(S, { contains: L('b') }),
    'breaking',
    'breaking',
    '',
  ),

  // Records.
  pair("a record's values", Type.Record(S, I), Type.Record(S, N), 'compatible', 'breaking', '/*'),
  pair('an object, and then a record', O({ a: N }), Type.Record(S, N), 'compatible', 'breaking', '/a'),
  pair(
    'a record and an object with an optional property',
    Type.Record(S, N),
    O({ a: opt(N) }),
    'compatible',
    'compatible',
  ),
  pair(
    'a record of some names and of any',
    Type.Record(Type.TemplateLiteral([L('a'), S]), N),
    Type.Record(S, N),
    'compatible',
    'compatible',
  ),
  pair(
    'a record of some names and of any, with other values',
    Type.Record(Type.TemplateLiteral([L('a'), S]), N),
    Type.Record(S, S),
    'breaking',
    'breaking',
    '/*',
  ),
  pair('entries of a record', Type.Record(S, N, { minProperties: 1 }), Type.Record(S, N), 'compatible', 'breaking', ''),

  // Unions.
  pair('a form more', Type.Union([S, N]), Type.Union([S, N, Type.Null()]), 'compatible', 'breaking', ''),
  pair('a form of one', S, Type.Union([N, S]), 'compatible', 'breaking', ''),
  pair('a kind more', shapes('circle', 'square'), shapes('circle', 'square', 'star'), 'compatible', 'breaking', ''),
  pair(
    'a kind that changes',
    Type.Union([O({ kind: L('a'), n: I }), O({ kind: L('b') })]),
    Type.Union([O({ kind: L('a'), n: S }), O({ kind: L('b') })]),
    'breaking',
    'breaking',
    '/n',
  ),
  pair(
    'forms that a value may fit at once, each taken by another form',
    Type.Union([O({ a: S }), O({ b: N })]),
    Type.Union([O({ a: S, b: opt(S) }), O({ b: N, a: opt(N) })]),
    'breaking',
    'compatible',
    '/b',
  ),
  pair(
    'forms that a value may fit at once, taken by one form',
    Type.Union([O({ a: S }), O({ b: N })]),
    O({ a: opt(S), b: opt(N) }),
    'compatible',
    'breaking',
    '',
  ),
  pair('one of, told apart', Type.Unsafe({ oneOf: [S, N] }), Type.Union([S, N]), 'compatible', 'compatible'),
  pair('one of, not told apart', N, Type.Unsafe({ oneOf: [N, I] }), 'breaking', 'compatible', ''),

  // Intersections.
  pair(
    'an intersection and its object',
    Type.Intersect([O({ a: S }), O({ b: N })]),
    O({ a: S, b: N }),
    'compatible',
    'compatible',
  ),
  pair('a part more', O({ a: S }), Type.Intersect([O({ a: S }), O({ b: N })]), 'breaking', 'compatible', '/b'),
  pair(
    'a closed intersection',
    O({ a: S, b: N, c: N }),
    Type.Intersect([O({ a: S }), O({ b: N })], { unevaluatedProperties: false }),
    'breaking',
    'breaking',
    '/c',
  ),
  pair(
    'an intersection with a union that takes more',
    Type.Intersect([O({ id: S }), shapes('circle', 'square')]),
    Type.Intersect([O({ id: S }), shapes('circle', 'square', 'star')]),
    'compatible',
    'breaking',
    '',
  ),
  pair(
    'a union in an intersection, of which a form by itself has too few properties',
    Type.Intersect([O({ a: S }), O({ b: opt(S) }, { minProperties: 1 })]),
    Type.Intersect([O({ a: S }), Type.Union([O({ b: opt(S) }, { minProperties: 1 }), N])]),
    'breaking',
    'compatible',
    '',
  ),
  pair(
    'one of an object and bytes, which are objects to a oneOf',
    Bytes(),
    Type.Unsafe({ oneOf: [O({}), Bytes()] }),
    'breaking',
    'breaking',
    '',
  ),
  pair(
    'leaves at once',
    Type.Intersect([Type.String({ minLength: 1 }), Type.String({ maxLength: 5 })]),
    Type.String({ maxLength: 9 }),
    'compatible',
    'breaking',
    '',
  ),

  // Recursion.
  pair('a tree whose values widen', tree(I), tree(N), 'compatible', 'breaking', '/value'),
  pair('a tree with an optional property more', tree(N), tree(N, { note: opt(S) }), 'compatible', 'compatible'),
  pair('a tree with a required property more', tree(N), tree(N, { note: S }), 'breaking', 'compatible', '/note'),
  pair(
    'a tree under another name',
    tree(N),
    Type.Cyclic({ Tree: O({ value: N, children: Type.Array(Type.Ref('Tree')) }) }, 'Tree'),
    'compatible',
    'compatible',
  ),
  pair(
    'a tree, and a level of it',
    tree(N),
    O({ value: N, children: Type.Array(Type.Unknown()) }),
    'compatible',
    'breaking',
    '/children/*',
  ),

  // What is known by its name alone.
  pair('a named refinement that is taken away', Even, I, 'compatible', 'breaking', ''),
  pair('another named refinement', Even, Odd, 'breaking', 'breaking', ''),
  pair('not', Type.String({ not: L('a') }), Type.String({ not: L('b') }), 'breaking', 'breaking', ''),
  pair('a keyword that nobody knows', S, Type.String({ contentEncoding: 'base64' }), 'breaking', 'compatible', ''),
]
