/** Ends what was given for items and will not be iterated, or not any more: a file that it reads must be closed (spec/streams.md). */
import { systemClock } from '../session/index.ts'
import { ItemPump, type ItemSink } from './item-pump.ts'
import { isOneShot, markGiven } from './iteration.ts'

const nowhere: ItemSink = { put: () => true, end() {}, fail() {} }

/**
 * What is not iterated, because its call has not begun, is told that it is over.
 * @param done called when it has ended, perhaps before this returns
 */
export function closeSource(source: unknown, done?: () => void): void {
  markGiven(source)
  new ItemPump(source, nowhere, systemClock).stop(done) // which waits for nothing by that clock
}

/**
 * The same for what may have been iterated: a list, which would begin anew, is let be, and whoever has ended already ends for nothing.
 * @param done called when all have ended, perhaps before this returns
 */
export function closeOneShots(sources: readonly unknown[], done: () => void): void {
  let left = 1
  const ended = (): void => {
    left--
    if (left === 0) done()
  }
  for (const source of sources) {
    if (!isOneShot(source)) continue
    left++
    closeSource(source, ended)
  }
  ended()
}
