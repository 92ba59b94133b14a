/**
 * A contract made from what a server tells, for a client that has no module of it (spec/compatibility.md, chapter "Learned
 * contracts"). Invariant: of a peer's schema only what is listed here is used; no pattern of it is compiled or run, and no
 * code is made of it.
 */
import { misuse } from '../errors.ts'
import { type AnyContract, defineContract } from './contract.ts'
import { type ContractDescription, type MethodDescription, setDescription } from './describe.ts'
import { hashOfDescription, setHash } from './fingerprint.ts'
import { LearnedSchema } from './learn-schema.ts'
import { type Method, notify, unary } from './method.ts'
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
  const known = Object.entries(read.methods).filter(([, { kind }]) => kind === 'unary' || kind === 'notify')
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
  const errors = Object.entries(described.errors).map(
    ([error, schema]) => [error, learnSchema(schema, `${name} error ${error}`)] as const,
  )
  return unary(request, learnSchema(described.reply, `${name} reply`), {
    ...options,
    errors: Object.fromEntries(errors),
  })
}

function learnSchema(schema: MethodDescription['request'], where: string) {
  return new LearnedSchema(schema, where).whole()
}
