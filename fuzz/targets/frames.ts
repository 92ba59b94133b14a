/** The decoder of frames against its slow twin: whole, byte by byte, and cut as the input says (spec/protocol.md, P1 to P9). */
import { encodeFrame, type Frame } from '../../src/codec.ts'
import { FrameDecoder, ProtocolError } from '../../src/wire/index.ts'
import { chopped } from '../../test/support/slow-frames.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { type SlowResult, type SlowSettings, slowDecode } from '../slow-decoder.ts'
import { Choices, require, type Target } from '../target.ts'

const sizes = [65_536, 100, 1_000, 16_777_215] as const

export const frames: Target = {
  about: 'the frame decoder against its slow twin, whole, byte by byte and cut anywhere',
  maxBytes: 2_048,
  dictionary: ['NWIR', 'GET / HTTP/1.1\r\n', ...Array.from({ length: 13 }, (_, kind) => headerOf(kind + 1))],
  *seeds() {
    for (const { hex, expectsHello } of vectorsOf('frames.json'))
      yield Uint8Array.of(expectsHello === true ? 1 : 0, 0, 7, 1, 0, ...bytesOf(hex))
  },
  judge(input) {
    const choices = new Choices(input)
    const mode = choices.byte()
    const settings: SlowSettings = {
      expectsHello: (mode & 1) !== 0,
      maxFrameBytes: choices.of(sizes),
      maxHelloBytes: (mode & 2) !== 0 ? 64 : 65_536,
    }
    const cuts = [choices.byte(), choices.byte() * 7, choices.byte() * 256 + 3]
    const bytes = choices.rest()
    const expected = slowDecode(bytes, settings)
    requireSame('whole', decode([bytes], settings), expected)
    requireSame('cut', decode(chopped(bytes, cuts), settings), expected)
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
    requireSame('byte by byte', decode(single, settings), expected)
  },
}

interface Result extends SlowResult {
  readonly bodies: readonly Frame[]
}

/** What the decoder makes of chunks, and that it keeps no more than has come. */
function decode(chunks: readonly Uint8Array[], settings: SlowSettings): Result {
  const decoder = new FrameDecoder(settings, settings)
  const bodies: Frame[] = []
  const found: string[] = []
  let at = 0
  let error: string | undefined
  try {
    for (const chunk of chunks) {
      for (const frame of decoder.frames(chunk)) bodies.push(frame)
    }
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown
    error = thrown.rule
  }
  for (const { kind, flags, id, body } of bodies) {
    found.push(`${kind} ${flags} ${id} ${body.length}`)
    at += body.length
  }
  require(at <= chunks.reduce((sum, chunk) => sum + chunk.length, 0), 'more bytes in frames than came')
  return { frames: found, error, skipped: decoder.skipped, bodies }
}

function requireSame(how: string, { frames: found, error, skipped, bodies }: Result, expected: SlowResult): void {
  const lines = expected.frames.map((line) => line.replace(/ \d+ (\d+)$/, ' $1'))
  require(found.join() === lines.join(), () => `${how}: the frames ${found.join()} for ${lines.join()}`)
  require(error === expected.error, () => `${how}: ${error} for ${expected.error}`)
  require(skipped === expected.skipped, () => `${how}: skipped ${skipped} for ${expected.skipped}`)
  for (const frame of bodies) {
    const again = encodeFrame(frame)
    require(again.length === 9 + frame.body.length, 'a frame is encoded in another length')
    require(Buffer.compare(again.subarray(9), frame.body) === 0, 'a body is encoded otherwise')
  }
}

function headerOf(kind: number): Uint8Array {
  return Uint8Array.of(0, 0, 4, kind, 0, 0, 0, 0, 1)
}
