/** A service whose handlers never end by themselves, and that says when one began and was told to stop. */
import type { Context, Service } from '../../../rpc/index.ts'
import { Gate, type Lab, lab } from '../lab.ts'

export interface Stuck {
  readonly service: Service<typeof Lab>
  /** The first handler has begun. */
  readonly begun: Gate<Context>
  /** The first handler was told to stop, and why. */
  readonly stopped: Gate<unknown>
  /** Lets all handlers end. */
  release(): void
}

/** `echo` answers `fine` at once, all else waits. */
export function stuck(): Stuck {
  const begun: Gate<Context> = new Gate()
  const stopped: Gate<unknown> = new Gate()
  const go = new Gate()
  const wait = (ctx: Context) => {
    ctx.signal.addEventListener('abort', () => stopped.open(ctx.signal.reason))
    begun.open(ctx)
    return go.promise
  }
  const service = lab({
    async echo(request, ctx) {
      if (request.text !== 'fine') await wait(ctx)
      return request
    },
    quick: (_, ctx) => wait(ctx),
    note: (_, ctx) => wait(ctx),
    quickNote: (_, ctx) => wait(ctx),
  })
  return { service, begun, stopped, release: () => go.open() }
}
