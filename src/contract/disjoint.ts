/** Forms that no value has at once, seen by a few looks; what is not seen to be so may overlap. */
import { type Atom, type Choices, type Form, familiesOf, isContainer, type ObjectForm } from './form.ts'

/** Objects inside each other that are looked into for what tells them apart. */
const MAX_LOOK = 2

/** Whether no value is both; each form's own side knows its inner forms. */
export function areDisjoint(one: Atom, other: Atom, ones: Choices, others: Choices, depth = 0): boolean {
  ones.spend(1)
  const families = familiesOf(one)
  const otherFamilies = familiesOf(other)
  if (!families || !otherFamilies) return false
  // To TypeBox's own check, which a oneOf counts by, bytes and dates are objects.
  if ((one.kind === 'object' && isObjectToo(other)) || (other.kind === 'object' && isObjectToo(one))) return false
  if (![...families].some((family) => otherFamilies.has(family))) return true
  if (one.kind === 'constant' && other.kind === 'constant') {
    const [few, many] = one.values.size < other.values.size ? [one, other] : [other, one]
    ones.spend(few.values.size)
    for (const value of few.values) if (many.values.has(value)) return false
    return true
  }
  if (one.kind === 'both') return one.parts.some((part) => areDisjoint(part, other, ones, others, depth))
  if (other.kind === 'both') return other.parts.some((part) => areDisjoint(one, part, ones, others, depth))
  if (depth >= MAX_LOOK) return false
  if (one.kind === 'object' && other.kind === 'object') {
    return excludes(one, other, ones, others, depth) || excludes(other, one, others, ones, depth)
  }
  if (one.kind === 'tuple' && other.kind === 'tuple' && one.min === other.min) {
    return one.items.some((item, n) => areApart(item, other.items[n] as Form, ones, others, depth)) // of one length
  }
  return isContainer(one) && isContainer(other) && (one.max < other.min || other.max < one.min)
}

function isObjectToo({ kind }: Atom): boolean {
  return kind === 'bytes' || kind === 'timestamp'
}

/** Whether a property of constants tells two objects apart. */
export function areToldApart(one: Atom, other: Atom, ones: Choices, others: Choices): boolean {
  if (one.kind !== 'object' || other.kind !== 'object') return false
  return [...one.properties].some(([name, { form }]) => {
    const its = other.properties.get(name)
    const atoms = its ? [...ones.of(form), ...others.of(its.form)] : []
    return (
      its !== undefined && atoms.every(({ kind }) => kind === 'constant') && areApart(form, its.form, ones, others, 0)
    )
  })
}

/** A property that `one` requires is one that `other` has in another form, or forbids. */
function excludes(one: ObjectForm, other: ObjectForm, ones: Choices, others: Choices, depth: number): boolean {
  for (const [name, { form, isOptional }] of one.properties) {
    if (isOptional) continue
    const its = other.properties.get(name)
    const isForbidden = its === undefined && other.rest === 'refuse' && other.patterns.length === 0
    // What may be left out may also be there as undefined.
    const mayBeLeftOut =
      its?.isOptional === true && ones.of(form).some((atom) => atom.kind === 'nil' && atom.isUndefined)
    if (isForbidden || (its && !mayBeLeftOut && areApart(form, its.form, ones, others, depth))) return true
  }
  return false
}

function areApart(one: Form, other: Form, ones: Choices, others: Choices, depth: number): boolean {
  const atoms = others.of(other)
  return ones.of(one).every((atom) => atoms.every((its) => areDisjoint(atom, its, ones, others, depth + 1)))
}
