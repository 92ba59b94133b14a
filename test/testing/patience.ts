/** Patience that ends when a test has come to what never ends: no machine is too slow to get there before. */
import { onTestFinished, vi } from 'vitest'

export const PATIENCE_MS = 100

/** From here on real time stands still, but for `soonOver`. What a HandClock drives goes on. */
export function holdTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Never resolves; in the next turn the patience of whoever waits for it is over. */
export function soonOver(): Promise<never> {
  setImmediate(() => vi.advanceTimersByTime(PATIENCE_MS))
  return new Promise(() => {})
}
