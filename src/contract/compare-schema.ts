/**
 * Whether a receiver takes all that a sender gives, by their schemas alone (spec/compatibility.md, chapter "Comparison").
 * Invariant: where this says so, no value fails; where it does not see why, it says no. Its work is bounded.
 */
import { Atoms } from './atoms.ts'
import { constantMisgiving, firstOf, leafMisgiving } from './compare-leaf.ts'
import { compareLists } from './compare-list.ts'
import { compareObjects } from './compare-object.ts'
import { areDisjoint, areToldApart } from './disjoint.ts'
import {
  type Atom,
  type Constant,
  type ConstantForm,
  constantText,
  type Form,
  isContainer,
  listed,
  nameOf,
} from './form.ts'
import { type Budget, FormReader, Forms } from './form-reader.ts'
import type { JsonSchema } from './json-schema.ts'
import { type Comparing, differs, fits, joined, type Outcome, type Roles, refuses, TooLarge } from './outcome.ts'
import { isSturdy } from './sturdy.ts'

/** Schemas inside each other, references followed, before a comparison is called too large. */
const MAX_DEPTH = 400

/** Compares what `sender` describes with what `receiver` describes. */
export function compareSchemas(sender: JsonSchema, receiver: JsonSchema, roles: Roles, budget: Budget): Outcome {
  try {
    return new Comparison(sender, receiver, roles, new Forms(budget)).run()
  } catch (error) {
    if (error instanceof TooLarge) return refuses('is too large to compare; give what changed a method of its own')
    throw error
  }
}

/** One comparison of two schemas, with what it has found so far. */
class Comparison implements Comparing {
  readonly roles: Roles
  readonly senders: Atoms
  readonly receivers: Atoms
  readonly #sender: FormReader
  readonly #receiver: FormReader
  readonly #isOneScope: boolean
  /** Taken as fitting until something else is found: recursive forms come back to themselves. */
  readonly #assumed = new Set<string>()
  readonly #trail: string[] = []
  readonly #refused = new Map<string, Outcome>()
  #depth = 0

  constructor(sender: JsonSchema, receiver: JsonSchema, roles: Roles, forms: Forms) {
    this.roles = roles
    this.#sender = new FormReader(sender, forms)
    this.#receiver = new FormReader(receiver, forms)
    this.senders = new Atoms('sender', this.#sender, forms)
    this.receivers = new Atoms('receiver', this.#receiver, forms)
    this.#isOneScope = this.#sender.definitionsText === this.#receiver.definitionsText
  }

  run(): Outcome {
    return this.compare(this.#sender.root, [], this.#receiver.root)
  }

  spend(steps: number): void {
    this.senders.spend(steps)
  }

  /**
   * Whether the receiver takes what fits `sender`.
   * @param beside forms that the value may fit too, so that what they declare may be there
   */
  compare(sender: Form, beside: readonly Form[], receiver: Form): Outcome {
    this.spend(1)
    if (beside.length === 0 && this.isSame(sender, receiver)) return fits
    const key = `${sender.id}<${[...new Set(beside.map(({ id }) => id))].sort().join()}<${receiver.id}`
    const before = this.#refused.get(key)
    if (before) return before
    if (this.#assumed.has(key)) return fits
    if (++this.#depth > MAX_DEPTH) throw new TooLarge()
    const outcome = this.#attempt(() => {
      this.#assume(key)
      return this.#compareChoices(this.senders.of(sender), beside, this.receivers.of(receiver))
    })
    this.#depth--
    if (outcome.breaks.length > 0) this.#refused.set(key, outcome)
    return outcome
  }

  /** One text, and what it refers to is the same too. */
  isSame(one: Form, other: Form): boolean {
    return one.print === other.print && (this.#isOneScope || !(one.hasRef || other.hasRef))
  }

  #assume(key: string): void {
    this.#assumed.add(key)
    this.#trail.push(key)
  }

  /** What was taken as fitting on the way to a refusal may not fit. */
  #attempt(act: () => Outcome): Outcome {
    const start = this.#trail.length
    const outcome = act()
    if (outcome.breaks.length > 0) for (const key of this.#trail.splice(start)) this.#assumed.delete(key)
    return outcome
  }

  #compareChoices(senders: readonly Atom[], beside: readonly Form[], receivers: readonly Atom[]): Outcome {
    const others = beside.flatMap((form) => this.senders.of(form))
    const outcomes = senders.map((sender) => {
      this.spend(1 + senders.length)
      const mayFitToo = isContainer(sender)
        ? [...new Set([...senders, ...others])].filter((other) => other !== sender && this.#mayFitToo(sender, other))
        : []
      return this.#compareAtom(sender, mayFitToo, receivers)
    })
    return joined(outcomes)
  }

  /** A value of `sender` may be one of `other` as well, and so have what that declares. */
  #mayFitToo(sender: Atom, other: Atom): boolean {
    const declares = isContainer(other) || other.kind === 'unknown' || other.kind === 'strange'
    return declares && !areDisjoint(sender, other, this.senders, this.senders)
  }

  #compareAtom(sender: Atom, beside: readonly Atom[], receivers: readonly Atom[]): Outcome {
    if (sender.kind === 'never' || receivers.some((one) => one.kind === 'unknown')) return fits
    if (sender.kind === 'constant') return this.#compareConstants(sender, receivers)
    this.spend(receivers.length)
    const near: Outcome[] = []
    for (const receiver of receivers) {
      if (receivers.length > 1 && areDisjoint(sender, receiver, this.senders, this.receivers)) continue
      const outcome = this.#attempt(() => this.#comparePair(sender, beside, receiver))
      if (outcome.breaks.length === 0) {
        return this.#isAlone(sender, receiver, receivers)
          ? outcome
          : refuses(
              this.#text(
                'takes it by several forms at once, which cannot be compared; tell them apart by a literal property',
              ),
            )
      }
      near.push(outcome)
    }
    if (near.length === 0)
      near.push(...this.#meant(sender, receivers).map((one) => this.#comparePair(sender, beside, one)))
    const [only] = near
    if (only && near.length === 1) return only
    return refuses(this.#mismatch(nameOf(sender), receivers))
  }

  /** The one form that a constant property says is meant, though it does not take the sender's. */
  #meant(sender: Atom, receivers: readonly Atom[]): readonly Atom[] {
    const meant = receivers.filter(
      (one) => one.kind === sender.kind && !areToldApart(sender, one, this.senders, this.receivers),
    )
    return meant.length === 1 ? meant : []
  }

  /** Nothing else that the value may fit at the receiver changes what arrives. */
  #isAlone(sender: Atom, receiver: Atom, receivers: readonly Atom[]): boolean {
    if (!isContainer(receiver)) return true
    const others = receivers.filter(
      (other) =>
        other !== receiver &&
        (isContainer(other) || other.kind === 'strange') &&
        !areDisjoint(receiver, other, this.receivers, this.receivers) &&
        !areDisjoint(sender, other, this.senders, this.receivers),
    )
    return others.length === 0 || [receiver, ...others].every((one) => isSturdy(one, this.receivers))
  }

  #compareConstants(sender: ConstantForm, receivers: readonly Atom[]): Outcome {
    this.spend(sender.values.size * receivers.length)
    const accepts = (value: Constant) => receivers.some((one) => constantMisgiving(value, one) === undefined)
    const lacking = new Set([...sender.values].filter((value) => !accepts(value)))
    if (lacking.size === 0)
      return receivers.some((one) => this.isSame(sender, one)) ? fits : differs(this.#text('takes more values'))
    const texts = lacking.size === sender.values.size ? nameOf(sender) : listed(lacking, constantText)
    return refuses(this.#mismatch(texts, receivers))
  }

  #comparePair(sender: Atom, beside: readonly Atom[], receiver: Atom): Outcome {
    if (receiver.tangle !== undefined) {
      if (beside.length === 0 && this.isSame(sender, receiver)) return fits
      return refuses(
        this.#text(`${receiver.tangle}, which is compared only with the very same; give what changed another name`),
      )
    }
    if (sender.kind === 'object' && receiver.kind === 'object') {
      const alone = receiver.alone?.map((one) => this.#comparePair(sender, beside, one)) ?? []
      return joined([compareObjects(this, sender, beside, receiver), ...alone])
    }
    if (isList(sender) && isList(receiver)) return compareLists(this, sender, beside, receiver)
    const misgiving = misgivingOf(sender, receiver)
    if (misgiving === 'another kind') return refuses(this.#mismatch(nameOf(sender), [receiver]))
    if (misgiving !== undefined)
      return refuses(
        this.#text(`${misgiving}, and ${this.roles.sender} may send others; allow them, or use another name`),
      )
    return this.isSame(sender, receiver) ? fits : differs(this.#text('takes all that is sent, and more'))
  }

  #text(what: string): string {
    return `${this.roles.receiver} ${what}`
  }

  #mismatch(given: string, receivers: readonly Atom[]): string {
    const { sender, receiver } = this.roles
    const taken = listed(new Set(receivers.map(nameOf)), (name) => name)
    return `${sender} may send ${given}, and ${receiver} takes ${taken}; take both, or use another name`
  }
}

function isList(atom: Atom): atom is Extract<Atom, { kind: 'array' | 'tuple' }> {
  return atom.kind === 'array' || atom.kind === 'tuple'
}

/** Of two that are no containers. */
function misgivingOf(sender: Atom, receiver: Atom): string | undefined {
  if (receiver.kind === 'both') return firstOf(receiver, (part) => misgivingOf(sender, part))
  if (sender.kind === 'both') {
    const misgivings = sender.parts.map((part) => misgivingOf(part, receiver))
    return misgivings.includes(undefined)
      ? undefined
      : (misgivings.find((one) => one !== 'another kind') ?? misgivings[0])
  }
  if (sender.kind === 'constant') {
    for (const value of sender.values) {
      const misgiving = constantMisgiving(value, receiver)
      if (misgiving !== undefined) return misgiving
    }
    return undefined
  }
  if (sender.kind === 'nil' && receiver.kind === 'nil') return undefined
  if (!('schema' in sender) || !('schema' in receiver)) return 'another kind'
  const isOneKind = sender.kind === receiver.kind || (isNumeric(sender.kind) && isNumeric(receiver.kind))
  return isOneKind ? leafMisgiving(sender, receiver) : 'another kind'
}

function isNumeric(kind: Atom['kind']): boolean {
  return kind === 'number' || kind === 'integer'
}
