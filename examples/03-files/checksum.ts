// What both sides count and hash while a file passes by.
import { createHash } from 'node:crypto'

export function checksum() {
  const hash = createHash('sha256')
  let bytes = 0
  return {
    /** Hands on the pieces as they are. */
    async *of(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        hash.update(piece)
        bytes += piece.length
        yield piece
      }
    },
    /** Of all pieces; to be asked for once. */
    result: () => ({ sha256: hash.digest('hex'), bytes }),
  }
}
