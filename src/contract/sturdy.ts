/** Forms that a value still fits when more of it is kept than they declare (spec/compatibility.md, K18). */
import type { Atom, Choices, Form } from './form.ts'

/**
 * Whether a value that fits this form fits it also with more properties, and whatever else fits it too: nothing in the form
 * counts properties or takes one nil for another.
 */
export function isSturdy(atom: Atom, choices: Choices, seen = new Set<Form>()): boolean {
  if (seen.has(atom)) return true
  seen.add(atom)
  const areSturdy = (form: Form) => choices.of(form).every((one) => isSturdy(one, choices, seen))
  switch (atom.kind) {
    case 'strange':
      return false
    case 'nil':
      return !atom.isUndefined
    case 'array':
    case 'tuple':
      return atom.tangle === undefined && !atom.isUnique && atom.items.every(areSturdy)
    case 'object':
      return (
        atom.tangle === undefined &&
        atom.max === Number.POSITIVE_INFINITY &&
        atom.patterns.length === 0 &&
        typeof atom.rest === 'string' &&
        [...atom.properties.values()].every(({ form }) => areSturdy(form))
      )
    default:
      return true
  }
}
