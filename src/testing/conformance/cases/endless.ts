/** A service whose streams never end by themselves, and that says when one began and was told to stop. */
import type { Context, Service } from '../../../rpc/index.ts'
import { type Feed, feed, numbers } from '../feed.ts'
import { Gate } from '../lab.ts'

export interface Endless {
  readonly service: Service<typeof Feed>
  readonly begun: Gate<Context>
  /** A handler's `finally` has run: what its signal says. */
  readonly ended: Gate<unknown>
  /** How often. */
  readonly ends: { count: number }
  /** Lets a `finally` end. */
  release(): void
}

/** So that few of them are under way. */
const PADDING = 'x'.repeat(200)

/** Items without end, at once, for a count below 0; with `isHeld` their `finally` ends when it is released. */
export function endless(isHeld = false): Endless {
  const begun: Gate<Context> = new Gate()
  const ended: Gate<unknown> = new Gate()
  const released = new Gate()
  const ends = { count: 0 }
  async function* run(ctx: Context) {
    try {
      begun.open(ctx)
      for (let n = 0; ; n++) yield { n, text: PADDING }
    } finally {
      ended.open(ctx.signal.reason)
      ends.count++
      if (isHeld) await released.promise
    }
  }
  const service = feed({
    ticks: ({ count }, ctx) => (count < 0 ? run(ctx) : numbers(count)),
    quick: (_, ctx) => run(ctx),
  })
  return { service, begun, ended, ends, release: () => released.open() }
}

/** Asks for them. */
export const ENDLESS = { count: -1 }
