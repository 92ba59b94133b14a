/** Text that comes in pieces, line by line. Invariant: no more is kept than one line, which has a bound. */
import { WrongUse } from './wrong-use.ts'

/** As long as a message may be that was made longer by its JSON. */
const MAX_LINE_BYTES = 64 * 1_024 * 1_024
const LINE_FEED = 0x0a

/**
 * The lines of a text, without their ends; what follows the last line feed is a line too, unless it is empty.
 * @param name what the user calls it
 * @throws WrongUse for what is no UTF-8, and for a line that is too long
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  let kept: Uint8Array[] = []
  let length = 0
  const keep = (part: Uint8Array): void => {
    length += part.length
    if (length > MAX_LINE_BYTES) throw new WrongUse(`${name} has a line of more than ${MAX_LINE_BYTES} bytes`)
    kept.push(part)
  }
  const takeLine = (): string => {
    const line = Buffer.concat(kept)
    kept = []
    length = 0
    return textOf(line, name)
  }
  for await (const chunk of chunks) {
    let at = 0
    for (let end = chunk.indexOf(LINE_FEED, at); end >= 0; end = chunk.indexOf(LINE_FEED, at)) {
      keep(chunk.subarray(at, end))
      at = end + 1
      yield takeLine()
    }
    if (at < chunk.length) keep(chunk.slice(at)) // a copy, for what is read next may lie in the same memory
  }
  if (length > 0) yield takeLine()
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new WrongUse(`${name} is no text in UTF-8`)
  }
}
