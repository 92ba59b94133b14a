/**
 * `checkContract`: what a contract can be wrong in without being refused when it is defined (spec/testing.md): patterns
 * that backtrack for ever, tags that could be mistaken, schemas whose check is exponential.
 */
import type { TSchema } from 'typebox'
import { Format } from 'typebox/format'
import { type AnyContract, type MethodRef, shapeOf, tagOf } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type Finding, isKnownSafe, judgePattern } from './judge-pattern.ts'
import { walkSchema } from './keyword-walk.ts'
import { requireContract } from './require.ts'
import { ambiguousUnions } from './unions.ts'

/** Something that is wrong with a contract, or may be. */
export interface ContractProblem extends Finding {
  /** `greeter/hello` */
  readonly method: string
  /** The part of the method and the place in its values: `request/name`, `reply/items/*`, `error Banned/until`. */
  readonly path: string
}

/**
 * Checks a contract more thoroughly than defining it does: for a test, since it takes its time over patterns.
 *
 * @returns the warnings: what could not be proven, or may be slow
 * @throws NanowireError `failed_precondition` that lists every error; its `data` is `{ problems }`, warnings included.
 *   `invalid_argument` for what is no contract, and when the contract has patterns and the peer package `recheck`, which judges them, is not installed
 * @example
 * ```ts
 * test('the contract is sound', async () => {
 *   expect(await checkContract(Greeter)).toEqual([])
 * })
 * ```
 */
export async function checkContract(contract: AnyContract): Promise<readonly ContractProblem[]> {
  requireContract('checkContract', contract)
  const methods = Object.values<MethodRef>(contract.methods)
  const problems = tagProblems(methods)
  for (const method of methods) {
    for (const { name, schema } of partsOf(method)) {
      for (const { path, ...finding } of await findingsIn(schema))
        problems.push({ method: method.name, path: name + path, ...finding })
    }
  }
  const errors = problems.filter((problem) => problem.severity === 'error')
  if (errors.length === 0) return problems
  const list = errors.map(({ method, path, problem, remedy }) => `\n  ${method} ${path}: ${problem}; ${remedy}`)
  throw new NanowireError(
    'failed_precondition',
    `the contract ${contract.name} has ${count(errors.length, 'error')}:${list.join('')}`,
    { processed: 'no', data: { problems } },
  )
}

function partsOf({ definition }: MethodRef): readonly { name: string; schema: TSchema }[] {
  return [
    { name: 'request', schema: definition.request },
    { name: 'reply', schema: definition.reply },
    ...Object.entries<TSchema>(definition.errors).map(([error, schema]) => ({ name: `error ${error}`, schema })),
  ]
}

/** A tag set by hand that is the hash of another method's name, which has one by hand as well: without it they collide. */
function tagProblems(methods: readonly MethodRef[]): ContractProblem[] {
  return methods.flatMap((method): ContractProblem[] => {
    const other = methods.find((one) => one !== method && tagOf(one.name) === method.tag)
    if (!other) return []
    const problem =
      `its tag ${method.tag} is what the name ${other.name} hashes to, ` +
      `so a peer without that method's tag set by hand would call this one`
    return [{ method: method.name, path: 'tag', severity: 'error', problem, remedy: 'choose another number' }]
  })
}

type FindingAt = Finding & { readonly path: string }

async function findingsIn(schema: TSchema): Promise<readonly FindingAt[]> {
  const findings: FindingAt[] = []
  try {
    findings.push(...ambiguousUnions(shapeOf(schema)))
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return [{ path: '', severity: 'error', problem, remedy: 'spec/types.md says what can' }]
  }
  const patterns: { source: string; path: string; maxLength: number | undefined }[] = []
  walkSchema(schema, (keywords, path) => {
    const { pattern, patternProperties, format } = keywords
    const maxLength = typeof keywords['maxLength'] === 'number' ? keywords['maxLength'] : undefined
    if (typeof pattern === 'string') patterns.push({ source: pattern, path, maxLength })
    if (typeof patternProperties === 'object' && patternProperties !== null) {
      for (const source of Object.keys(patternProperties)) patterns.push({ source, path, maxLength: undefined })
    }
    if (typeof format === 'string' && !Format.Has(format)) findings.push({ path, ...unknownFormat(format) })
  })
  for (const { source, path, maxLength } of patterns) {
    const finding = isKnownSafe(source) ? undefined : await judgePattern(source, maxLength)
    if (finding) findings.push({ path, ...finding })
  }
  return findings
}

function unknownFormat(format: string): Finding {
  return {
    severity: 'warning',
    problem: `nobody registered the format ${JSON.stringify(format)} here, so any string fits it`,
    remedy: `Format.Set(${JSON.stringify(format)}, …) of typebox/format, in every process that uses the contract`,
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
