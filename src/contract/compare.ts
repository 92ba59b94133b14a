/**
 * Contracts that differ: which of a client's methods get on with a server's (spec/compatibility.md, chapter
 * "Comparison"). Invariant: what is called compatible never fails a check for its contract's sake.
 */
import { misuse } from '../errors.ts'
import { canonicalSchema } from './canonical.ts'
import { compareSchemas } from './compare-schema.ts'
import type { ContractDescription, MethodDescription } from './describe.ts'
import { methodFingerprint } from './fingerprint.ts'
import { cut } from './form.ts'
import { Budget } from './form-reader.ts'
import type { JsonSchema } from './json-schema.ts'
import { isMethodKind } from './method.ts'
import type { Outcome, Roles } from './outcome.ts'

/** One difference between two sides' methods. */
export interface Finding {
  /** Where in the values: `/hello/request/name`; `*` for any item of a list, or any name of a record. */
  readonly pointer: string
  /** One sentence: what differs, and where it breaks also what to do. */
  readonly reason: string
  readonly verdict: 'compatible' | 'breaking'
}

/** Whether a client's method gets on with a server's. */
export interface MethodVerdict {
  /**
   * `identical`: what travels is the same. `compatible`: whatever the client sends passes the server's check, and whatever
   * comes back the client's. `breaking`: something may not, or cannot be seen to.
   */
  readonly verdict: 'identical' | 'compatible' | 'breaking'
  /** What differs, the first twenty or so of each part; of `breaking` at least one of them breaks. */
  readonly findings: readonly Finding[]
}

const asked: Roles = { sender: 'the client', receiver: 'the server' }
const answered: Roles = { sender: 'the server', receiver: 'the client' }

/**
 * Judges each of a client's methods against a server's contract of the same name.
 * @returns verdicts by the method's key: `hello`
 */
export function judgeMethods(
  client: ContractDescription,
  server: ContractDescription,
): ReadonlyMap<string, MethodVerdict> {
  const budget = new Budget()
  return new Map(
    Object.entries(client.methods).map(([key, method]) => {
      const theirs = Object.hasOwn(server.methods, key) ? server.methods[key] : undefined
      return [key, theirs ? judgeMethod(key, method, theirs, budget) : lacking(key)]
    }),
  )
}

/** Two versions of a contract, seen by clients of each at servers of the other. */
export interface ContractDiff {
  /** Clients that have the old contract, at a server that has the new one; by the method's key. */
  readonly oldClients: ReadonlyMap<string, MethodVerdict>
  /** Clients that have the new contract, at a server that still has the old one. */
  readonly newClients: ReadonlyMap<string, MethodVerdict>
}

/**
 * Compares two versions of a contract in both directions. A method that only one of them has is in that one's clients alone.
 * @throws NanowireError `invalid_argument` where the two have different names
 * @example
 * ```ts
 * const { oldClients } = diffContracts(describeContract(Before), describeContract(After))
 * const broken = [...oldClients].filter(([, { verdict }]) => verdict === 'breaking')
 * ```
 */
export function diffContracts(old: ContractDescription, next: ContractDescription): ContractDiff {
  if (old.name !== next.name) {
    throw misuse(`${old.name} and ${next.name} are different contracts; compare two versions of one, with one name`)
  }
  return { oldClients: judgeMethods(old, next), newClients: judgeMethods(next, old) }
}

function lacking(key: string): MethodVerdict {
  const reason = `the server has no method ${key}; keep it there, or stop calling it`
  return { verdict: 'breaking', findings: [{ pointer: `/${key}`, reason, verdict: 'breaking' }] }
}

function judgeMethod(key: string, client: MethodDescription, server: MethodDescription, budget: Budget): MethodVerdict {
  if (methodFingerprint(client) === methodFingerprint(server)) return { verdict: 'identical', findings: [] }
  const findings: Finding[] = []
  const breaks = (at: string, reason: string) => findings.push({ pointer: `/${key}${at}`, reason, verdict: 'breaking' })
  if (client.kind !== server.kind) {
    breaks(
      '/kind',
      `the client calls a ${cut(client.kind)} method, and the server has a ${cut(server.kind)} one; give it a new name`,
    )
  } else if (!isMethodKind(client.kind)) {
    breaks('/kind', `methods of the kind ${cut(client.kind)} are not known here; use a later version`)
  }
  if (client.tag !== server.tag) {
    breaks(
      '/tag',
      `the client's number is ${client.tag}, the server's ${server.tag}; say the old one by the option tag`,
    )
  }
  findings.push(...findingsOf(`/${key}/request`, client.request, server.request, asked, budget))
  findings.push(...findingsOf(`/${key}/reply`, server.reply, client.reply, answered, budget))
  findings.push(...judgeErrors(key, client, server, budget))
  const isBroken = findings.some((finding) => finding.verdict === 'breaking')
  return { verdict: isBroken ? 'breaking' : 'compatible', findings }
}

/** An error that the client does not declare arrives as `unknown` (spec/errors.md, E17), and fails no check. */
function judgeErrors(key: string, client: MethodDescription, server: MethodDescription, budget: Budget): Finding[] {
  const names = new Set([...Object.keys(client.errors), ...Object.keys(server.errors)])
  return [...names].flatMap((name): Finding[] => {
    const pointer = `/${key}/errors/${name}`
    const [ours, theirs] = [ownOf(client.errors, name), ownOf(server.errors, name)]
    if (ours !== undefined && theirs !== undefined) return findingsOf(pointer, theirs, ours, answered, budget)
    const reason =
      ours === undefined
        ? `the client does not declare the error ${name}, and meets it as unknown`
        : `the server does not declare the error ${name}, so it never comes`
    return [{ pointer, reason, verdict: 'compatible' }]
  })
}

function ownOf(errors: MethodDescription['errors'], name: string): JsonSchema | undefined {
  return Object.hasOwn(errors, name) ? errors[name] : undefined
}

function findingsOf(
  pointer: string,
  sender: JsonSchema,
  receiver: JsonSchema,
  roles: Roles,
  budget: Budget,
): Finding[] {
  const { breaks, notes }: Outcome = compareSchemas(sender, receiver, roles, budget)
  if (breaks.length + notes.length === 0 && canonicalSchema(sender) !== canonicalSchema(receiver)) {
    const reason = `is written differently, and ${roles.receiver} takes all that ${roles.sender} sends`
    return [{ pointer, reason, verdict: 'compatible' }]
  }
  const at = (path: readonly string[]) => `${pointer}${path.map((segment) => `/${segmentText(segment)}`).join('')}`
  return [
    ...breaks.map(({ path, reason }): Finding => ({ pointer: at(path), reason, verdict: 'breaking' })),
    ...notes.map(({ path, reason }): Finding => ({ pointer: at(path), reason, verdict: 'compatible' })),
  ]
}

function segmentText(segment: string): string {
  return cut(segment).replaceAll('~', '~0').replaceAll('/', '~1')
}
