/** spec/compatibility.md, K1 to K9: descriptions, their texts and hashes. K10 to K22 are in test/contract. */

import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { canonicalSchema } from '../../src/contract/canonical.ts'
import { methodFingerprint } from '../../src/contract/fingerprint.ts'
import { fnv128 } from '../../src/contract/fnv128.ts'
import {
  Bytes,
  type ContractDescription,
  contract,
  describeContract,
  hashOf,
  hashOfDescription,
  type Method,
  notify,
  Reflection,
  readDescription,
  Timestamp,
  unary,
} from '../../src/contract/index.ts'
import type { JsonSchema } from '../../src/contract/json-schema.ts'
import { router, service, stub } from '../../src/index.ts'
import { runs } from '../support/runs.ts'
import { arbitrarySchema } from '../testing/schemas.ts'
import { refusalOf } from './refusal.ts'
import { vectorsOf } from './vectors.ts'

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const utf8 = (text: string) => new TextEncoder().encode(text)
const described = (schema: TSchema) => describeContract(contract('c', { m: notify(schema) })).methods['m']?.request
const fingerprint = (method: Method) => contract('c', { m: method }).fingerprint
const ofSchema = (schema: TSchema) => fingerprint(notify(schema))

describe('K1: a description', () => {
  const Shop = contract('shop', {
    order: unary(Type.Null(), Type.String(), {
      errors: { SoldOut: Type.Null() },
      tag: 7,
      idempotent: false,
      timeoutMs: 5,
      deprecated: true,
      description: 'Orders.',
    }),
    ring: notify(Type.Boolean()),
  })

  it('has the methods with their schemas and options', () => {
    expect(describeContract(Shop)).toEqual({
      nanowire: 1,
      name: 'shop',
      methods: {
        order: {
          kind: 'unary',
          tag: 7,
          request: { type: 'null' },
          reply: { type: 'string' },
          errors: { SoldOut: { type: 'null' } },
          idempotent: false,
          timeoutMs: 5,
          deprecated: true,
          description: 'Orders.',
        },
        ring: {
          kind: 'notify',
          tag: Shop.tags.ring,
          request: { type: 'boolean' },
          reply: { type: 'void' },
          errors: {},
        },
      },
    })
  })

  it('is one frozen value for each contract, and passes through JSON', () => {
    const description = describeContract(Shop)
    expect(describeContract(Shop)).toBe(description)
    expect(Object.isFrozen(description.methods['order']?.errors)).toBe(true)
    expect(readDescription(JSON.parse(JSON.stringify(description)))).toEqual(description)
  })
})

describe('K2: schemas as data', () => {
  it('are without marks and functions', () => {
    const Even = Type.Refine(Type.Integer({ 'x-name': 'even' }), (value) => value % 2 === 0)
    expect(described(Even)).toEqual({ type: 'integer', 'x-name': 'even' })
    expect(described(Type.Object({ a: Type.Optional(Type.String()) }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string' } },
    })
    expect(described(Bytes({ maxBytes: 5 }))).toEqual({ 'x-nanowire': 'bytes', maxBytes: 5 })
  })

  it('say what JSON lacks by objects of one name', () => {
    const odd = { default: [5n, Number.NaN, -0, new Date(1_000), new Uint8Array([1, 2]), undefined] }
    expect(described(Type.Unknown(odd))).toEqual({
      default: [{ $bigint: '5' }, { $number: 'NaN' }, 0, { $date: 1_000 }, { $bytes: [1, 2] }, null],
    })
    expect(described(Type.BigInt({ minimum: -(2n ** 63n) }))).toEqual({
      type: 'bigint',
      minimum: { $bigint: '-9223372036854775808' },
    })
  })

  it('refuse what UTF-8 cannot say, __proto__, and what has no end', () => {
    expect(refusalOf(() => described(Type.String({ title: '\ud800' })))).toContain('half of a surrogate pair')
    expect(refusalOf(() => described(Type.String({ default: JSON.parse('{"__proto__":1}') })))).toContain(
      '"__proto__" is refused',
    )
    const loop: Record<string, unknown> = {}
    loop['loop'] = loop
    expect(refusalOf(() => described(Type.String({ default: loop })))).toContain('holds itself')
  })
})

describe('K3: where schemas are', () => {
  const title = { title: 'x' }

  it.each([
    ...[
      'additionalItems',
      'additionalProperties',
      'contains',
      'not',
      'unevaluatedItems',
      'unevaluatedProperties',
      'items',
    ].map((keyword) => [keyword, title, {}] as const),
    ...['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'].map((keyword) => [keyword, [title], [{}]] as const),
    ...['$defs', 'patternProperties', 'properties'].map((keyword) => [keyword, { title }, { title: {} }] as const),
  ])('%s holds schemas: annotations in them are left out', (keyword, annotated, bare) => {
    expect(canonicalSchema({ [keyword]: annotated } as JsonSchema)).toBe(
      canonicalSchema({ [keyword]: bare } as JsonSchema),
    ) // of JSON, as are all here
  })

  it.each([
    ['const', title],
    ['x-unit', title],
    ['allOf', title],
    ['properties', [title]],
    ['not', [title]],
  ])('%s as %j is data: nothing is left out', (keyword, data) => {
    expect(canonicalSchema({ [keyword]: data } as JsonSchema)).toContain('"title":"x"') // of JSON
  })
})

interface Vector {
  readonly name: string
  readonly utf8?: string
  readonly schemas?: readonly JsonSchema[]
  readonly description?: ContractDescription
  readonly methods?: Readonly<Record<string, { readonly text: string; readonly hash: string }>>
  readonly text?: string
  readonly hash: string
}

describe('K4, K5, K6: vectors of fingerprints', () => {
  it.each(vectorsOf<Vector>('fingerprints.json'))(
    '$name',
    ({ utf8: input, schemas = [], description, methods = {}, text, hash }) => {
      expect(hexOf(fnv128(utf8(input ?? text ?? '')))).toBe(hash)
      for (const schema of schemas) expect(canonicalSchema(schema)).toBe(text)
      if (!description) return
      expect(hexOf(hashOfDescription(readDescription(description)))).toBe(hash)
      for (const [key, method] of Object.entries(methods)) {
        expect(hexOf(fnv128(utf8(method.text)))).toBe(method.hash)
        expect(methodFingerprint(description.methods[key] as never)).toBe(method.hash) // each is of the description
      }
    },
  )

  it('K5: the hash is FNV-1a of 128 bits', () => {
    const slow = (bytes: Uint8Array) => {
      let hash = 0x6c62272e07bb014262b821756295c58dn
      for (const byte of bytes) hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * (2n ** 88n + 0x13bn))
      return hash.toString(16).padStart(32, '0')
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(hexOf(fnv128(bytes))).toBe(slow(bytes))
      }),
      runs(200),
    )
  })

  it('K6: a contract has the hash of its description, by any way that it took', () => {
    fc.assert(
      fc.property(arbitrarySchema(2), (schema) => {
        const own = contract('c', { m: notify(schema) })
        const travelled = readDescription(JSON.parse(JSON.stringify(describeContract(own))))
        expect(hashOfDescription(travelled)).toEqual(hashOf(own))
        expect(own.fingerprint).toBe(hexOf(hashOf(own)))
      }),
      runs(100),
    )
  })
})

describe('K4, K5: what a fingerprint depends on', () => {
  const base = Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer({ minimum: 0 })) })

  it('not on descriptions, titles, examples, defaults, nor on order', () => {
    const other = Type.Object(
      { b: Type.Optional(Type.Integer({ examples: [1], minimum: 0 })), a: Type.String({ title: 'A', default: 'x' }) },
      { description: 'it', $id: 'base' },
    )
    expect(ofSchema(other)).toBe(ofSchema(base))
  })

  it.each<[string, TSchema]>([
    ['a name', Type.Object({ c: Type.String(), b: Type.Optional(Type.Integer({ minimum: 0 })) })],
    ['a type', Type.Object({ a: Type.Null(), b: Type.Optional(Type.Integer({ minimum: 0 })) })],
    ['a bound', Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer({ minimum: 1 })) })],
    ['what is optional', Type.Object({ a: Type.String(), b: Type.Integer({ minimum: 0 }) })],
    [
      'what is forbidden',
      Type.Object(
        { a: Type.String(), b: Type.Optional(Type.Integer({ minimum: 0 })) },
        { additionalProperties: false },
      ),
    ],
    [
      'a property more',
      Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer({ minimum: 0 })), c: Type.Optional(Type.Null()) }),
    ],
  ])('on %s', (_, schema) => {
    expect(ofSchema(schema)).not.toBe(ofSchema(base))
  })

  it.each<[string, TSchema, TSchema]>([
    ['5 and 5n', Type.Literal(5), Type.Literal(5n)],
    ['5 and "5"', Type.Literal(5), Type.Literal('5')],
    ['Bytes and Timestamp', Bytes(), Timestamp()],
    ['a tuple and its reverse', Type.Tuple([Type.Null(), Type.String()]), Type.Tuple([Type.String(), Type.Null()])],
    ['a pattern', Type.String({ pattern: 'a' }), Type.String({ pattern: 'b' })],
    ['two names of a refinement', Type.Integer({ 'x-name': 'even' }), Type.Integer({ 'x-name': 'odd' })],
    ['number and integer', Type.Number(), Type.Integer()],
  ])('on %s', (_, one, other) => {
    expect(ofSchema(one)).not.toBe(ofSchema(other))
  })

  it('on kind, tag, reply and errors of a method, and on no other option', () => {
    const hello = unary(Type.Null(), Type.String())
    const others = [
      notify(Type.Null()),
      unary(Type.Null(), Type.String(), { tag: 7 }),
      unary(Type.Null(), Type.Integer()),
      unary(Type.Null(), Type.String(), { errors: { Gone: Type.Null() } }),
      unary(Type.Null(), Type.String(), { errors: { Away: Type.Null() } }),
    ].map(fingerprint)
    expect(new Set([...others, fingerprint(hello)]).size).toBe(6)
    const options = { idempotent: true, timeoutMs: 9, deprecated: 'x', description: 'y' }
    expect(fingerprint(unary(Type.Null(), Type.String(), options))).toBe(fingerprint(hello))
  })

  it('K6: on the names of contract and methods, not on the order of methods', () => {
    const [one, other] = [notify(Type.Null()), notify(Type.String())]
    expect(contract('c', { one, other }).fingerprint).toBe(contract('c', { other, one }).fingerprint)
    const tagged = (key: string) => ({ [key]: notify(Type.Null(), { tag: 5 }) })
    expect(contract('c', tagged('m')).fingerprint).not.toBe(contract('d', tagged('m')).fingerprint)
    expect(contract('c', tagged('m')).fingerprint).not.toBe(contract('c', tagged('n')).fingerprint)
  })
})

describe('K7: reflection', () => {
  it('is a contract with one method', () => {
    expect(Reflection.name).toBe('nanowire')
    expect(Reflection.tags).toEqual({ describe: 1196251962 })
    expect(describeContract(Reflection).methods['describe']).toMatchObject({ kind: 'unary', reply: {}, errors: {} })
  })

  it('has a name that no other contract may have', () => {
    for (const name of ['nanowire', 'nanowire.health']) {
      expect(refusalOf(() => contract(name, { m: notify(Type.Null()) }))).toContain("is Nanowire's own")
    }
    expect(contract('nanowires', { m: notify(Type.Null()) }).name).toBe('nanowires')
  })

  it('its own service stands in no router by default', () => {
    const C = contract('c', { m: unary(Type.Null(), Type.Null()) })
    expect(
      router([service(C, stub(C, { m: () => null }).handlers)]).services.map(({ contract: own }) => own.name),
    ).toEqual(['c'])
  })
})

describe('K9: what is not known', () => {
  it('is read on', () => {
    const read = readDescription({
      nanowire: 1,
      name: 'c',
      later: true,
      methods: {
        m: {
          kind: 'bidiStream',
          tag: 1,
          request: { $later: [1] },
          reply: true,
          errors: {},
          items: {},
          timeoutMs: 'soon',
        },
      },
    })
    expect(read).toEqual({
      nanowire: 1,
      name: 'c',
      methods: { m: { kind: 'bidiStream', tag: 1, request: { $later: [1] }, reply: true, errors: {} } },
    })
  })
})
