/** Files that a user names, read up to a size: what a path leads to may have no end. */
import { closeSync, openSync, readSync } from 'node:fs'
import { WrongUse } from './wrong-use.ts'

const CHUNK_BYTES = 65_536

/**
 * The text of a file.
 * @param name what the user calls it
 * @throws WrongUse for a file that cannot be read, is no UTF-8 or has more than `maxBytes`
 */
export function readBounded(path: string, name: string, maxBytes: number): string {
  const chunks: Uint8Array[] = []
  let length = 0
  for (const chunk of read(path, name)) {
    length += chunk.length
    if (length > maxBytes) throw new WrongUse(`${name} has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return textOf(Buffer.concat(chunks), name)
}

/** @throws WrongUse */
export function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new WrongUse(`${name} is no text in UTF-8`)
  }
}

function* read(path: string, name: string): Generator<Uint8Array> {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const length = readSync(file, chunk)
      if (length === 0) return
      yield chunk.subarray(0, length)
    }
  } catch (error) {
    throw new WrongUse(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
