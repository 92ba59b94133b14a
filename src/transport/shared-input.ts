/**
 * Reads a client's socket into one buffer that all of them share: Node makes a buffer of 64 KiB for every read else, which
 * costs more than what a small reply brings. Invariant: what is handed on is read, or copied, before the next read.
 */
import type { OnReadOpts } from 'node:net'
import { copyBytes } from '../wire/index.ts'

const INPUT_BYTES = 262_144

/** Windows reads into the buffers of many sockets at a time. */
const mayShare = globalThis.process?.platform !== 'win32'

let shared: Uint8Array | undefined

export class SharedInput {
  /** For `connect` of a socket. */
  readonly onread: OnReadOpts
  #receive: ((bytes: Uint8Array) => void) | undefined
  /** What came before anybody listened. */
  #early: Uint8Array[] = []

  constructor() {
    if (mayShare) shared ??= Buffer.allocUnsafeSlow(INPUT_BYTES)
    const callback = (count: number, buffer: Uint8Array): boolean => {
      if (this.#receive) this.#receive(buffer.subarray(0, count))
      else this.#early.push(copyBytes(buffer, 0, count))
      return true
    }
    this.onread = { buffer: shared ?? Buffer.allocUnsafeSlow(INPUT_BYTES), callback }
  }

  /** Hands on what comes, each time for as long as the call takes. */
  listen(receive: (bytes: Uint8Array) => void): void {
    this.#receive = receive
    for (const bytes of this.#early.splice(0)) receive(bytes)
  }
}
