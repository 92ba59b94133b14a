/** What somebody who misspelt a name may have meant. */

/** ` (did you mean users?)`, or nothing where no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const one of names) {
    const distance = editDistance(name.toLowerCase(), one.toLowerCase())
    if (distance < (best?.distance ?? 1 + Math.max(1, Math.floor(name.length * 0.4)))) best = { name: one, distance }
  }
  return best ? ` (did you mean ${best.name}?)` : ''
}

/** How many letters must be put in, taken out or changed to make one name of another. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
