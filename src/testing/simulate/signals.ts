/** The signals that callers cancel with, each of which counts who listens to it. */

export interface CountedSignal {
  readonly signal: AbortSignal
  abort(): void
  /** Listeners that were added and not removed. */
  readonly listeners: number
}

type Listener = (event: Event) => void

export function countedSignal(): CountedSignal {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  const counted = {
    addEventListener(type: string, listener: Listener, options?: boolean | { readonly once?: boolean }) {
      if (type === 'abort') listeners.add(listener)
      add(type, listener, options)
    },
    removeEventListener(type: string, listener: Listener) {
      listeners.delete(listener)
      remove(type, listener)
    },
  }
  Object.assign(signal, counted)
  return {
    signal,
    abort: () => controller.abort(),
    get listeners() {
      return listeners.size
    },
  }
}
