/** What somebody may have meant by a name that does not exist. */

/** Longer names are compared by their beginning: what a peer gives has any length. */
const MAX_COMPARED = 128

const MAX_LISTED = 20

/** Names in one line, those that differ least from `wanted` first, and not more than can be read. */
export function listNearest(names: readonly string[], wanted: string): string {
  const ranked = names.map((name) => ({ name, distance: distanceBetween(name, wanted) }))
  const listed = ranked.sort((one, other) => one.distance - other.distance).map(({ name }) => name)
  const more = listed.length > MAX_LISTED ? ` and ${listed.length - MAX_LISTED} more` : ''
  return listed.slice(0, MAX_LISTED).join(', ') + more
}

/** How many characters must be put in, taken out or exchanged to make one text of the other. */
export function distanceBetween(one: string, other: string): number {
  const [from, to] = [one.slice(0, MAX_COMPARED), other.slice(0, MAX_COMPARED)]
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
