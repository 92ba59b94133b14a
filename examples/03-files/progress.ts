// How far a transfer is: a bar on a terminal, elsewhere a line for each quarter.
import { Presets, SingleBar } from 'cli-progress'

/** Hands on the pieces as they are, and shows how many of the bytes have passed. */
export async function* shown(
  what: string,
  totalBytes: number,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const show = process.stdout.isTTY ? bar(what, totalBytes) : lines(what, totalBytes)
  let bytes = 0
  try {
    for await (const piece of pieces) {
      yield piece
      bytes += piece.length
      show.update(bytes)
    }
  } finally {
    show.stop()
  }
}

function bar(what: string, totalBytes: number) {
  const format = `${what} {bar} {percentage} %`
  const single = new SingleBar({ format, stream: process.stdout }, Presets.shades_classic)
  single.start(totalBytes, 0)
  return single
}

function lines(what: string, totalBytes: number) {
  let told = 0
  console.log(what, '0 %')
  return {
    update(bytes: number) {
      const quarters = Math.floor((4 * bytes) / totalBytes)
      if (quarters > told) console.log(what, `${25 * quarters} %`)
      told = quarters
    },
    stop() {},
  }
}
