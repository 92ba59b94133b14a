/** A caller's items that say how many were asked for, and when their generator has ended. */
import type { Tick } from '../feed.ts'
import { Gate } from '../lab.ts'

/** What becomes of what a caller gives its items with. */
export function watched(count: number) {
  const given = { asked: 0, finallys: 0, ended: new Gate() }
  async function* items(): AsyncGenerator<Tick> {
    try {
      for (let n = 0; n < count; n++) {
        given.asked++
        yield { n }
      }
    } finally {
      given.finallys++
      given.ended.open()
    }
  }
  return { given, items: items() }
}
