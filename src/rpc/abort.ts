/** One listener for each caller's signal, however many calls share it: adding one for each call costs more than the call. */

interface Cancellable {
  cancel(cause: unknown): void
}

const waiting = new WeakMap<AbortSignal, Set<Cancellable>>()

/** Calls `cancel` with the signal's reason when it is aborted. Returns what stops that. */
export function onAbort(signal: AbortSignal, call: Cancellable): () => void {
  let calls = waiting.get(signal)
  if (!calls) {
    const fresh = new Set<Cancellable>()
    calls = fresh
    waiting.set(signal, fresh)
    signal.addEventListener('abort', () => cancelAll(fresh, signal.reason), { once: true })
  }
  const all = calls
  all.add(call)
  return () => void all.delete(call)
}

function cancelAll(calls: Set<Cancellable>, reason: unknown): void {
  for (const call of [...calls]) call.cancel(reason)
}
