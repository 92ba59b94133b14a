/**
 * What the soak holds against what it counted. Invariant: pure functions from counts to findings; what is in order is no finding.
 */
import { median } from '../bench/statistics.ts'
import { type Counts, KINDS, type Kind } from './service.ts'
import type { Tally } from './tally.ts'

const MIB = 1_048_576

/** Of one client, at rest: `runs` are its calls as the server counted them. */
export function judgeBalance(tally: Tally, runs: Counts): string[] {
  return KINDS.flatMap((kind) => judgeKind(kind, tally, runs[kind]))
}

function judgeKind(kind: Kind, tally: Tally, runs: number): string[] {
  const made = tally.made[kind]
  const [ok, no, maybe, yes] = [tally.ok[kind], tally.no[kind], tally.maybe[kind], tally.yes[kind]]
  const found: string[] = []
  const ended = ok + no + maybe + yes
  if (ended !== made) found.push(`${made} of ${kind} were made, and ${ended} ended`)
  // A note is accepted and no more: a connection that is cut may have taken it along.
  const least = kind === 'note' ? ok - tally.notesAtRisk : ok + yes
  const most = kind === 'note' ? made - no : ok + yes + maybe
  if (runs < least) found.push(`${runs} of ${kind} ran, and their callers know of ${least}`)
  if (runs > most) found.push(`${runs} of ${kind} ran, and by their callers no more than ${most} can have`)
  return found
}

export interface Trend {
  readonly what: string
  readonly bytes: readonly number[]
  /** What the last third may have above the first one. */
  readonly share: number
  readonly slackBytes: number
}

/** Memory at rest: the first value is from before everything was warm. */
export const liveTrend = (who: string, bytes: readonly number[]): Trend => ({
  what: `${who}: memory at rest`,
  bytes: bytes.slice(1),
  share: 0.1,
  slackBytes: 4 * MIB,
})

/** What the system has given the process, which it hardly ever gives back: only after a quarter of the time is it settled. */
export const rssTrend = (who: string, bytes: readonly number[]): Trend => ({
  what: `${who}: resident memory`,
  bytes: bytes.slice(Math.floor(bytes.length / 4)),
  share: 0.3,
  slackBytes: 64 * MIB,
})

export function judgeTrend({ what, bytes, share, slackBytes }: Trend): string[] {
  const third = Math.floor(bytes.length / 3)
  if (third === 0) return []
  const first = median(bytes.slice(0, third))
  const last = median(bytes.slice(-third))
  if (last <= first * (1 + share) + slackBytes) return []
  return [`${what} went up, from ${inMib(first)} to ${inMib(last)} MiB`]
}

/** What is left after each rest, however little, shows in the long run: memory that is used again goes up and down. */
const CLIMB = { leastSeconds: 600, leastRests: 6, risingShare: 0.9, slackBytes: MIB / 2 }

export interface Climb {
  readonly what: string
  /** What is live at each rest, and when that was. */
  readonly rests: readonly { readonly atSeconds: number; readonly bytes: number }[]
}

/** Memory that is more at nearly each rest of the second half than at those before it. */
export function judgeClimb({ what, rests }: Climb): string[] {
  const later = rests.slice(Math.floor(rests.length / 2))
  const [first, last] = [later[0], later.at(-1)]
  if (!first || !last || later.length < CLIMB.leastRests) return []
  const seconds = last.atSeconds - first.atSeconds
  const grown = last.bytes - first.bytes
  if (seconds < CLIMB.leastSeconds || grown < CLIMB.slackBytes || risingShare(later) < CLIMB.risingShare) return []
  return [`${what} rises from rest to rest, by ${inMib((grown / seconds) * 3_600)} MiB an hour`]
}

/** Of all pairs of rests, those of which the later one has more. */
function risingShare(rests: Climb['rests']): number {
  const pairs = rests.flatMap((one, at) => rests.slice(at + 1).map((later) => later.bytes > one.bytes))
  return pairs.filter((isMore) => isMore).length / pairs.length
}

const inMib = (bytes: number) => (bytes / MIB).toFixed(1)

/** What keeps a process alive, held against what did at its first rest. */
export function judgeResources(
  who: string,
  first: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): string[] {
  const names = [...new Set([...Object.keys(first), ...Object.keys(now)])]
  return names
    .filter((name) => (first[name] ?? 0) !== (now[name] ?? 0))
    .map(
      (name) => `${who}: ${now[name] ?? 0} of ${name} are there at rest, and at first there were ${first[name] ?? 0}`,
    )
}
