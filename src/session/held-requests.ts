/** Requests that wait for a slot at their server, in the order in which they came (spec/session.md, S8). */
import { copyBytes } from '../wire/index.ts'
import type { IncomingRequest } from './effects.ts'

/** `heldAt` is on the clock's scale. */
type HeldRequest = IncomingRequest & { readonly heldAt: number }

export class HeldRequests {
  /** Of all their bodies. */
  bytes = 0
  /** Those of them that nobody waits for. */
  notifies = 0
  readonly #requests = new Map<number, HeldRequest>()

  get size(): number {
    return this.#requests.size
  }

  has(id: number): boolean {
    return this.#requests.has(id)
  }

  /** Keeps a request, of which everything is copied. */
  add(id: number, request: IncomingRequest, now: number): void {
    const body = copyBytes(request.buffer, request.start, request.end)
    const hash = request.hash?.slice()
    this.#requests.set(id, { ...request, hash, buffer: body, start: 0, end: body.length, heldAt: now })
    this.bytes += body.length
    if (request.oneWay) this.notifies++
  }

  take(id: number): IncomingRequest | undefined {
    const request = this.#requests.get(id)
    if (!request) return undefined
    this.#requests.delete(id)
    this.bytes -= request.end
    if (request.oneWay) this.notifies--
    return request
  }

  /** The one that has waited longest, with what is left of its time. There is one. */
  takeNext(now: number): { readonly id: number; readonly request: IncomingRequest; readonly isLate: boolean } {
    const [[id, request]] = this.#requests as unknown as [[number, HeldRequest]] // asked only where there is one
    this.take(id)
    const { timeoutMs, heldAt } = request
    const leftMs = Math.ceil(timeoutMs - (now - heldAt))
    return {
      id,
      request: { ...request, timeoutMs: timeoutMs === 0 ? 0 : leftMs },
      isLate: timeoutMs !== 0 && leftMs <= 0,
    }
  }
}
