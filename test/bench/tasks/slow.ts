/**
 * A consumer that hardly reads. The client's commands: `slowRate`, how fast it can be; `slowStart`, `slowTaken` and
 * `slowStop`.
 */
import type { Commands } from '../../support/answer.ts'
import { type Client, FOREVER } from '../work.ts'

export const SLOW_WORKS = ['items', 'chunks', 'flood'] as const
export type SlowWork = (typeof SLOW_WORKS)[number]

export interface Taken {
  readonly perSecond: number
  /** Items that the producer left out, and the consumer was told of. */
  readonly dropped: number
}

/** How often it takes what is due. */
const PERIOD_MS = 10

export function slowCommands({ streams }: Client): Commands {
  let taken = 0
  let started = 0
  let isOver = true
  let running: Promise<void> | undefined
  let slow: AsyncIterator<unknown> | undefined
  const streamOf = (work: SlowWork): AsyncIterator<unknown> => {
    const stream = streams?.[work]?.(FOREVER)
    if (stream === undefined) throw new Error(`it has no stream of ${work}`)
    return stream[Symbol.asyncIterator]()
  }
  const read = async (stream: AsyncIterator<unknown>, perSecond: number) => {
    while (!isOver) {
      const due = ((performance.now() - started) * perSecond) / 1_000
      for (; taken < due && !isOver; taken++) await stream.next()
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS))
    }
    await stream.return?.()
  }
  return {
    slowWorks: () => SLOW_WORKS.filter((work) => streams?.[work] !== undefined),
    /** What the producer would give to a consumer that keeps up, a second. */
    slowRate: async ({ work, seconds }: { readonly work: SlowWork; readonly seconds: number }) => {
      const stream = streamOf(work)
      const start = performance.now()
      let count = 0
      for (; performance.now() < start + 1_000 * seconds; count++) await stream.next()
      const perSecond = (1_000 * count) / (performance.now() - start)
      await stream.return?.()
      return perSecond
    },
    slowStart: ({ work, perSecond }: { readonly work: SlowWork; readonly perSecond: number }) => {
      taken = 0
      started = performance.now()
      isOver = false
      slow = streamOf(work)
      running = read(slow, perSecond)
      running.catch(() => {}) // slowStop tells
    },
    slowTaken: (): Taken => ({
      perSecond: (1_000 * taken) / (performance.now() - started),
      dropped: (slow as { readonly dropped?: number } | undefined)?.dropped ?? 0, // what tells has such a property
    }),
    slowStop: async () => {
      isOver = true
      await running
    },
  }
}
