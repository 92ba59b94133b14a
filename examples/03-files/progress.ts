// How far a transfer is: a bar on a terminal, a line for each quarter elsewhere.
import { Presets, SingleBar } from 'cli-progress'

/** Counts what passes. The line or bar is complete when all of it has passed, and is left as it is where it breaks off. */
export async function* shown(
  what: string,
  totalBytes: number,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const bar = process.stdout.isTTY ? new SingleBar({ format: `${what} {bar} {percentage} %` }, Presets.shades_classic) : undefined
  let bytes = 0
  let told = 0
  bar?.start(totalBytes, 0)
  try {
    for await (const piece of pieces) {
      yield piece
      bytes += piece.length
      bar?.update(bytes)
      const quarters = Math.floor((4 * bytes) / totalBytes)
      if (!bar && quarters > told) console.log(`${what} ${25 * quarters} %`)
      told = quarters
    }
  } finally {
    bar?.stop()
  }
}
