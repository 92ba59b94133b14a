/**
 * A peer's description of its contract: read, compared, learned, and values judged by what was learned (spec/compatibility.md). It comes
 * as MessagePack, as JSON, or grown from the input by the keywords of schemas.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  type AnyContract,
  type ContractDescription,
  diffContracts,
  hashOfDescription,
  learnContract,
  Misfit,
  readDescription,
} from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits.ts'
import { decodeBody, pack, StrictError, unpack } from '../../src/wire/index.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { Choices, require, requireDeclared, type Target } from '../target.ts'

const MAX_SCHEMA_DEPTH = 6

const keywords = [
  'type',
  'properties',
  'required',
  'items',
  'prefixItems',
  'additionalProperties',
  'patternProperties',
  'unevaluatedProperties',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'const',
  'enum',
  '$ref',
  '$defs',
  '$id',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'pattern',
  'format',
  'x-nanowire',
  'minBytes',
  'if',
  'default',
] as const
const names = ['a', 'b', 'kind', 'constructor', 'toString', '__proto__', '', 'a/b'] as const
const types = [
  'null',
  'boolean',
  'string',
  'number',
  'integer',
  'bigint',
  'array',
  'object',
  'undefined',
  'void',
  'new',
] as const
const kindsOfMethods = [
  'unary',
  'notify',
  'serverStream',
  'clientStream',
  'bidiStream',
  'event',
  'unknownKind',
] as const
const scalars: readonly [unknown, ...unknown[]] = [
  0,
  1,
  -1,
  2,
  0.5,
  1e300,
  -0,
  '',
  'a',
  'p',
  '5',
  true,
  false,
  null,
  '^(.*)$',
  '(a+)+$',
  'bytes',
  'timestamp',
]

export const schemas: Target = {
  about: "a peer's description: read, hashed, compared, learned, and values judged by it",
  maxBytes: 4_096,
  dictionary: [
    ...keywords,
    ...types,
    ...kindsOfMethods,
    'nanowire',
    'methods',
    'request',
    'reply',
    'errors',
    '{"',
    '":{',
  ],
  *seeds() {
    for (const { description } of vectorsOf('fingerprints.json')) {
      if (description === undefined) continue
      yield Buffer.concat([Uint8Array.of(0, 0), pack(description)])
      yield Buffer.concat([Uint8Array.of(1, 0), Buffer.from(JSON.stringify(description))])
    }
    for (const { schema } of vectorsOf('types.json')) {
      const description = {
        nanowire: 1,
        name: 'a',
        methods: { a: { kind: 'unary', tag: 1, request: schema, reply: schema } },
      }
      yield Buffer.concat([Uint8Array.of(1, 0), Buffer.from(JSON.stringify(description))])
    }
    for (let kind = 0; kind < 40; kind++)
      yield Uint8Array.of(2, kind, ...bytesOf('0102030405060708090a0b0c0d0e0f').map((byte) => byte * (kind + 1)))
  },
  judge(input) {
    const described = descriptionIn(input)
    if (described === undefined) return
    const read = orRefused(() => readDescription(described))
    if (!read) return
    require(isDeepStrictEqual(readDescription(read), read), 'a description that is read as another the second time')
    const hash = hashOfDescription(read)
    require(hash.length === 16, 'a hash of another length')
    judgeItself(read)
    const learned = orRefused(() => learnContract(read))
    if (learned) judgeValues(learned, input)
  },
}

function descriptionIn(input: Uint8Array): unknown {
  const rest = input.subarray(2)
  switch ((input[0] ?? 0) % 3) {
    case 0:
      return orUndefined(StrictError, () => unpack(rest, 0, rest.length, defaultLimits))
    case 1:
      return orUndefined(SyntaxError, () => JSON.parse(Buffer.from(rest).toString()))
    default:
      return grown(new Choices(input.subarray(1)))
  }
}

/** A contract of one method or more, whose schemas are keywords with what fits them and what does not. */
function grown(choices: Choices): unknown {
  const methods: Record<string, unknown> = {}
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const kind = choices.of(kindsOfMethods)
    const request = schemaOf(choices, 0)
    const reply = schemaOf(choices, 0)
    const errors = choices.byte() < 60 ? { errors: { Bad: schemaOf(choices, 2) } } : {}
    methods[`m${count}`] = { kind, tag: 16 + count, request, reply, ...errors }
  }
  return { nanowire: 1, name: 'a', methods }
}

function schemaOf(choices: Choices, depth: number): unknown {
  const how = choices.byte()
  if (how < 8) return how % 2 === 0
  const schema: Record<string, unknown> = {}
  for (let count = how % 4; count >= 0; count--) {
    const keyword = choices.of(keywords)
    schema[keyword] = contentOf(keyword, choices, depth + 1)
  }
  return schema
}

/** What fits the keyword, most often. */
function contentOf(keyword: (typeof keywords)[number], choices: Choices, depth: number): unknown {
  if (depth > MAX_SCHEMA_DEPTH || choices.byte() < 16) return choices.of(scalars)
  switch (keyword) {
    case 'type':
      return choices.byte() < 220 ? choices.of(types) : [choices.of(types), choices.of(types)]
    case 'properties':
    case 'patternProperties':
    case '$defs':
      return Object.fromEntries(
        Array.from({ length: choices.below(4) }, () => [choices.of(names), schemaOf(choices, depth)]),
      )
    case 'required':
      return Array.from({ length: choices.below(3) }, () => choices.of(names))
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      return Array.from({ length: choices.below(4) }, () => schemaOf(choices, depth))
    case 'items':
    case 'additionalProperties':
    case 'unevaluatedProperties':
    case 'not':
    case 'if':
      return schemaOf(choices, depth)
    case 'enum':
      return Array.from({ length: choices.below(4) }, () => choices.of(scalars))
    case '$ref':
      return `#/$defs/${choices.of(names)}`
    default:
      return choices.of(scalars)
  }
}

/** A contract has no quarrel with itself; with any other the comparison comes to an end. */
function judgeItself(read: ContractDescription): void {
  const turned = Object.entries(read.methods).map(([key, method]) => {
    const { request, reply } = method
    return [key, { ...method, request: reply, reply: request }] as const
  })
  const others = diffContracts(read, { ...read, methods: Object.fromEntries(turned) })
  for (const { findings } of others.oldClients.values())
    require(findings.every(
      ({ pointer, reason }) => pointer.startsWith('/') && reason !== '',
    ), 'a finding that says nothing')
  const { oldClients, newClients } = diffContracts(read, read)
  for (const [key, { verdict, findings }] of [...oldClients, ...newClients])
    require(verdict === 'identical', () =>
      `${key} is ${verdict} with itself: ${JSON.stringify(findings).slice(0, 300)}`)
}

function judgeValues(contract: AnyContract, input: Uint8Array): void {
  for (const { request, reply } of Object.values(contract.methods))
    for (const gate of [request, reply]) {
      orUndefined(StrictError, () =>
        orUndefined(Misfit, () => decodeBody(gate, input, 1, Math.max(1, input.length), defaultLimits)),
      )
      orUndefined(Misfit, () => gate.inMemory({ a: 1, kind: 'p', constructor: [] }))
    }
}

/** A value, or `undefined` where it is refused as misuse. */
function orRefused<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    requireDeclared(error, NanowireError)
    if (error.code === 'invalid_argument') return undefined
    throw error
  }
}

function orUndefined<T>(kind: typeof StrictError | typeof SyntaxError | typeof Misfit, act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}
