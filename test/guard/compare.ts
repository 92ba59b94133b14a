/** Costs beside the stored ones (figures.json). Invariant: a cost that nobody has stored is as wrong as one that is too high. */

/** How calls are made. */
export const WAYS = ['in memory', 'one at a time', '64 in flight'] as const
export type Way = (typeof WAYS)[number]

/** Of 1,000 calls, client and server together. */
export interface Cost {
  /** Allocated in the engine's heap and in buffers. */
  readonly bytes: number
  /** To sockets, of one buffer or several at once. */
  readonly writes: number
  readonly promises: number
}

/** What was measured, and by which major version of Node. */
export interface Figures {
  readonly node: number
  readonly costs: Readonly<Record<string, Cost>>
}

/**
 * How far a cost may rise, as a share of the stored one. By one version of Node they differ by less than a thousandth from run
 * to run; a closure for each call is 3.5 % of the bytes at 64 in flight.
 */
export const MARGINS = { bytes: 0.03, writes: 0.1, promises: 0.02 } as const

/** Another engine allocates otherwise: Node 22 and 24 up to one sixth more. Writes and promises are the same in all. */
export const FOREIGN_BYTES_MARGIN = 0.3

type Kind = keyof typeof MARGINS
const kinds = ['bytes', 'writes', 'promises'] as const satisfies readonly Kind[]

export interface Verdict {
  readonly isGood: boolean
  /** What was measured, and what to make of it. */
  readonly line: string
}

/** A verdict for each cost that was measured or is stored. */
export function judge(measured: Figures, stored: Figures): Verdict[] {
  const isForeign = measured.node !== stored.node
  const ways = new Set([...Object.keys(measured.costs), ...Object.keys(stored.costs)])
  return [...ways].flatMap((way) => {
    const [cost, before] = [measured.costs[way], stored.costs[way]]
    if (!cost) return { isGood: false, line: `✗ ${way}: stored, and not measured` }
    if (!before) return { isGood: false, line: `✗ ${way}: measured, and not stored` }
    return kinds.map((kind) => {
      const margin = isForeign && kind === 'bytes' ? FOREIGN_BYTES_MARGIN : MARGINS[kind]
      return judgeOne(`${way}: ${kind}`, cost[kind], before[kind], margin)
    })
  })
}

function judgeOne(what: string, measured: number, stored: number, margin: number): Verdict {
  const most = Math.floor(stored * (1 + margin))
  const isGood = measured <= most // which NaN is not
  const isLower = measured < stored * (1 - margin)
  const change = measured === stored ? 'as stored' : `${percentOf(measured, stored)} of the stored ${format(stored)}`
  const advice = isGood ? (isLower ? '; store it, lest it rise again' : '') : ', too many'
  return {
    isGood,
    line: `${isGood ? '✓' : '✗'} ${what} ${format(measured)} of at most ${format(most)}: ${change}${advice}`,
  }
}

function percentOf(measured: number, stored: number): string {
  return stored === 0 ? 'more than' : `${((100 * measured) / stored).toFixed(1)} %`
}

function format(count: number): string {
  return count.toLocaleString('en')
}
