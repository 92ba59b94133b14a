/** Descriptions that a peer made to hurt: each is a typed error or a plain verdict, in bounded time (spec/compatibility.md). */
import Type from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type AnyContract,
  contract,
  describeContract,
  judgeMethods,
  learnContract,
  notify,
  readDescription,
} from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const described = (request: unknown, more: object = {}) => ({
  nanowire: 1,
  name: 'c',
  methods: { m: { kind: 'notify', tag: 1, request, reply: { type: 'void' }, errors: {} } },
  ...more,
})

/** The message of the typed error that `act` must end with. */
function refusalOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof NanowireError && error.code === 'invalid_argument') return error.message
    throw error
  }
  throw new Error('it was taken')
}

const nested = (levels: number, wrap: (inner: object) => object, inner: object = { type: 'null' }): object =>
  Array.from({ length: levels }).reduce<object>((one) => wrap(one), inner)

describe('K8: what is read', { timeout: PATIENCE_MS }, () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is undefined, which is no value of JSON'],
    ['null', null, 'it is no object: null'],
    ['a text', 'hello', 'it is no object: "hello"'],
    ['a list', [], 'it is no object: a list'],
    ['a later form', described({}, { nanowire: 2 }), '/nanowire is 2; this version reads the form 1'],
    ['no name', described({}, { name: 5 }), "/name is no contract's name: 5"],
    ['a name that is none', described({}, { name: 'Big Shop' }), "/name is no contract's name"],
    ['a long name', described({}, { name: 'a'.repeat(100_000) }), "/name is no contract's name"],
    ['methods that are a list', described({}, { methods: [] }), '/methods is no object: a list'],
    ['a method named then', described({}, { methods: JSON.parse('{"then":{}}') }), 'refused, because objects use it'],
    ['a method of no kind', described({}, { methods: { m: { tag: 1 } } }), '/methods/m/kind is no kind of method'],
    [
      'a tag that is a text',
      described({}, { methods: { m: { kind: 'unary', tag: '1' } } }),
      '/methods/m/tag is no number',
    ],
    [
      'a tag out of range',
      described({}, { methods: { m: { kind: 'unary', tag: 2 ** 32 } } }),
      'a tag is a whole number',
    ],
    ['no request', described(undefined), '/methods/m/request is no object'],
    ['a request that is a list', described([]), '/methods/m/request is no object: a list'],
    ['bytes', described({ default: new Uint8Array(3) }), '/methods/m/request/default is no value of JSON'],
    ['a date', described({ default: new Date(0) }), '/methods/m/request/default is no value of JSON'],
    ['an instance', described({ default: new Map() }), '/methods/m/request/default is no value of JSON'],
    ['a function', described({ default: () => 1 }), 'is function, which is no value of JSON'],
    ['NaN', described({ minimum: Number.NaN }), '/methods/m/request/minimum is NaN'],
    ['an integer that no double holds', described({ minimum: 2n ** 60n + 1n }), 'a double does not hold exactly'],
    ['half of a surrogate pair', described({ title: '\ud800' }), 'has half of a surrogate pair'],
    ['a name __proto__', described(JSON.parse('{"properties":{"__proto__":{}}}')), 'has the name "__proto__"'],
    ['a method __proto__', described({}, { methods: JSON.parse('{"__proto__":{}}') }), 'has the name "__proto__"'],
    [
      'an error that is none',
      described({}, { methods: { m: { kind: 'unary', tag: 1, request: {}, reply: {}, errors: { a: {} } } } }),
      'begins with a capital',
    ],
  ])('%s is refused', (_, value, message) => {
    expect(refusalOf(() => readDescription(value))).toContain(message)
  })

  it('what is deep is refused before anything recurses further', () => {
    const deep = described(nested(100_000, (inner) => ({ not: inner })))
    expect(refusalOf(() => readDescription(deep))).toContain('is deeper than 128 levels')
    const loop: Record<string, unknown> = {}
    loop['not'] = loop
    expect(refusalOf(() => readDescription(described(loop)))).toContain('is deeper than 128 levels')
  })

  it('what is large is refused', () => {
    const wide = described({ properties: Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`p${n}`, {}])) })
    expect(refusalOf(() => readDescription(wide))).toContain('is past 262144 values')
    const long = described({ enum: Array.from({ length: 50 }, () => 'x'.repeat(100_000)) })
    expect(refusalOf(() => readDescription(long))).toContain('is past 4194304 characters of text')
  })

  it('what a peer wrote does not make a message long', () => {
    const name = 'n'.repeat(1_000_000)
    expect(refusalOf(() => readDescription(described({ [name]: { [name]: Number.NaN } }))).length).toBeLessThan(700)
  })

  it('what comes out is plain and frozen', () => {
    const read = readDescription(described(Object.assign(Object.create(null), { type: 'object' })))
    expect(Object.getPrototypeOf(read.methods['m']?.request)).toBe(Object.prototype)
    expect(Object.isFrozen(read.methods['m']?.request)).toBe(true)
  })
})

const Own = contract('c', {
  m: notify(
    Type.Object({ a: Type.Array(Type.String()), b: Type.Union([Type.String(), Type.Object({ c: Type.Number() })]) }),
  ),
})

/** Schemas that grow when they are followed, written small. */
const doubling = (levels: number, level: (next: object, twin: object) => object, last: object) => {
  const $defs = Object.fromEntries(
    Array.from({ length: levels }).flatMap((_, n) => {
      const [next, twin] = n + 1 === levels ? [last, last] : [{ $ref: `A${n + 1}` }, { $ref: `B${n + 1}` }]
      return [
        [`A${n}`, level(next, twin)],
        [`B${n}`, { title: 'twin', ...level(twin, next) }],
      ]
    }),
  )
  return { $defs, $ref: 'A0' }
}
const object = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) })
const hostile: readonly [string, object][] = [
  [
    'patterns that never end',
    object({ a: { type: 'string', pattern: '^(a+)+$' }, b: { type: 'object', patternProperties: { '^(a+)+$': {} } } }),
  ],
  [
    'patterns that are none',
    object({ a: { type: 'string', pattern: '((((' }, b: { type: 'object', patternProperties: { '((((': {} } } }),
  ],
  ['unions that double', doubling(60, (next, twin) => ({ anyOf: [next, twin] }), { type: 'string' })],
  [
    'intersections that double',
    doubling(60, (next, twin) => ({ allOf: [next, twin] }), object({ a: { type: 'string' } })),
  ],
  [
    'unions within intersections',
    doubling(
      30,
      (next, twin) => ({ allOf: [{ anyOf: [next, object({ x: {} })] }, { anyOf: [twin, object({ y: {} })] }] }),
      object({ a: {} }),
    ),
  ],
  ['objects that double', doubling(60, (next, twin) => object({ a: next, b: twin }), { type: 'string' })],
  [
    'lists of unions that double',
    doubling(
      60,
      (next, twin) => ({
        anyOf: [
          { type: 'array', items: next },
          { type: 'array', items: twin },
        ],
      }),
      { type: 'string' },
    ),
  ],
  ['references in a circle', { $defs: { A: { $ref: 'B' }, B: { anyOf: [{ $ref: 'A' }] } }, $ref: 'A' }],
  ['a reference that leads nowhere', { $ref: 'X' }],
  ['a reference to __proto__', { $ref: '__proto__' }],
  [
    'definitions within what they define',
    { $defs: { A: { $defs: { B: { type: 'null' } }, ...object({ a: { $ref: 'A' }, b: { $ref: 'B' } }) } }, $ref: 'A' },
  ],
  [
    'a chain of references',
    {
      $defs: Object.fromEntries(
        Array.from({ length: 5_000 }, (_, n) => [`D${n}`, object({ a: { $ref: `D${n + 1}` } })]),
      ),
      $ref: 'D0',
    },
  ],
  [
    'a chain just short enough to be learned',
    {
      $defs: Object.fromEntries(Array.from({ length: 480 }, (_, n) => [`D${n}`, object({ a: { $ref: `D${n + 1}` } })])),
      $ref: 'D0',
    },
  ],
  ['intersections inside each other', nested(50, (inner) => ({ allOf: [inner, { title: 'x' }] }), object({ a: {} }))],
  [
    'a thousand constants, and as many again',
    {
      anyOf: Array.from({ length: 300 }, (_, n) =>
        object({ k: { enum: Array.from({ length: 300 }, (_, m) => `${n} ${m}`) } }),
      ),
    },
  ],
  [
    'a tuple of a million items',
    { type: 'array', minItems: 1_000_000, maxItems: 1_000_000, items: [], additionalItems: false },
  ],
  [
    'bounds that are none',
    object({ a: { type: 'array', minItems: 'x', maxItems: {} }, b: { type: 'number', minimum: [], multipleOf: 0 } }),
  ],
  [
    'keywords of wrong types',
    { type: [5, null, {}], properties: [], required: 'a', anyOf: {}, allOf: 'x', enum: 5, $defs: 7, items: 3, not: 5 },
  ],
  [
    'words that code could be made of',
    object({
      '"]; throw 1; //': { const: '"); process.exit(3); ("' },
      a: { 'x-nanowire': 'bytes', maxBytes: '1;throw 1' },
    }),
  ],
  [
    'one type, named 60,000 times beside as many names',
    { type: Array(60_000).fill('object'), required: Array.from({ length: 60_000 }, (_, n) => `x${n}`) },
  ],
  [
    'types that nobody knows, each beside all the names',
    {
      type: Array.from({ length: 60_000 }, (_, n) => `t${n}`),
      required: Array.from({ length: 60_000 }, (_, n) => `x${n}`),
    },
  ],
  ['names that objects have', object({ constructor: {}, toString: { type: 'string' }, hasOwnProperty: {} })],
  ['a mark that nobody knows', { 'x-nanowire': 'money' }],
  ['a learned mark', { '~learned': false, '~refine': [{}], type: 'string' }],
]

const values: readonly unknown[] = [
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!',
  null,
  { a: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', b: { 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!': 1 } },
  nested(50, (inner) => ({ a: inner, b: 'x' })),
  Array.from({ length: 50 }).reduce<unknown>((inner) => [inner], 5),
]

describe('K20, K22: comparing with and learning from a hostile server', { timeout: PATIENCE_MS }, () => {
  const regExp = globalThis.RegExp
  const make = globalThis.Function
  afterEach(() => {
    globalThis.RegExp = regExp
    globalThis.Function = make
  })

  it.each(hostile)('%s: a verdict, both ways', (_, request) => {
    const theirs = readDescription(described(request))
    for (const verdicts of [
      judgeMethods(describeContract(Own), theirs),
      judgeMethods(theirs, describeContract(Own)),
      judgeMethods(theirs, readDescription(described({ title: 'x', ...request }))),
    ]) {
      const verdict = verdicts.get('m')
      expect(verdict?.findings.length).toBeLessThanOrEqual(40)
      for (const { pointer, reason } of verdict?.findings ?? []) expect((pointer + reason).length).toBeLessThan(5_000)
    }
  })

  it('constants by the hundred thousand are looked up, not searched', () => {
    const ours = Array.from({ length: 200_000 }, (_, n) => n)
    const theirs = { enum: [...ours].reverse(), type: Array(50_000).fill('number') }
    const [one, other] = [described({ enum: ours }), described(theirs)].map(readDescription)
    expect(one && other && judgeMethods(one, other).get('m')?.verdict).toBe('compatible')
  })

  it('many schemas that are each just small enough are too large together', () => {
    const wide = (prefix: string) =>
      object(
        Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`${prefix}${n}`, { minLength: n, type: 'string' }])),
      )
    const union = (prefix: string) => ({ anyOf: Array.from({ length: 10 }, (_, n) => wide(`${prefix}${n}_`)) })
    const many = (prefix: string) => {
      const { m } = described(union(prefix)).methods
      return readDescription(
        described({}, { methods: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`m${n}`, m])) }),
      )
    }
    const reasons = [...judgeMethods(many('a'), many('b')).values()].map(({ findings }) => findings[0]?.reason ?? '')
    expect(reasons[0]).not.toContain('too large to compare')
    expect(reasons.at(-1)).toContain('too large to compare')
  })

  it.each(hostile)('%s: learned and used, or a typed error', (_, request) => {
    const [pattern] = [/"pattern(Properties)?"/]
    const isOfPatterns = pattern.test(JSON.stringify(request))
    let Learned: AnyContract
    const used = (...args: unknown[]): never => {
      throw new Error(`made ${String(args)}`)
    }
    if (isOfPatterns)
      globalThis.RegExp = Object.assign(() => {
        used('a RegExp')
      }, regExp) as unknown as RegExpConstructor // any use of it fails the test
    globalThis.Function = Object.assign(() => {
      used('code')
    }, make) as unknown as FunctionConstructor // likewise
    try {
      Learned = learnContract(described(request))
    } catch (error) {
      expect(error).toBeInstanceOf(NanowireError)
      expect(error).toMatchObject({ code: 'invalid_argument' })
      return
    }
    const gate = Learned.methods['m']?.request
    for (const value of values) {
      for (const pass of [() => gate?.toWire(value), () => gate?.fromWire(value), () => gate?.inMemory(value)]) {
        try {
          pass()
        } catch (error) {
          expect(error).toMatchObject({ name: 'Misfit' })
        }
      }
    }
  })
})
