/** Looks for what may never be sent in all bytes of a connection, also across the borders of chunks. */
import { HONEST, POISON, SECRET, UNDECLARED } from './poison.ts'

/** What it is, and how it is recognised. */
const forbidden: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['memory that was never written', POISON],
  ["another client's words", Buffer.from(HONEST)],
  ["the server's secret", Buffer.from(SECRET)],
  ['what nobody declared', Buffer.from(UNDECLARED)],
  ['a stack', Buffer.from('\n    at ')],
  ['the path of a source', Buffer.from('file:///')],
  ['the path of a source', Buffer.from('node:internal')],
  ['the path of a source', Buffer.from(process.cwd())],
]
/** As much of the last chunk as may be the beginning of one of them. */
const KEPT = Math.max(...forbidden.map(([, { length }]) => length)) - 1

export class LeakScan {
  /** What was found first. */
  found: string | undefined
  #tail = Buffer.alloc(0)

  take(chunk: Buffer): void {
    if (this.found !== undefined) return
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    this.found = forbidden.find(([, one]) => bytes.includes(one))?.[0]
    this.#tail = Buffer.from(bytes.subarray(-KEPT)) // a copy: the chunk's memory is used again
  }
}
