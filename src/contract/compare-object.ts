/** Objects of a sender and a receiver, name by name (spec/compatibility.md, K16 and K17). */
import { ANY_KEY, type Atom, cut, type Form, type ObjectForm } from './form.ts'
import { type Comparing, differs, fits, joined, type Outcome, refuses, within } from './outcome.ts'

export function compareObjects(
  comparison: Comparing,
  sender: ObjectForm,
  beside: readonly Atom[],
  receiver: ObjectForm,
): Outcome {
  return new ObjectComparison(comparison, sender, beside, receiver).run()
}

class ObjectComparison {
  readonly #comparison: Comparing
  readonly #sender: ObjectForm
  readonly #receiver: ObjectForm
  readonly #beside: readonly Atom[]
  /** What a name that the sender does not declare may hold by its patterns, or by what it says of the rest. */
  readonly #others: readonly Form[]

  constructor(comparison: Comparing, sender: ObjectForm, beside: readonly Atom[], receiver: ObjectForm) {
    this.#comparison = comparison
    this.#sender = sender
    this.#receiver = receiver
    this.#beside = beside
    this.#others = othersOf(sender)
  }

  run(): Outcome {
    const named = new Set(this.#sender.properties.keys())
    if (this.#sender.rest !== 'refuse') {
      for (const one of this.#beside)
        if (one.kind === 'object') for (const name of one.properties.keys()) named.add(name)
    }
    this.#comparison.spend((named.size + this.#receiver.properties.size) * (1 + this.#beside.length))
    const outcomes: Outcome[] = []
    for (const name of this.#receiver.properties.keys()) outcomes.push(within(name, this.#compareWanted(name)))
    for (const name of named) {
      if (!this.#receiver.properties.has(name)) outcomes.push(within(name, this.#compareUnwanted(name)))
    }
    outcomes.push(within('*', this.#compareOthers()), this.#compareCounts())
    return joined(outcomes)
  }

  /** What may stand under a name, each with what else may declare parts of it. */
  #formsOf(name: string): readonly { readonly form: Form; readonly beside: readonly Form[] }[] {
    const its = this.#beside.flatMap((one) => formsBeside(one, name))
    const own = this.#sender.properties.get(name)
    if (own) return [{ form: own.form, beside: its }]
    const found = this.#others.map((form) => ({
      form,
      beside: [...its, ...this.#others.filter((other) => other !== form)],
    }))
    if (this.#sender.rest !== 'drop') return found
    // Not looked at by the sender's own form, but declared by another that the value fits too.
    return [...found, ...its.map((form) => ({ form, beside: its.filter((other) => other !== form) }))]
  }

  #compareWanted(name: string): Outcome {
    const wanted = this.#receiver.properties.get(name)
    if (!wanted) return fits
    const own = this.#sender.properties.get(name)
    const { sender, receiver } = this.#comparison.roles
    if (!wanted.isOptional && !(own && !own.isOptional)) {
      const may = own ? 'may leave out' : 'does not send'
      return refuses(
        `${receiver} wants ${shown(name)}, which ${sender} ${may}; make it optional, or give it a new method`,
      )
    }
    const outcomes = this.#formsOf(name).map(({ form, beside }) => this.#comparison.compare(form, beside, wanted.form))
    if (outcomes.length === 0) return differs(`${receiver} takes ${shown(name)}, which ${sender} does not send`)
    if (own && !own.isOptional && wanted.isOptional)
      outcomes.push(differs(`${receiver} does without ${shown(name)} too`))
    return joined(outcomes)
  }

  /** A name that the receiver does not declare. */
  #compareUnwanted(name: string): Outcome {
    const outcomes = this.#formsOf(name).map(({ form, beside }) => this.#compareUndeclared(form, beside, undefined))
    return this.#receiver.rest === 'drop' && this.#receiver.patterns.length === 0
      ? this.#dropped(shown(name))
      : joined(outcomes)
  }

  #dropped(what: string): Outcome {
    return differs(`${this.#comparison.roles.receiver} does not know ${what}, and never sees it`)
  }

  /** Names that only come with a value. */
  #compareOthers(): Outcome {
    const { patterns, rest } = this.#sender
    const open = this.#beside.flatMap((one) => (one.kind === 'object' ? othersOf(one) : isAnything(one) ? [one] : []))
    const outcomes: Outcome[] = []
    for (const { source, form } of patterns) {
      outcomes.push(this.#compareUndeclared(form, [...open, ...this.#others.filter((other) => other !== form)], source))
    }
    if (typeof rest === 'object')
      outcomes.push(
        this.#compareUndeclared(rest, [...open, ...this.#others.filter((other) => other !== rest)], undefined),
      )
    if (rest === 'drop') {
      for (const form of open) {
        outcomes.push(
          this.#compareUndeclared(
            form,
            open.filter((other) => other !== form),
            undefined,
          ),
        )
      }
    }
    return joined(outcomes)
  }

  /** What the receiver does with a name that it does not declare: by its pattern, and by what it says of the rest. */
  #compareUndeclared(form: Form, beside: readonly Form[], source: string | undefined): Outcome {
    const { patterns, rest } = this.#receiver
    const outcomes: Outcome[] = []
    for (const pattern of patterns) {
      outcomes.push(this.#comparison.compare(form, beside, pattern.form))
      const isSure = pattern.source === source || (pattern.source === ANY_KEY && rest === 'drop')
      if (isSure) return joined(outcomes)
    }
    if (typeof rest === 'object') outcomes.push(this.#comparison.compare(form, beside, rest))
    if (rest === 'refuse') {
      const { sender, receiver } = this.#comparison.roles
      outcomes.push(
        refuses(`${receiver} forbids what it does not declare, and ${sender} may send it; declare it, or leave it out`),
      )
    }
    if (rest === 'drop') outcomes.push(this.#dropped('some names'))
    return joined(outcomes)
  }

  #compareCounts(): Outcome {
    const { receiver, sender } = this.#comparison.roles
    const { min, max } = this.#receiver
    const isOpen = this.#others.length > 0 || this.#beside.length > 0
    const names = [...this.#sender.properties.keys()]
    const most = isOpen ? Number.POSITIVE_INFINITY : names.length
    if (Math.min(this.#sender.max, most) > max) {
      return refuses(
        `${receiver} takes at most ${max} properties (maxProperties), and ${sender} may send more; widen it`,
      )
    }
    const keepsAll = this.#receiver.rest !== 'drop' || this.#receiver.patterns.some(({ source }) => source === ANY_KEY)
    const isKept = (name: string) => keepsAll || this.#receiver.properties.has(name)
    const sure = names.filter((name) => isKept(name) && this.#sender.properties.get(name)?.isOptional === false).length
    const losesNone = keepsAll || (!isOpen && names.every(isKept))
    if (sure >= min || (losesNone && this.#sender.min >= min)) return fits
    return refuses(
      `${receiver} takes at least ${min} properties (minProperties), and ${sender} may send fewer; widen it`,
    )
  }
}

function othersOf(form: ObjectForm): readonly Form[] {
  const patterns = form.patterns.map((pattern) => pattern.form)
  return typeof form.rest === 'object' ? [...patterns, form.rest] : patterns
}

function isAnything(atom: Atom): boolean {
  return atom.kind === 'unknown' || atom.kind === 'strange'
}

/** What another form says of a name. */
function formsBeside(other: Atom, name: string): readonly Form[] {
  if (other.kind !== 'object') return isAnything(other) ? [other] : []
  const own = other.properties.get(name)
  return own ? [own.form] : othersOf(other)
}

function shown(name: string): string {
  return `\`${cut(name)}\``
}
