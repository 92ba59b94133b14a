/** How calls ended, by method and code. Names come from contracts and the table of codes, never from a peer. */

/** `{ 'greeter/hello': { ok: 3, Banned: 1 } }` */
export type CallCounts = Record<string, Record<string, number>>

export class CallCounters {
  readonly #ended = new Map<string, Map<string, number>>()
  readonly #refused = new Map<string, number>()
  /** Calls whose handlers have not ended. */
  inFlight = 0

  /** A call has ended with `ok`, a status or a declared error. */
  callEnded(method: string, code: string): void {
    const codes = this.#ended.get(method) ?? new Map<string, number>()
    this.#ended.set(method, codes)
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }

  limitFired(name: string): void {
    this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1)
  }

  /** Plain copies. */
  counts(): { calls: CallCounts; refused: Record<string, number> } {
    const calls = Object.fromEntries([...this.#ended].map(([method, codes]) => [method, Object.fromEntries(codes)]))
    return { calls, refused: Object.fromEntries(this.#refused) }
  }
}
