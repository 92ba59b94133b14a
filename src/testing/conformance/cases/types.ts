/** Every type goes to a handler and back as it was (spec/types.md). */
import Type, { type TSchema } from 'typebox'
import { Bytes, contract, Timestamp, unary } from '../../../contract/index.ts'
import { service } from '../../../rpc/index.ts'
import { equal, fails } from '../assert.ts'
import { type Cases, each } from '../suite.ts'

/** A schema, values of it, and values that do not fit. */
interface Sample {
  readonly schema: TSchema
  readonly values: readonly unknown[]
  readonly misfits: readonly unknown[]
}

const Point = Type.Object({ x: Type.Number(), y: Type.Number() })
const Circle = Type.Object({ kind: Type.Literal('circle'), radius: Type.Number() })
const Square = Type.Object({ kind: Type.Literal('square'), side: Type.Number() })
const Tree = Type.Cyclic({ Node: Type.Object({ name: Type.String(), children: Type.Array(Type.Ref('Node')) }) }, 'Node')

const scalars: Readonly<Record<string, Sample>> = {
  null: { schema: Type.Null(), values: [null], misfits: [0, 'null'] },
  booleans: { schema: Type.Boolean(), values: [true, false], misfits: [0, 'true', null] },
  numbers: {
    schema: Type.Number(),
    values: [0, -0, 1, -1, 0.1, -2.5e-300, 2 ** 53, 1e308, Number.MIN_VALUE, 127, 128, -33, 65_536, 2 ** 32],
    misfits: [Number.NaN, Number.POSITIVE_INFINITY, '1', 1n],
  },
  integers: {
    schema: Type.Integer({ minimum: -(2 ** 40) }),
    values: [0, -1, 31, 32, 255, 256, -128, -129, 2 ** 31, -(2 ** 31), 2 ** 40, Number.MAX_SAFE_INTEGER],
    misfits: [0.5, -(2 ** 41), 1n],
  },
  bigints: {
    schema: Type.BigInt(),
    values: [0n, -1n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n, -(2n ** 63n)],
    misfits: [1, 2n ** 64n, '1'],
  },
  strings: {
    schema: Type.String({ maxLength: 70_000 }),
    values: [
      '',
      'a',
      'é',
      '\u{1f600}',
      '日本語',
      '\0',
      '\ufeffbom',
      'x'.repeat(31),
      'x'.repeat(32),
      'é'.repeat(65_536),
    ],
    misfits: [7, null, 'x'.repeat(70_001), '\ud800'],
  },
  'template literals': {
    schema: Type.TemplateLiteral([Type.Literal('user-'), Type.Union([Type.Literal('1'), Type.Literal('2')])]),
    values: ['user-1', 'user-2'],
    misfits: ['user-3'],
  },
  literals: {
    schema: Type.Union([Type.Literal('on'), Type.Literal(7), Type.Literal(true)]),
    values: ['on', 7, true],
    misfits: ['off', 8, false],
  },
  enums: { schema: Type.Enum(['red', 'green']), values: ['red', 'green'], misfits: ['blue', 0] },
  bytes: {
    schema: Bytes({ maxBytes: 70_000 }),
    values: [new Uint8Array(0), Uint8Array.of(0, 255), new Uint8Array(300).fill(7), new Uint8Array(70_000)],
    misfits: [[1, 2], 'AQI=', new Uint8Array(70_001)],
  },
  timestamps: {
    schema: Timestamp(),
    values: [new Date(0), new Date(-1), new Date(1_700_000_000_123), new Date(8.64e15), new Date(-8.64e15)],
    misfits: [new Date(Number.NaN), 0, '1970-01-01'],
  },
}

const parts: Readonly<Record<string, Sample>> = {
  arrays: {
    schema: Type.Array(Type.Integer(), { maxItems: 20 }),
    values: [[], [1, 2, 3], Array.from({ length: 16 }, (_, n) => n)],
    misfits: [[0.5], {}, Array.from({ length: 21 }, () => 0)],
  },
  tuples: {
    schema: Type.Tuple([Type.String(), Type.Integer()]),
    values: [['a', 1]],
    misfits: [['a'], ['a', 1, 2], [1, 'a']],
  },
  objects: {
    schema: Type.Object({ name: Type.String(), at: Type.Optional(Point), tags: Type.Array(Type.String()) }),
    values: [
      { name: 'Ada', tags: [] },
      { tags: ['x'], at: { y: 1, x: 2 }, name: '' },
    ],
    misfits: [{ name: 'Ada' }, { name: 'Ada', tags: [], at: {} }, []],
  },
  'objects that forbid more': {
    schema: Type.Object({ name: Type.String() }, { additionalProperties: false }),
    values: [{ name: 'Ada' }],
    misfits: [{ name: 'Ada', admin: true }],
  },
  records: {
    schema: Type.Record(Type.String(), Type.Integer()),
    values: [{}, { a: 1, 'line\nbreak': 2, '': 3 }],
    misfits: [{ a: 'x' }, JSON.parse('{"__proto__":1}')],
  },
  unions: {
    schema: Type.Union([Circle, Square, Type.Null()]),
    values: [{ kind: 'circle', radius: 1 }, { kind: 'square', side: 2 }, null],
    misfits: [{ kind: 'circle', side: 2 }, { kind: 'line' }],
  },
  intersections: {
    schema: Type.Intersect([Point, Type.Object({ label: Type.String() })]),
    values: [{ x: 1, y: 2, label: 'p' }],
    misfits: [{ x: 1, y: 2 }, { label: 'p' }],
  },
  recursion: {
    schema: Tree,
    values: [
      { name: 'root', children: [] },
      { name: 'root', children: [{ name: 'a', children: [{ name: 'b', children: [] }] }] },
    ],
    misfits: [{ name: 'root', children: [{ name: 'a' }] }],
  },
  'whatever can travel': {
    schema: Type.Unknown(),
    values: [null, 1, 1n, 'x', true, Uint8Array.of(1), new Date(5), [1, ['a']], { a: { b: [null] } }],
    misfits: [() => 1, Symbol('x'), Number.NaN, new Map()],
  },
}

/** One method for each of a request and a reply, with the value inside an object and alone. */
function echoOf(schema: TSchema) {
  const Echo = contract('typed', {
    alone: unary(schema, schema),
    inside: unary(Type.Object({ value: schema }), Type.Object({ value: schema })),
    misfit: unary(Type.Integer(), schema),
  })
  return Echo
}

const roundTrips = each(
  { ...scalars, ...parts },
  (name) => `carries ${name} to the handler and back`,
  async (t, { schema, values }) => {
    const Echo = echoOf(schema)
    const seen: unknown[] = []
    const keep = <T>(value: T): T => {
      seen.push(value)
      return value
    }
    const { wire } = await t.open(service(Echo, { alone: keep, inside: keep, misfit: () => values[0] }))
    const client = wire.client(Echo)
    for (const value of values) {
      equal(await client.alone(value), value, 'the reply')
      equal(seen.at(-1), value, 'what the handler got')
      equal(await client.inside({ value }), { value }, 'the reply')
      equal(seen.at(-1), { value }, 'what the handler got')
    }
  },
)

const refusals = each(
  { ...scalars, ...parts },
  (name) => `refuses what does not fit where ${name} belong, as request and as reply`,
  async (t, { schema, misfits }) => {
    const Echo = echoOf(schema)
    let runs = 0
    const run = <T>(value: T): T => {
      runs++
      return value
    }
    const handlers = { alone: run, inside: run, misfit: (index: number) => misfits[index] }
    const { wire } = await t.open(service(Echo, handlers))
    const client = wire.client(Echo)
    const asRequest = { code: 'invalid_argument', processed: 'no', message: /^the request of typed\/.+ does not fit: / }
    const asReply = { code: 'internal', processed: 'yes', message: /^typed\/misfit failed; the server's log has it/ }
    for (const [index, value] of misfits.entries()) {
      await fails(client.alone(value), asRequest)
      await fails(client.inside({ value }), { ...asRequest, message: /does not fit: \/value/ })
      await fails(client.misfit(index), asReply)
    }
    equal(runs, 0, 'runs of the handler')
  },
)

const Person = Type.Object({ name: Type.String(), nick: Type.Optional(Type.String()) })
const People = contract('people', {
  get: unary(Person, Person),
  none: unary(Type.Void(), Type.Void()),
  maybe: unary(Type.Object({ value: Type.Union([Type.String(), Type.Undefined()]) }), Type.Undefined()),
})

const absent: Cases = {
  async 'takes an optional property that is undefined for absent'(t) {
    const got: unknown[] = []
    const { wire } = await t.open(
      service(People, {
        get(person) {
          got.push(person.nick)
          return { name: person.name, nick: undefined } as never // which the schema takes for absent
        },
        none: () => undefined,
        maybe: () => undefined,
      }),
    )
    const request = { name: 'Ada', nick: undefined } as never // likewise
    equal(await wire.client(People).get(request), { name: 'Ada' }, 'the reply')
    equal(got, [undefined], 'what the handler got')
  },

  async 'carries undefined where a schema asks for it'(t) {
    const got: unknown[] = []
    const { wire } = await t.open(
      service(People, {
        get: (person) => person,
        none(request) {
          got.push(request)
        },
        maybe({ value }) {
          got.push(value)
        },
      }),
    )
    const { none, maybe } = wire.client(People)
    equal(await none(), undefined)
    equal(await maybe({ value: undefined }), undefined)
    equal(await maybe({ value: 'x' }), undefined)
    equal(got, [undefined, undefined, 'x'], 'what the handler got')
  },

  async 'takes no property that is only inherited'(t) {
    const { wire } = await t.open(service(People, { get: (p) => p, none: () => undefined, maybe: () => undefined }))
    const heir = Object.create({ name: 'inherited' })
    await fails(wire.client(People).get(heir), { code: 'invalid_argument', processed: 'no' })
  },

  async 'carries the own properties of an object of a class'(t) {
    class Someone {
      readonly name = 'Ada'
      greet() {
        return this.name
      }
    }
    const { wire } = await t.open(service(People, { get: (p) => p, none: () => undefined, maybe: () => undefined }))
    equal(await wire.client(People).get(new Someone()), { name: 'Ada' })
  },
}

export const types: Cases = { ...roundTrips, ...refusals, ...absent }
