/** Streams that are open all at once. The client's commands: `holdOpen`, `holdCount`, `holdClose`. */
import type { Commands } from '../../support/answer.ts'
import type { Client, SmallReply } from '../work.ts'

/** Streams that are opened at once, before the first of their items is waited for. */
const GROUP = 500

export function holdCommands({ streams }: Client): Commands {
  const open: AsyncIterator<SmallReply>[] = []
  let items = 0
  let failure: unknown
  const count = async (ticks: AsyncIterator<SmallReply>, expected: number) => {
    for (let id = expected; ; id++) {
      const { done, value } = await ticks.next()
      if (done) return
      if (value.id !== id) throw new Error(`tick ${value.id} came in the place of ${id}`)
      items++
    }
  }
  const openOne = async () => {
    const ticks = streams?.ticks?.()[Symbol.asyncIterator]()
    if (ticks === undefined) throw new Error('it has no stream of ticks')
    open.push(ticks)
    const first = await ticks.next()
    if (first.value?.id !== 0) throw new Error('a stream did not begin')
    count(ticks, 1).catch((error: unknown) => {
      failure ??= error
    })
  }
  return {
    holdOpen: async (wanted: number) => {
      while (open.length < wanted) {
        await Promise.all(Array.from({ length: Math.min(GROUP, wanted - open.length) }, openOne))
      }
    },
    /** Items of all streams, from the second of each on. */
    holdCount: () => {
      if (failure !== undefined) throw failure
      return items
    },
    holdClose: async () => {
      await Promise.all(open.splice(0).map((ticks) => ticks.return?.()))
    },
  }
}
