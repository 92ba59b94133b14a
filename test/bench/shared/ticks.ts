/**
 * Streams with an item each second, thousands of them. Invariant: they share one timer, and are spread over the second, so
 * that what is measured is streams and neither timers nor bursts.
 */
import { itemOf, type SmallReply } from '../work.ts'

const SLOTS = 100
const SLOT_MS = 10

const waiting = Array.from({ length: SLOTS }, (): (() => void)[] => [])
let slot = 0
let opened = 0
let start = 0
let done = 0

function tick(): void {
  // By the clock: a timer that is late would make the seconds longer.
  for (const due = Math.floor((performance.now() - start) / SLOT_MS); done < due; done++) {
    slot = (slot + 1) % SLOTS
    for (const wake of waiting[slot]?.splice(0) ?? []) wake()
  }
}

export async function* ticksOf(): AsyncGenerator<SmallReply> {
  if (opened++ === 0) {
    start = performance.now()
    setInterval(tick, SLOT_MS).unref()
  }
  const mine = opened % SLOTS
  for (let id = 0; ; id++) {
    await new Promise<void>((resolve) => waiting[mine]?.push(resolve))
    yield itemOf(id)
  }
}
