/** What somebody may have meant by a name that does not exist. */
import { distanceBetween } from '../rpc/index.ts'

const MAX_LISTED = 20

/** Names in one line, those that differ least from `wanted` first, and not more than can be read. */
export function listNearest(names: readonly string[], wanted: string): string {
  const ranked = names.map((name) => ({ name, distance: distanceBetween(name, wanted) }))
  const listed = ranked.sort((one, other) => one.distance - other.distance).map(({ name }) => name)
  const more = listed.length > MAX_LISTED ? ` and ${listed.length - MAX_LISTED} more` : ''
  return listed.slice(0, MAX_LISTED).join(', ') + more
}
