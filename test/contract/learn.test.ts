/** Contracts learned from a server (spec/compatibility.md, chapter "Learned contracts"). */

import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  type AnyContract,
  Bytes,
  contract,
  describeContract,
  hashOf,
  learnContract,
  type MethodRef,
  notify,
  Timestamp,
  unary,
} from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { arbitrary } from '../../src/testing/index.ts'
import { pack, unpack } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { arbitrarySchema, schemaTable } from '../testing/schemas.ts'
import { misfitOf } from './over-wire.ts'

const learned = (own: AnyContract) => learnContract(JSON.parse(JSON.stringify(describeContract(own))))
const methodOf = (of: AnyContract, key: string): MethodRef => {
  const method: MethodRef | undefined = of.methods[key]
  if (!method) throw new Error(`no method ${key}`)
  return method
}
const learnedGate = (schema: TSchema) => methodOf(learned(contract('c', { m: notify(schema) })), 'm').request

describe('K21: a learned contract', () => {
  const Own = contract('shop', {
    order: unary(Type.Object({ id: Type.String({ pattern: '^a+$' }), at: Timestamp() }), Bytes({ maxBytes: 3 }), {
      errors: { Gone: Type.Object({ since: Type.Integer({ minimum: 5 }) }) },
      tag: 7,
      idempotent: true,
      timeoutMs: 500,
      deprecated: 'use buy',
      description: 'Orders.',
    }),
    ring: notify(Type.Object({ times: Type.Integer() })),
  })
  const Learned = learned(Own)

  it('has the hash and the description of its server', () => {
    expect(hashOf(Learned)).toEqual(hashOf(Own))
    expect(Learned.fingerprint).toBe(Own.fingerprint)
    expect(describeContract(Learned)).toEqual(describeContract(Own))
  })

  it('has its methods with their numbers and options', () => {
    expect(Learned.name).toBe('shop')
    expect(Learned.tags).toEqual(Own.tags)
    const { definition, errors } = methodOf(Learned, 'order')
    expect(definition.kind).toBe('unary')
    expect(definition.options).toEqual(methodOf(Own, 'order').definition.options)
    expect([...errors.keys()]).toEqual(['Gone'])
    expect(methodOf(Learned, 'ring').definition.kind).toBe('notify')
  })

  it('checks what can be checked without the words of the server being run', () => {
    const { request, reply, errors } = methodOf(Learned, 'order')
    const at = new Date(5)
    expect(request.toWire({ id: 'not of the pattern', at, more: 1 })).toEqual({ id: 'not of the pattern', at })
    expect(misfitOf(() => request.toWire({ id: 5, at }))).toContain('/id')
    expect(misfitOf(() => request.toWire({ id: 'a', at: 5 }))).toContain('/at')
    expect(reply.fromWire(new Uint8Array(3))).toEqual(new Uint8Array(3))
    expect(misfitOf(() => reply.fromWire(new Uint8Array(4)))).not.toBe('it fits')
    expect(misfitOf(() => errors.get('Gone')?.fromWire({ since: 4 }))).toContain('/since')
  })

  it('leaves out methods of kinds that this version does not know, and is refused where none is left', () => {
    const described = { ...describeContract(Own) }
    const later = { ...described.methods['order'], kind: 'laterStream' }
    const partly = learnContract({ ...described, methods: { ...described.methods, order: later } })
    expect(Object.keys(partly.methods)).toEqual(['ring'])
    expect(() => learnContract({ ...described, methods: { order: later } })).toThrow(
      'no method of a kind that this version knows',
    )
  })

  it('may have a name of the library', () => {
    expect(learnContract({ ...describeContract(Own), name: 'nanowire.more' }).name).toBe('nanowire.more')
  })
})

describe('K21: values of a learned contract', () => {
  it.each(schemaTable)('$name: what the server takes and sends passes unchanged', ({ schema }) => {
    const own = methodOf(contract('c', { m: notify(schema) }), 'm').request
    const gate = learnedGate(schema)
    fc.assert(
      fc.property(arbitrary(schema), (value) => {
        const bytes = pack(own.toWire(value)).slice()
        const arrived = own.fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
        expect(gate.fromWire(unpack(bytes, 0, bytes.length, defaultLimits))).toEqual(arrived)
        expect(own.fromWire(unpack(pack(gate.toWire(value)).slice(), 0, bytes.length, defaultLimits))).toEqual(arrived)
      }),
      runs(20),
    )
  })

  it('of schemas by chance pass', () => {
    fc.assert(
      fc.property(
        arbitrarySchema().chain((schema) => fc.tuple(fc.constant(schema), arbitrary(schema))),
        ([schema, value]) => {
          const own = methodOf(contract('c', { m: notify(schema) }), 'm').request
          const bytes = pack(own.toWire(value)).slice()
          const arrived = own.fromWire(unpack(bytes, 0, bytes.length, defaultLimits))
          expect(learnedGate(schema).fromWire(unpack(bytes, 0, bytes.length, defaultLimits))).toEqual(arrived)
        },
      ),
      runs(100),
    )
  })
})
