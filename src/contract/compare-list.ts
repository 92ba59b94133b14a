/** Arrays and tuples of a sender and a receiver (spec/compatibility.md, K15). */
import type { Atom, Form, ListForm } from './form.ts'
import { type Comparing, fits, joined, type Outcome, refuses, within } from './outcome.ts'

export function compareLists(
  comparison: Comparing,
  sender: ListForm,
  beside: readonly Atom[],
  receiver: ListForm,
): Outcome {
  const { sender: from, receiver: to } = comparison.roles
  const outcomes: Outcome[] = []
  if (sender.min < receiver.min || sender.max > receiver.max) {
    outcomes.push(
      refuses(
        `${to} takes ${lengthOf(receiver)}, and ${from} may send ${lengthOf(sender)}; widen it, or use another name`,
      ),
    )
  }
  const isFixed = sender.kind === 'tuple' || receiver.kind === 'tuple'
  const count = isFixed ? Math.min(sender.kind === 'tuple' ? sender.max : receiver.max, sender.max) : 1
  comparison.spend(count)
  for (let index = 0; index < count; index++) {
    const own = itemOf(sender, index)
    const wanted = itemOf(receiver, index)
    if (!own || !wanted) continue // of another length, which was said
    const outcome = comparison.compare(
      own,
      beside.flatMap((one) => itemBeside(one, index) ?? []),
      wanted,
    )
    outcomes.push(within(isFixed ? String(index) : '*', outcome))
  }
  if (receiver.isUnique && !staysUnique(comparison, sender, beside, receiver)) {
    outcomes.push(
      refuses(`${to} takes only lists without repetition (uniqueItems), and items may be alike once they are there`),
    )
  }
  return outcomes.length === 0 ? fits : joined(outcomes)
}

function itemOf(list: ListForm, index: number): Form | undefined {
  return list.kind === 'array' ? list.items[0] : list.items[index]
}

/** What another form says of an item; one that takes anything declares anything. */
function itemBeside(other: Atom, index: number): Form | undefined {
  return other.kind === 'array' || other.kind === 'tuple' ? itemOf(other, index) : other
}

/** Items that differ may become alike when something of them is left out. */
function staysUnique(comparison: Comparing, sender: ListForm, beside: readonly Atom[], receiver: ListForm): boolean {
  if (sender.max <= 1) return true
  const [item] = sender.items
  const [wanted] = receiver.items
  if (!sender.isUnique || sender.kind !== 'array' || receiver.kind !== 'array' || !item || !wanted) return false
  const isWhole = (atom: Atom) =>
    'schema' in atom || atom.kind === 'constant' || atom.kind === 'nil' || atom.kind === 'both'
  if (comparison.senders.of(item).every(isWhole)) return true
  return beside.length === 0 && comparison.isSame(item, wanted)
}

function lengthOf({ kind, min, max }: ListForm): string {
  if (kind === 'tuple') return `a tuple of ${min}`
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? 'lists of any length' : `at least ${min} items`
  return `${min} to ${max} items`
}
