/** The table of schemas: each supported type and keyword by itself. */
import Type, { type TSchema } from 'typebox'
import { Bytes, Timestamp } from '../../src/contract/index.ts'

export interface NamedSchema {
  readonly name: string
  readonly schema: TSchema
}

export const Even = Type.Refine(Type.Integer({ 'x-name': 'even' }), (value) => value % 2 === 0)
const Tree = Type.Cyclic(
  { Node: Type.Object({ value: Type.Number(), children: Type.Array(Type.Ref('Node')) }) },
  'Node',
)
const Pair = Type.Cyclic(
  {
    A: Type.Object({ kind: Type.Literal('a'), b: Type.Optional(Type.Ref('B')) }),
    B: Type.Object({
      kind: Type.Literal('b'),
      a: Type.Union([Type.Ref('A'), Type.Null()]),
      more: Type.Record(Type.String(), Type.Ref('A')),
    }),
  },
  'A',
)
const Expression = Type.Cyclic(
  {
    E: Type.Union([
      Type.Object({ op: Type.Literal('add'), left: Type.Ref('E'), right: Type.Ref('E') }),
      Type.Object({ op: Type.Literal('not'), of: Type.Ref('E') }),
      Type.Tuple([Type.Literal('all'), Type.Array(Type.Ref('E'), { minItems: 1 })]),
      Type.Number(),
    ]),
  },
  'E',
)

export const formats = (
  'date time date-time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference url ' +
  'uri-template uuid json-pointer json-pointer-uri-fragment relative-json-pointer regex'
).split(' ')

export const patterns = [
  '^[a-z]{3,5}$',
  'needle',
  '^$',
  '',
  '^a|b$',
  '^\\d{4}-\\d\\d$',
  '^[^/]+$',
  '^\\p{Lu}\\p{Ll}+$',
  '^\\S+$',
  '^(?!admin)[a-z]{2,9}$',
  '^(?=.*[A-Z])(?=.*\\d).{8,}$',
  '\\bword\\b',
  '^(?<key>[a-z]+)=(?:on|off)$',
  '^[\\u{1f600}-\\u{1f64f}]$',
  '^\\(\\[\\]\\)\\\\$',
  '^x{0,3}[)(\\]]y*?$',
]

const scalars: Record<string, TSchema> = {
  null: Type.Null(),
  boolean: Type.Boolean(),
  number: Type.Number(),
  'number within': Type.Number({ minimum: -1, maximum: 1 }),
  'number strictly within': Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  'number of both bounds': Type.Number({ minimum: 0, exclusiveMinimum: 0, maximum: 5, exclusiveMaximum: 7 }),
  'number multiple': Type.Number({ multipleOf: 0.25 }),
  'number multiple within': Type.Number({ multipleOf: 0.1, minimum: 1, maximum: 2 }),
  integer: Type.Integer(),
  'integer within': Type.Integer({ minimum: -3, maximum: 300 }),
  'integer strictly within': Type.Integer({ exclusiveMinimum: -0.5, exclusiveMaximum: 2.5 }),
  'integer multiple': Type.Integer({ multipleOf: 7, minimum: 1 }),
  'integer past 2^53': Type.Integer({ minimum: 2 ** 60, maximum: 2 ** 64 }),
  'integer of one value': Type.Integer({ minimum: 5, maximum: 5 }),
  bigint: Type.BigInt(),
  'bigint within': Type.BigInt({ minimum: -5n, maximum: 2n ** 63n }),
  'bigint strictly within': Type.BigInt({ exclusiveMinimum: 0n, exclusiveMaximum: 3n }),
  'bigint multiple': Type.BigInt({ multipleOf: 1_000n, minimum: 1n }),
  string: Type.String(),
  'string of lengths': Type.String({ minLength: 2, maxLength: 4 }),
  'string of one length': Type.String({ minLength: 300, maxLength: 300 }),
  'string empty': Type.String({ maxLength: 0 }),
  'string of pattern and lengths': Type.String({ pattern: '^[a-z]+$', minLength: 12, maxLength: 20 }),
  'string of pattern and a large length': Type.String({ pattern: '^[a-z]+$', minLength: 60 }),
  'string of format and length': Type.String({ format: 'email', maxLength: 40 }),
  'string of format nobody registered': Type.String({ format: 'x-nobody-registered-this' }),
  bytes: Bytes(),
  'bytes of lengths': Bytes({ minBytes: 3, maxBytes: 5 }),
  timestamp: Timestamp(),
  undefined: Type.Undefined(),
  void: Type.Void(),
  unknown: Type.Unknown(),
  any: Type.Any(),
  'literal string': Type.Literal('é'),
  'literal number': Type.Literal(-1.5),
  'literal zero': Type.Literal(0),
  'literal bigint': Type.Literal(2n ** 60n),
  'literal boolean': Type.Literal(false),
  enum: Type.Enum(['red', 'green', 3]),
  'template literal': Type.TemplateLiteral([
    Type.Literal('user-'),
    Type.Number(),
    Type.Union([Type.Literal('-a'), Type.Literal('-b')]),
  ]),
  'template literal of strings': Type.TemplateLiteral([Type.Literal('<'), Type.String(), Type.Literal('>')]),
  'refine with a name': Even,
  'several types': Type.Unsafe<string | number | null>({
    type: ['string', 'integer', 'null'],
    minLength: 1,
    minimum: 1,
  }),
  not: Type.Unsafe<number>({ type: 'number', not: { enum: [0, 1] } }),
}

const containers: Record<string, TSchema> = {
  array: Type.Array(Type.String()),
  'array of lengths': Type.Array(Type.Boolean(), { minItems: 2, maxItems: 3 }),
  'array unique': Type.Array(Type.Integer({ minimum: 0, maximum: 9 }), { uniqueItems: true, minItems: 4 }),
  'array unique of all there are': Type.Array(Type.Boolean(), { uniqueItems: true, minItems: 2 }),
  'array unique of objects': Type.Array(Type.Object({ a: Type.Integer({ minimum: 0, maximum: 3 }) }), {
    uniqueItems: true,
    minItems: 2,
  }),
  'array contains': Type.Array(Type.Integer(), { contains: Type.Integer({ minimum: 1_000_000 }) }),
  'array contains some': Type.Array(Type.Integer(), {
    contains: Type.Integer({ minimum: 5, maximum: 6 }),
    minContains: 2,
    maxContains: 3,
    minItems: 4,
  }),
  'array of arrays': Type.Array(Type.Array(Type.Array(Type.Number()))),
  'array of void': Type.Array(Type.Void(), { minItems: 1 }),
  tuple: Type.Tuple([Type.String(), Type.Integer(), Type.Null()]),
  'tuple empty': Type.Tuple([]),
  object: Type.Object({ name: Type.String(), age: Type.Optional(Type.Integer()) }),
  'object empty': Type.Object({}),
  'object closed': Type.Object({ a: Type.Number() }, { additionalProperties: false }),
  'object open': Type.Object({ a: Type.Optional(Type.Number()) }, { additionalProperties: Type.Boolean() }),
  'object of few properties': Type.Object(
    { a: Type.Optional(Type.Null()), b: Type.Optional(Type.Null()), c: Type.Optional(Type.Null()), d: Type.Number() },
    { minProperties: 2, maxProperties: 3 },
  ),
  'object with undefined': Type.Object({
    a: Type.Undefined(),
    b: Type.Union([Type.String(), Type.Undefined()]),
    c: Type.Optional(Type.Void()),
  }),
  'object with unknown': Type.Object({ a: Type.Unknown(), b: Type.Optional(Type.Any()) }),
  'object with odd names': Type.Object({
    '': Type.Null(),
    'a/b~c': Type.Null(),
    constructor: Type.Number(),
    é: Type.Optional(Type.Null()),
  }),
  'object with never': Type.Object({ a: Type.Number(), b: Type.Optional(Type.Never()) }),
  'object with dependent names': Type.Unsafe<object>({
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'null' } },
    dependentRequired: { a: ['b'] },
  }),
  record: Type.Record(Type.String(), Type.Integer()),
  'record of numbers': Type.Record(Type.Integer(), Type.String()),
  'record of a pattern': Type.Record(Type.TemplateLiteral([Type.Literal('x-'), Type.String()]), Type.Boolean()),
  'record of counts': Type.Record(Type.String(), Type.Null(), { minProperties: 2, maxProperties: 3 }),
  'record of names': Type.Record(Type.Union([Type.Literal('a'), Type.Literal('b')]), Type.Number()),
  'record of several patterns': Type.Unsafe<object>({
    type: 'object',
    properties: { id: { type: 'string' } },
    required: ['id'],
    patternProperties: { '^n': { type: 'number' }, '^.i': { minimum: 0 } },
    additionalProperties: { type: 'boolean' },
  }),
  'union of scalars': Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  'union of number and bigint': Type.Union([Type.Number(), Type.BigInt()]),
  'union of bytes and text': Type.Union([Bytes(), Type.String(), Timestamp()]),
  'union tagged': Type.Union([
    Type.Object({ kind: Type.Literal('a'), x: Type.Number() }),
    Type.Object({ kind: Type.Literal('b'), y: Type.String() }),
  ]),
  'union untagged': Type.Union([
    Type.Object({ a: Type.Number() }),
    Type.Object({ a: Type.Number(), b: Type.String() }),
    Type.Object({ c: Type.Optional(Type.BigInt()) }),
  ]),
  'union of arrays of objects': Type.Union([
    Type.Array(Type.Object({ a: Type.Optional(Type.Null()) })),
    Type.Array(Type.Object({ b: Type.Number() })),
  ]),
  'union of objects and bytes': Type.Union([Type.Object({ a: Type.Optional(Type.Null()) }), Bytes(), Timestamp()]),
  'union of object and unknown': Type.Union([Type.Object({ a: Type.Number() }), Type.Unknown()]),
  'union of records and constants': Type.Union([Type.Record(Type.String(), Type.Integer()), Type.Literal(7)]),
  'union of exactly one': Type.Unsafe<number>({ oneOf: [Type.Number({ minimum: 0 }), Type.Number({ maximum: 10 })] }),
  'union in a union': Type.Union([
    Type.Union([Type.Literal(1), Type.Literal(2)]),
    Type.Array(Type.Union([Type.Null(), Type.Boolean()])),
  ]),
  intersect: Type.Intersect([Type.Object({ a: Type.Number() }), Type.Object({ b: Type.Optional(Type.String()) })]),
  'intersect of one property': Type.Intersect([
    Type.Object({ a: Type.Number({ minimum: 0 }) }),
    Type.Object({ a: Type.Number({ maximum: 1 }) }),
  ]),
  'intersect closed': Type.Intersect([Type.Object({ a: Type.Number() }), Type.Object({ b: Type.String() })], {
    unevaluatedProperties: false,
  }),
  'intersect of numbers': Type.Intersect([Type.Number({ minimum: 3 }), Type.Integer({ maximum: 9 })]),
  'intersect of strings': Type.Intersect([Type.String({ pattern: '^a' }), Type.String({ minLength: 3 })]),
  'intersect of enum and string': Type.Intersect([Type.Enum(['a', 'bb', 'ccc']), Type.String({ minLength: 2 })]),
  'intersect of unions': Type.Intersect([
    Type.Union([Type.Object({ a: Type.Literal(1) }), Type.Object({ a: Type.Literal(2) })]),
    Type.Union([Type.Object({ b: Type.String() }), Type.Object({ c: Type.Boolean() })]),
  ]),
  'intersect of arrays': Type.Intersect([
    Type.Array(Type.Number()),
    Type.Array(Type.Number({ minimum: 0 }), { minItems: 1 }),
  ]),
  'intersect of arrays of objects': Type.Intersect([
    Type.Array(Type.Object({ a: Type.Number() })),
    Type.Array(Type.Object({ b: Type.String() })),
  ]),
  'intersect of number and unknown': Type.Intersect([Type.Number(), Type.Unknown()]),
  'intersect with unknown': Type.Intersect([Type.Unknown(), Type.Object({ a: Type.Null() })]),
  'recursive tree': Tree,
  'recursive pair': Pair,
  'recursive expression': Expression,
  'recursive list': Type.Cyclic(
    { L: Type.Union([Type.Null(), Type.Object({ head: Type.Integer(), tail: Type.Ref('L') })]) },
    'L',
  ),
  'recursive record': Type.Cyclic({ R: Type.Record(Type.String(), Type.Ref('R')) }, 'R'),
  'recursive record of two patterns': Type.Cyclic(
    { R: Type.Unsafe({ type: 'object', patternProperties: { '^n': { type: 'null' }, '^r': { $ref: 'R' } } }) },
    'R',
  ),
  'recursive json': Type.Cyclic(
    {
      J: Type.Union([
        Type.Null(),
        Type.Boolean(),
        Type.Number(),
        Type.String(),
        Type.Array(Type.Ref('J')),
        Type.Record(Type.String(), Type.Ref('J')),
      ]),
    },
    'J',
  ),
  'recursive intersect': Type.Cyclic(
    { N: Type.Intersect([Type.Object({ id: Type.Integer() }), Type.Object({ next: Type.Optional(Type.Ref('N')) })]) },
    'N',
  ),
  'recursive wide': Type.Cyclic(
    {
      W: Type.Object(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`p${n}`, Type.Optional(Type.Ref('W'))]))),
    },
    'W',
  ),
  'recursive within': Type.Object({ trees: Type.Array(Tree), note: Type.Optional(Type.String()) }),
}

/** Every supported type and keyword, each by itself. */
export const schemaTable: readonly NamedSchema[] = [
  ...Object.entries(scalars).map(([name, schema]) => ({ name, schema })),
  ...formats.map((format) => ({ name: `format ${format}`, schema: Type.String({ format }) })),
  ...patterns.map((pattern) => ({ name: `pattern ${pattern}`, schema: Type.String({ pattern }) })),
  ...Object.entries(containers).map(([name, schema]) => ({ name, schema })),
]
