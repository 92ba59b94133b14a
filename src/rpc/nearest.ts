/** What somebody who misspelt a name may have meant. */

/** ` (did you mean users?)`, or nothing where no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const one of names) {
    const distance = distanceBetween(name.toLowerCase(), one.toLowerCase())
    if (distance < (best?.distance ?? 1 + Math.max(1, Math.floor(name.length * 0.4)))) best = { name: one, distance }
  }
  return best ? ` (did you mean ${best.name}?)` : ''
}

/** Longer names are compared by their beginning: what a peer gives has any length. */
const MAX_COMPARED = 128

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
