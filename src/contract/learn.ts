/**
 * A contract made from what a server tells, for a client that has no module of it (spec/compatibility.md, chapter "Learned
 * contracts"). Invariant: of a peer's schema only what is listed here is used; no pattern of it is compiled or run, and no
 * code is made of it.
 */
import { misuse } from '../errors.ts'
import { type AnyContract, defineContract } from './contract.ts'
import { type ContractDescription, type MethodDescription, setDescription } from './describe.ts'
import { hashOfDescription, setHash } from './fingerprint.ts'
import { isJsonObject, type JsonSchema } from './json-schema.ts'
import { LearnedSchema } from './learn-schema.ts'
import { bidiStream, clientStream, eventOf, notify, serverStream, unary } from './make-method.ts'
import { isMethodKind, type Method } from './method.ts'
import { readDescription } from './read-description.ts'

/**
 * A contract from a description. Its hash is that of its server, so calls by it are never held up; what its schemas do not say
 * any more (patterns, formats, and all but the common keywords) the server checks.
 *
 * @param description as `readDescription` takes it; it is read again, so anything may be passed
 * @throws NanowireError `invalid_argument` for what cannot be read, is too large, or has no method that this version knows
 * @example
 * ```ts
 * const Learned = learnContract(await wire.client(Reflection).describe({ contract: 'shop' }))
 * ```
 */
export function learnContract(description: unknown): AnyContract {
  const read = readDescription(description)
  const known = Object.entries(read.methods).filter(([, { kind }]) => isMethodKind(kind))
  if (known.length === 0) throw misuse(`the contract ${read.name} has no method of a kind that this version knows`)
  const learned = known.map(([key, method]) => [key, learnMethod(`${read.name}/${key}`, method)] as const)
  const contract: AnyContract = defineContract(read.name, Object.fromEntries(learned))
  return withDescription(contract, read)
}

function withDescription(contract: AnyContract, description: ContractDescription): AnyContract {
  setDescription(contract, description)
  setHash(contract, hashOfDescription(description))
  return contract
}

function learnMethod(name: string, described: MethodDescription): Method {
  const { kind, tag, idempotent, timeoutMs, deprecated, description } = described
  const options = { tag, idempotent, timeoutMs, deprecated, description }
  const request = learnSchema(described.request, `${name} request`)
  if (kind === 'notify') return notify(request, options)
  const reply = learnSchema(described.reply, `${name} reply`)
  if (kind === 'event') return eventOf(reply, request, keyOf(described.request), { tag, deprecated, description })
  const errors = Object.entries(described.errors).map(
    ([error, schema]) => [error, learnSchema(schema, `${name} error ${error}`)] as const,
  )
  const whole = { ...options, errors: Object.fromEntries(errors) }
  switch (kind) {
    case 'serverStream':
      return serverStream(request, reply, whole)
    case 'clientStream':
      return clientStream(request, reply, whole)
    case 'bidiStream':
      return bidiStream(request, reply, whole)
    default:
      return unary(request, reply, whole)
  }
}

/** The event's key is the one property that its subscriptions have. */
function keyOf(request: JsonSchema): string | undefined {
  const properties = isJsonObject(request) ? request['properties'] : undefined
  const names = isJsonObject(properties) ? Object.keys(properties) : []
  return names.length === 1 ? names[0] : undefined
}

function learnSchema(schema: MethodDescription['request'], where: string) {
  return new LearnedSchema(schema, where).whole()
}
