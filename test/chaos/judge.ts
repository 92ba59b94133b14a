/**
 * Whether what clients were told is what handlers did (spec/errors.md, E4 and E5). Invariant: a pure function of the journals;
 * it knows nothing of what was done to the connections.
 */
import type { Entry } from './journal.ts'

export interface Journals {
  /** Of each client process, with whether it was killed. */
  readonly clients: readonly { readonly entries: readonly Entry[]; readonly killed: boolean }[]
  readonly servers: readonly { readonly entries: readonly Entry[]; readonly killed: boolean }[]
}

export interface Verdict {
  /** One line for each rule that was broken. */
  readonly findings: readonly string[]
  readonly calls: number
  /** How many calls ended how: `unary unavailable maybe`. */
  readonly outcomes: Readonly<Record<string, number>>
}

/** What may become of a call whose connection may fail, of a handler that may refuse or throw, of a caller in a hurry. */
const CODES: ReadonlySet<string> = new Set([
  'ok',
  'left',
  'Refused',
  'internal',
  'unavailable',
  'deadline_exceeded',
  'cancelled',
])

/** Of a call that met no fault. On a busy machine a process may stand still for longer than silence may last (contract.ts). */
const CALM_CODES: ReadonlySet<string> = new Set(['ok', 'left', 'Refused', 'internal', 'unavailable'])

interface Runs {
  readonly begun: ReadonlyMap<string, number>
  readonly ended: ReadonlyMap<string, number>
}

export function judge({ clients, servers }: Journals): Verdict {
  const findings: string[] = []
  const outcomes: Record<string, number> = {}
  const kinds = new Map<string, string>()
  const runs: Runs = { begun: count(servers, 'begin'), ended: count(servers, 'end') }
  for (const { entries, killed } of [...clients, ...servers]) {
    for (const entry of entries) if (entry.what === 'wrong') findings.push(entry.text)
    if (!killed && entries.at(-1)?.what !== 'over') findings.push('a process did not end in good order')
  }
  for (const { entries, killed } of clients) {
    const open = new Set<string>()
    const calm = new Set<string>()
    for (const entry of entries) {
      if (entry.what === 'call') {
        kinds.set(entry.id, entry.kind)
        open.add(entry.id)
        if (entry.isCalm) calm.add(entry.id)
      } else if (entry.what === 'settled') {
        if (!open.delete(entry.id)) findings.push(`${entry.id} has settled twice`)
        const how = `${kinds.get(entry.id)} ${entry.code} ${entry.processed}`
        outcomes[how] = (outcomes[how] ?? 0) + 1
        findings.push(...judgeCall(entry, how, runs))
        if (calm.has(entry.id)) findings.push(...judgeCalm(entry, how, runs))
      }
    }
    if (!killed) for (const id of open) findings.push(`${id} (${kinds.get(id)}) has never settled`)
  }
  for (const [id, times] of runs.begun) {
    if (times > 1) findings.push(`the handler of ${id} (${kinds.get(id)}) ran ${times} times`)
    if (!kinds.has(id)) findings.push(`a handler ran for ${id}, which nobody has called`)
  }
  return { findings, calls: kinds.size, outcomes }
}

interface Settled {
  readonly id: string
  readonly code: string
  readonly processed: string
}

function* judgeCall({ id, code, processed }: Settled, how: string, { begun, ended }: Runs): Generator<string> {
  const hasRun = begun.has(id)
  const isNotify = how.startsWith('note ')
  if (!CODES.has(code)) yield `${id} ended as nothing should: ${how}`
  if (processed === 'no' && hasRun) yield `${id} was told that its handler did not run, but it did: ${how}`
  if (processed === 'yes' && !hasRun) yield `${id} was told that its handler ran, but it did not: ${how}`
  if (processed === 'yes' && hasRun && !ended.has(id)) yield `${id} was answered before its handler had ended: ${how}`
  // That a notify was taken says only that it may run.
  if (code === 'ok' && !isNotify && !ended.has(id)) yield `${id} has a reply that no handler gave: ${how}`
  if ((code === 'Refused' || code === 'internal') && processed !== 'yes')
    yield `${id} has an error of a handler: ${how}`
}

/** Nothing that was said is lost where nothing went wrong. */
function* judgeCalm({ id, code }: Settled, how: string, { begun }: Runs): Generator<string> {
  if (!CALM_CODES.has(code)) yield `${id} met no fault, and was lost: ${how}`
  if (code === 'ok' && !begun.has(id)) yield `${id} met no fault, and never ran: ${how}`
}

function count(journals: Journals['servers'], what: 'begin' | 'end'): Map<string, number> {
  const times = new Map<string, number>()
  for (const { entries } of journals)
    for (const entry of entries) if (entry.what === what) times.set(entry.id, (times.get(entry.id) ?? 0) + 1)
  return times
}
