/**
 * How many timers run, those too that keep no process alive: of these Node tells nobody, and most of the library's are of them.
 * Invariant: nothing else changes for who sets one.
 */
const running = new Set<unknown>()

/** From now on. */
export function countTimers(): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis
  const counted = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = set(() => {
      running.delete(timer)
      callback(...args)
    }, ms)
    running.add(timer)
    return timer
  }
  globalThis.setTimeout = Object.assign(counted, set) as typeof setTimeout // with what promisify looks for
  globalThis.clearTimeout = (timer) => {
    running.delete(timer)
    clear(timer)
  }
}

export function timersRunning(): number {
  return running.size
}
