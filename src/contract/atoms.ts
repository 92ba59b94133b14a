/**
 * Forms as the choices that a value has: unions laid side by side, references followed, intersections put together
 * (spec/compatibility.md, chapter "Comparison"). Invariant: as a sender's, the atoms allow at least what the form does;
 * as a receiver's, at most.
 */
import { areDisjoint } from './disjoint.ts'
import type { Atom, Choices, ConstantForm, Form, LeafForm, ObjectForm, PropertyForm } from './form.ts'
import type { FormReader, Forms } from './form-reader.ts'

export type Side = 'sender' | 'receiver'

/** Choices that an intersection of unions may have before it is called too large. */
const MAX_CHOICES = 64

/** The atoms of one side's forms. */
export class Atoms implements Choices {
  readonly #side: Side
  readonly #forms: Forms
  readonly #reader: FormReader
  readonly #known = new Map<Form, readonly Atom[]>()
  readonly #open = new Set<Form>()
  readonly #together = new Map<string, Form>()

  constructor(side: Side, reader: FormReader, forms: Forms) {
    this.#side = side
    this.#reader = reader
    this.#forms = forms
  }

  spend(steps: number): void {
    this.#forms.spend(steps)
  }

  of(form: Form): readonly Atom[] {
    const known = this.#known.get(form)
    if (known) return known
    if (this.#open.has(form)) return [this.#strange(form, 'refers to nothing but itself')]
    this.#open.add(form)
    const found = this.#find(form).filter((atom) => atom.kind !== 'never')
    this.spend(1 + found.length)
    this.#open.delete(form)
    const atoms = found.length > 0 ? found : [this.#plain('never', form)]
    this.#known.set(form, atoms)
    return atoms
  }

  #find(form: Form): readonly Atom[] {
    const isReceiver = this.#side === 'receiver'
    if (form.tangle !== undefined && (isReceiver || form.kind === 'strange')) return [this.#strange(form, form.tangle)]
    switch (form.kind) {
      case 'ref': {
        const target = this.#reader.targetOf(form.name)
        return target ? this.of(target) : [this.#strange(form, 'has a reference that leads nowhere')]
      }
      case 'union': {
        const atoms = form.branches.flatMap((branch) => this.of(branch))
        const mayClash = isReceiver && form.isExclusive && !this.#areDisjoint(form.branches)
        return mayClash ? [this.#strange(form, 'has a oneOf whose forms nothing tells apart')] : atoms
      }
      case 'all': {
        let choices: readonly (readonly Atom[])[] = [[]]
        for (const part of form.parts) {
          const atoms = this.of(part)
          this.spend(choices.length * atoms.length * form.parts.length)
          choices = choices.flatMap((choice) => atoms.map((atom) => [...choice, atom]))
          if (choices.length > MAX_CHOICES) return [this.#strange(form, 'has too many choices at once')]
        }
        const chosen = form.parts.map((part) => this.#isChoice(part))
        return choices.map((choice) => {
          const atom = this.#conjoin(form, choice, form.isClosed)
          const alone = choice.filter((_, index) => chosen[index])
          if (atom.kind !== 'object' || alone.length === 0 || !isReceiver) return atom
          return { ...atom, id: this.#forms.next(), print: `${atom.print} alone`, alone }
        })
      }
      default:
        return [form]
    }
  }

  /** Whether a part of an intersection is, or may hold, a union, which is tried by itself. */
  #isChoice(part: Form): boolean {
    if (part.kind !== 'ref') return part.kind === 'union' || part.kind === 'all'
    const target = this.#reader.targetOf(part.name)
    return target !== undefined && target.kind !== 'object' // a name of a name may be anything
  }

  /** The atoms of different branches exclude each other. */
  #areDisjoint(branches: readonly Form[]): boolean {
    const all = branches.map((branch) => this.of(branch))
    return all.every((one, n) =>
      all.slice(n + 1).every((other) => one.every((a) => other.every((b) => areDisjoint(a, b, this, this)))),
    )
  }

  /** What is all of these at once. */
  #conjoin(form: Form, parts: readonly Atom[], isClosed: boolean): Atom {
    const saying = [...new Set(parts)].filter((part) => part.kind !== 'unknown')
    const [first] = saying
    if (!first) return this.#plain('unknown', form)
    if (saying.length === 1 && !isClosed) return first
    if (saying.some((part) => part.kind === 'never')) return this.#plain('never', form)
    if (saying.every((part) => part.kind === 'object')) return this.#mergeObjects(form, saying, isClosed)
    if (saying.some((one) => saying.some((other) => one !== other && areDisjoint(one, other, this, this))))
      return this.#plain('never', form)
    if (isClosed || !saying.every(isLeaf)) return this.#strange(form, 'is an intersection that cannot be taken apart')
    return { kind: 'both', ...this.#base(form), print: this.#printOf(saying), hasRef: false, parts: saying }
  }

  #mergeObjects(form: Form, objects: readonly ObjectForm[], isClosed: boolean): Atom {
    const properties = new Map<string, PropertyForm>()
    for (const object of objects) {
      for (const [name, { form: own, isOptional }] of object.properties) {
        const before = properties.get(name)
        properties.set(name, {
          form: before ? this.#bothForms(before.form, own) : own,
          isOptional: isOptional && (before?.isOptional ?? true),
        })
      }
    }
    const rests = objects.map((object) => object.rest)
    const said = rests.filter((rest) => typeof rest === 'object')
    const isPlain =
      objects.length === 1 || objects.every((object) => object.rest === 'drop' && object.patterns.length === 0)
    if (isClosed && said.length > 0) return this.#strange(form, 'forbids other properties and says what they are')
    const tangled = objects.find((object) => object.tangle !== undefined)
    return {
      kind: 'object',
      ...this.#base(form),
      print: this.#printOf(objects, isClosed),
      hasRef: objects.some((object) => object.hasRef),
      properties,
      patterns: objects.flatMap((object) => object.patterns),
      rest: isClosed ? 'refuse' : (said[0] ?? (rests.includes('refuse') && objects.length === 1 ? 'refuse' : 'drop')),
      min: Math.max(...objects.map((object) => object.min)),
      max: Math.min(...objects.map((object) => object.max)),
      tangle:
        tangled?.tangle ??
        (isPlain ? undefined : 'is an intersection with patterns, or of what forbids other properties'),
    }
  }

  /** The form of a property that two parts declare; the same one each time, so that recursion has an end. */
  #bothForms(one: Form, other: Form): Form {
    if (one === other) return one
    const key = `${one.id} ${other.id}`
    const known = this.#together.get(key)
    if (known) return known
    const both: Form = {
      kind: 'all',
      ...this.#base(one),
      print: key,
      hasRef: true,
      parts: [one, other],
      isClosed: false,
    }
    this.#together.set(key, both)
    return both
  }

  #printOf(parts: readonly Atom[], isClosed = false): string {
    const prints = parts.map((part) => part.print).sort()
    return `&${this.#forms.interner.numberOf(`${prints.join('&')}${isClosed}`)}`
  }

  #base(form: Form) {
    return {
      id: this.#forms.next(),
      print: form.print,
      hasRef: form.hasRef,
      extras: new Map<string, string>(),
      tangle: undefined,
    }
  }

  #plain(kind: 'never' | 'unknown', form: Form): Atom {
    return { kind, ...this.#base(form), print: kind }
  }

  #strange(form: Form, tangle: string): Atom {
    return { kind: 'strange', ...this.#base(form), tangle }
  }
}

function isLeaf(atom: Atom): atom is LeafForm | ConstantForm {
  return ['constant', 'number', 'integer', 'bigint', 'string', 'bytes', 'timestamp'].includes(atom.kind)
}
