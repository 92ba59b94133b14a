/** How calls ended, by method and code. Names come from contracts and the table of codes, never from a peer. */

/** `{ 'greeter/hello': { ok: 3, Banned: 1 } }` */
export type CallCounts = Record<string, Record<string, number>>

/** Of one method. Nearly all calls end with `ok`, which is counted without a search. */
interface MethodCounts {
  ok: number
  readonly others: Map<string, number>
}

function byCode({ ok, others }: MethodCounts): Record<string, number> {
  return ok > 0 ? { ok, ...Object.fromEntries(others) } : Object.fromEntries(others)
}

export class CallCounters {
  readonly #ended = new Map<string, MethodCounts>()
  readonly #refused = new Map<string, number>()
  /** Calls whose handlers have not ended. */
  inFlight = 0
  /** Called when the last handler has ended. */
  whenIdle: (() => void) | undefined

  handlerEnded(): void {
    this.inFlight--
    if (this.inFlight === 0) this.whenIdle?.()
  }

  /** A call has ended with `ok`, a status or a declared error. */
  callEnded(method: string, code: string): void {
    const counts = this.#ended.get(method) ?? this.#countsOf(method)
    if (code === 'ok') counts.ok++
    else counts.others.set(code, (counts.others.get(code) ?? 0) + 1)
  }

  #countsOf(method: string): MethodCounts {
    const counts = { ok: 0, others: new Map<string, number>() }
    this.#ended.set(method, counts)
    return counts
  }

  limitFired(name: string): void {
    this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1)
  }

  /** Plain copies. */
  counts(): { calls: CallCounts; refused: Record<string, number> } {
    const calls = Object.fromEntries([...this.#ended].map(([method, counts]) => [method, byCode(counts)]))
    return { calls, refused: Object.fromEntries(this.#refused) }
  }
}
