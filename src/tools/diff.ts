/** `nanowire diff`: which methods of two versions get on with each other, in both directions (spec/cli.md). */
import { type ContractDiff, diffContracts, type Finding, type MethodVerdict } from '../contract/index.ts'
import type { Io } from './io.ts'
import { escapeControls, jsonText } from './print.ts'
import type { DescribedContract } from './saved.ts'
import { readSource, type SourceFlags } from './source.ts'
import { WrongUse } from './wrong-use.ts'

export interface DiffFlags extends SourceFlags {
  readonly failOn?: 'breaking' | 'any' | undefined
  readonly json?: true | undefined
}

type Verdict = MethodVerdict['verdict']
type Presence = 'both' | 'added' | 'removed'

/** A method that at least one of the versions has. Where it was added there are no old clients of it, and so on. */
interface MethodDiff {
  readonly name: string
  readonly presence: Presence
  readonly oldClients: MethodVerdict | undefined
  readonly newClients: MethodVerdict | undefined
  /** Of both directions. What was added breaks nothing that there is; what was removed breaks its callers. */
  readonly verdict: Verdict
}

interface ContractComparison {
  readonly name: string
  readonly presence: Presence
  readonly old: string | undefined
  readonly new: string | undefined
  readonly methods: readonly MethodDiff[]
  readonly verdict: Verdict
}

/** Returns the exit code: 1 where `--fail-on` says so. */
export async function runDiff(oldWord: string, newWord: string, flags: DiffFlags, io: Io): Promise<number> {
  if (oldWord === '-' && newWord === '-') throw new WrongUse('stdin can be read once: only one of the two is -')
  const before = await readSource(oldWord, flags, io)
  const after = await readSource(newWord, flags, io)
  const contracts = compareAll(before, after)
  const verdict = worst(contracts.map((contract) => contract.verdict))
  if (flags.json) io.out(jsonText({ verdict, contracts: contracts.map(contractJson) }))
  else io.out([...contracts.map(contractText), summary(contracts, verdict)].join('\n\n'))
  const { failOn } = flags
  const fails = failOn === 'breaking' ? verdict === 'breaking' : failOn === 'any' && verdict !== 'identical'
  return fails ? 1 : 0
}

/** Contracts are pairs by their names, in the order of the old side. */
function compareAll(
  before: readonly DescribedContract[],
  after: readonly DescribedContract[],
): readonly ContractComparison[] {
  const olds = new Map(before.map((one) => [one.description.name, one]))
  const news = new Map(after.map((one) => [one.description.name, one]))
  return [...new Set([...olds.keys(), ...news.keys()])].map((name) =>
    compareContract(name, olds.get(name), news.get(name)),
  )
}

function compareContract(
  name: string,
  before: DescribedContract | undefined,
  after: DescribedContract | undefined,
): ContractComparison {
  const presence = before ? (after ? 'both' : 'removed') : 'added'
  const methods = before && after ? compareMethods(name, diffContracts(before.description, after.description)) : []
  const verdict =
    presence === 'removed' ? 'breaking' : presence === 'added' ? 'compatible' : worst(methods.map((one) => one.verdict))
  return { name, presence, old: before?.fingerprint, new: after?.fingerprint, methods, verdict }
}

/** A method that only one side has is in that one's clients alone. */
function compareMethods(contract: string, { oldClients, newClients }: ContractDiff): readonly MethodDiff[] {
  return [...new Set([...oldClients.keys(), ...newClients.keys()])].map((key): MethodDiff => {
    const [old, fresh] = [oldClients.get(key), newClients.get(key)]
    const both = { name: `${contract}/${key}`, oldClients: old, newClients: fresh }
    if (!old) return { ...both, presence: 'added', verdict: 'compatible' }
    if (!fresh) return { ...both, presence: 'removed', verdict: 'breaking' }
    return { ...both, presence: 'both', verdict: worst([old.verdict, fresh.verdict]) }
  })
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('breaking')) return 'breaking'
  return verdicts.includes('compatible') ? 'compatible' : 'identical'
}

function contractJson({ methods, ...contract }: ContractComparison): unknown {
  return { ...contract, methods: methods.map((method) => ({ ...method })) }
}

function contractText(contract: ContractComparison): string {
  const { name, presence, methods } = contract
  if (presence !== 'both') return `${name}  ${presenceWords[presence]}`
  const heading =
    contract.old === contract.new ? `${name}  ${contract.old}` : `${name}  ${contract.old} -> ${contract.new}`
  const width = Math.max(...methods.map((method) => method.name.length))
  return [heading, ...methods.flatMap((method) => methodLines(method, width))].map(line).join('\n')
}

const presenceWords = {
  added: 'added: no old client calls it',
  removed: 'removed: breaking for old clients',
} as const

function methodLines({ name, presence, verdict, oldClients, newClients }: MethodDiff, width: number): string[] {
  const head = `  ${name.padEnd(width)}  `
  if (presence !== 'both') return [head + presenceWords[presence]]
  if (verdict === 'identical') return [`${head}identical`]
  return [
    head + verdict,
    ...directionLines('old client, new server', oldClients),
    ...directionLines('new client, old server', newClients),
  ]
}

function directionLines(direction: string, judged: MethodVerdict | undefined): string[] {
  return judged ? [`    ${direction}: ${judged.verdict}`, ...judged.findings.map(findingText)] : []
}

function findingText({ pointer, reason, verdict }: Finding): string {
  return `      ${verdict === 'breaking' ? '!!' : '  '} ${pointer}: ${reason}`
}

/** In one line, whatever a peer has put into it. */
function line(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\u000a').replaceAll('\t', '\\u0009')
}

function summary(contracts: readonly ContractComparison[], verdict: Verdict): string {
  const methods = contracts.flatMap((contract) => contract.methods)
  const counts = [
    ...(['identical', 'compatible', 'breaking'] as const).map((one) => ({
      count: methods.filter((method) => method.presence === 'both' && method.verdict === one).length,
      word: one,
    })),
    ...(['added', 'removed'] as const).map((one) => ({
      count: methods.filter((method) => method.presence === one).length,
      word: one,
    })),
  ]
  const counted = counts.filter(({ count }) => count > 0).map(({ count, word }) => `${count} ${word}`)
  const lone = (['added', 'removed'] as const).flatMap((one) => {
    const names = contracts.filter((contract) => contract.presence === one).map((contract) => contract.name)
    return names.length === 0 ? [] : [`contracts ${one}: ${names.join(', ')}`]
  })
  return [
    `${verdict}: ${counted.length === 0 ? 'no methods to compare' : `methods: ${counted.join(', ')}`}`,
    ...lone,
  ].join('; ')
}
