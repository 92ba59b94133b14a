/**
 * A client's contracts against its server's (spec/session.md, chapter "Contracts that differ"): calls of contracts that are
 * the same pass at once, others wait until their methods were judged. Invariant: a call that waits here has not run.
 */
import {
  type AnyContract,
  type ContractDescription,
  contractOf,
  describeContract,
  hashOf,
  isContractName,
  judgeMethods,
  type MethodRef,
  type MethodVerdict,
  Reflection,
  readDescription,
} from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import type { OutgoingCall, Session } from '../session/index.ts'
import type { Hello, WireError } from '../wire/index.ts'

/** A call as the check needs it. */
export interface CheckedCall extends OutgoingCall {
  readonly method: MethodRef
  /** Set here: the contracts are known to differ. */
  judged: boolean
}

/** What is known of one contract at one server. */
type Standing =
  | { readonly kind: 'same' }
  | { readonly kind: 'lacking' }
  | { readonly kind: 'judging'; readonly waiting: Set<CheckedCall> }
  /** `verdicts` are absent where the server does not tell its contract: validation judges each call. */
  | { readonly kind: 'judged'; readonly verdicts: Verdicts | undefined }

/** By the method's own name; one that is not there is not judged. */
export type Verdicts = ReadonlyMap<string, MethodVerdict>

/** Verdicts outlive a session: the next server of the same contract need not be asked again. */
export type KnownVerdicts = Map<AnyContract, { readonly hash: Uint8Array; readonly verdicts: Verdicts }>

/** What the check asks of its session's owner. */
export interface ContractCheckOptions {
  readonly session: () => Session
  /** Asks the server for its description of a contract. */
  readonly describe: (contract: string) => Promise<unknown>
  readonly known: KnownVerdicts
  /** The server, for errors. */
  readonly url: () => string
  /** How many calls may wait for a verdict. */
  readonly maxQueued: number
  /** One call more than may wait: counts it, and says so. */
  readonly queueFull: () => WireError
}

/** How many contracts an error lists. */
const MAX_LISTED = 20

export class ContractCheck {
  readonly #options: ContractCheckOptions
  readonly #standings = new Map<AnyContract, Standing>()
  /**
   * Contracts whose hash has been sent, and methods. Before the HELLO each method's first request carries it: a server looks
   * for the contract by the method, and where it lacks that, the requests behind it would pass unjudged.
   */
  readonly #told = new Set<AnyContract | MethodRef>()
  /** Methods whose requests need nothing any more but themselves. */
  readonly #passing = new Map<MethodRef, 'same' | 'judged'>()
  /** Of the server's HELLO, once it is there. */
  #theirs: Hello['contracts']
  #isOpen = false
  /** Calls with items, which could not be sent once more: they wait until it is known how the contracts stand. */
  readonly #opening = new Set<CheckedCall>()

  constructor(options: ContractCheckOptions) {
    this.#options = options
  }

  /** The server's HELLO is there. */
  opened(peer: Hello): void {
    this.#isOpen = true
    this.#theirs = peer.contracts
    this.#startOpening()
  }

  /** The session is over. */
  closed(): void {
    this.#startOpening()
  }

  #startOpening(): void {
    const calls = [...this.#opening]
    this.#opening.clear()
    this.#isOpen = true
    for (const call of calls) this.start(call)
  }

  /** Calls that wait for a verdict. */
  get waiting(): number {
    let count = this.#opening.size
    for (const standing of this.#standings.values()) if (standing.kind === 'judging') count += standing.waiting.size
    return count
  }

  /** Whether nothing is in the way of a call, and its request needs to carry no hash. Marks it as judged where it is. */
  passes(call: CheckedCall): boolean {
    const passing = this.#passing.get(call.method)
    if (passing === undefined) return this.#isOpen && this.#mayPass(call.method) && this.passes(call)
    call.judged = passing === 'judged'
    return true
  }

  /** Learns once for each method what `passes` says from then on. */
  #mayPass(method: MethodRef): boolean {
    const contract = contractOf(method)
    const standing = contract && this.#standingOf(contract)
    if (!contract || !standing || !this.#told.has(contract)) return false
    const isJudged = standing.kind === 'judged' && standing.verdicts?.get(keyOf(method))?.verdict !== 'breaking'
    if (standing.kind !== 'same' && !isJudged) return false
    this.#passing.set(method, isJudged ? 'judged' : 'same')
    return true
  }

  /** Sends a call, lets it wait, or refuses it. */
  start(call: CheckedCall): void {
    const isBehind = this.#opening.size > 0 // what is called after them begins after them
    if (!this.#isOpen && (call.method.input || isBehind)) return this.#wait(call, this.#opening)
    const contract = contractOf(call.method)
    const standing = contract && this.#standingOf(contract)
    if (!standing || standing.kind === 'same') this.#options.session().start(call)
    else if (standing.kind === 'lacking') call.refused(this.#lacking(call.method))
    else if (standing.kind === 'judging') this.#wait(call, standing.waiting)
    else this.#startJudged(call, standing.verdicts)
  }

  #wait(call: CheckedCall, waiting: Set<CheckedCall>): void {
    const { maxQueued, queueFull } = this.#options
    if (this.waiting < maxQueued) waiting.add(call)
    else call.refused(queueFull())
  }

  /** Takes a call out of those that wait. Returns whether it was among them. */
  leave(call: CheckedCall): boolean {
    if (this.#opening.delete(call)) return true
    const contract = contractOf(call.method)
    const standing = contract && this.#standings.get(contract)
    return standing?.kind === 'judging' && standing.waiting.delete(call)
  }

  /** The hash of its contract that this method's next request carries, where it was not told yet. */
  takeHash(method: MethodRef): Uint8Array | undefined {
    const contract = contractOf(method)
    if (!contract || this.#told.has(this.#isOpen ? contract : method)) return undefined
    this.#told.add(contract).add(method)
    return hashOf(contract)
  }

  /**
   * The server refused a call. Returns whether the call goes on all the same, because only its contract was in the way and
   * is judged now.
   */
  refused(call: CheckedCall, error: WireError): boolean {
    const contract = contractOf(call.method)
    if (!contract || error.rule !== 'contract' || error.processed !== 'no' || call.judged) return false
    const kind = this.#standingOf(contract)?.kind
    this.#passing.clear()
    if (kind === undefined || kind === 'same') {
      this.#standings.set(contract, { kind: 'judged', verdicts: undefined }) // its HELLO tells nothing, or says otherwise
    }
    this.start(call)
    return true
  }

  /** The error as its caller should read it: a server tells a number where a name can be told here. */
  explain(call: CheckedCall, error: WireError): WireError {
    const isLacking = error.code === 'unimplemented' && error.processed === 'no' && this.#lacks(call.method)
    return isLacking ? this.#lacking(call.method) : error
  }

  #standingOf(contract: AnyContract): Standing | undefined {
    const known = this.#standings.get(contract)
    if (known || !this.#isOpen || !this.#theirs) return known
    const theirs = this.#theirs.get(contract.name)
    const standing: Standing = theirs ? this.#compare(contract, theirs) : { kind: 'lacking' }
    this.#standings.set(contract, standing)
    return standing
  }

  #compare(contract: AnyContract, theirs: Uint8Array): Standing {
    if (areEqual(theirs, hashOf(contract))) return { kind: 'same' }
    const before = this.#options.known.get(contract)
    if (before && areEqual(before.hash, theirs)) return { kind: 'judged', verdicts: before.verdicts }
    if (!this.#theirs?.has(Reflection.name)) return { kind: 'judged', verdicts: undefined }
    const waiting = new Set<CheckedCall>()
    void this.#judge(contract, theirs, waiting)
    return { kind: 'judging', waiting }
  }

  /** Never rejects. */
  async #judge(contract: AnyContract, hash: Uint8Array, waiting: Set<CheckedCall>): Promise<void> {
    let verdicts: Verdicts | undefined
    let broken: NanowireError | undefined
    try {
      const description = await this.#options.describe(contract.name)
      verdicts = judge(contract, readDescription(description))
      this.#options.known.set(contract, { hash, verdicts })
    } catch (error) {
      if (isUnreadable(error)) broken = error // what a server does not tell is judged call by call
    }
    if (broken) this.#standings.delete(contract)
    else this.#standings.set(contract, { kind: 'judged', verdicts })
    for (const call of waiting) {
      if (broken) call.refused(this.#unreadable(call.method, broken))
      else this.#startJudged(call, verdicts)
    }
    waiting.clear()
  }

  #startJudged(call: CheckedCall, verdicts: Verdicts | undefined): void {
    const verdict = verdicts?.get(keyOf(call.method))
    if (verdict?.verdict === 'breaking') call.refused(this.#breaking(call.method, verdict))
    else {
      call.judged = true
      this.#options.session().start(call)
    }
  }

  #breaking(method: MethodRef, verdict: MethodVerdict): WireError {
    const findings = verdict.findings.filter((finding) => finding.verdict === 'breaking')
    const [first] = findings
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
    const message = `${method.name} differs at ${this.#options.url()}: ${first?.pointer}: ${first?.reason}${more}; "nanowire diff" shows all`
    return { code: 'failed_precondition', message, processed: 'no' }
  }

  #unreadable(method: MethodRef, cause: NanowireError): WireError {
    const message = `${method.name} differs at ${this.#options.url()}, and how cannot be read: ${cause.message}`
    return { code: 'failed_precondition', message, processed: 'no' }
  }

  #lacks(method: MethodRef): boolean {
    const contract = contractOf(method)
    return contract !== undefined && this.#theirs !== undefined && !this.#theirs.has(contract.name)
  }

  #lacking(method: MethodRef): WireError {
    return lackingContract(this.#options.url(), method.name.slice(0, method.name.indexOf('/')), this.#theirs)
  }
}

/** @param theirs the contracts of the server's HELLO */
export function lackingContract(url: string, contract: string, theirs: Hello['contracts']): WireError {
  const names = [...(theirs?.keys() ?? [])].filter((name) => isContractName(name) && name !== Reflection.name)
  const listed = names.slice(0, MAX_LISTED).join(', ') + (names.length > MAX_LISTED ? ' and more' : '')
  const message = `${url} has no contract ${contract}; it has ${listed || 'none'}`
  return { code: 'unimplemented', message, processed: 'no' }
}

/** The server has told something, and it cannot be read. */
function isUnreadable(error: unknown): error is NanowireError {
  if (!(error instanceof NanowireError)) return false
  const { code, processed } = error
  return unreadableCodes.has(code) || (code === 'resource_exhausted' && processed === 'yes')
}

const unreadableCodes: ReadonlySet<string> = new Set(['invalid_argument', 'internal', 'unknown'])

/** A method that the server lacks is not judged: its own answer says so. */
function judge(contract: AnyContract, theirs: ContractDescription): Verdicts {
  const verdicts = judgeMethods(describeContract(contract), theirs)
  return new Map([...verdicts].filter(([key]) => Object.hasOwn(theirs.methods, key)))
}

function keyOf(method: MethodRef): string {
  return method.name.slice(method.name.indexOf('/') + 1)
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
