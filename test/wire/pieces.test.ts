/** Bodies in pieces: large bytes go beside what is written, not yet copied, and in whatever fragments (spec/codecs.md, P31). */
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import {
  type Body,
  BodyRest,
  BufferWriter,
  codec,
  encodeBody,
  encodeInto,
  FrameDecoder,
  flags,
  joinBody,
  pack,
  Reassembler,
  writeRequest,
  writeResponse,
} from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { isOn } from './compiled/subject.ts'

const Files = Type.Object({ name: Type.String(), files: Type.Array(Bytes()), size: Type.Integer() })
const LARGE = 8_192

const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff)

const piecesOf = (body: Body): readonly Uint8Array[] => (body instanceof Uint8Array ? [body] : body.pieces)

describe('a body', () => {
  it.runIf(isOn)('has large bytes as they are, and everything else by itself', () => {
    const files = [bytesOf(LARGE, 1), bytesOf(LARGE - 1, 2), bytesOf(100_000, 3)]
    const body = encodeBody(gateOf(Files), { name: 'a', files, size: 3 }, defaultLimits)
    const buffers = piecesOf(body).map(({ buffer }) => buffer)
    expect(buffers).toContain(files[0]?.buffer)
    expect(buffers).toContain(files[2]?.buffer)
    expect(buffers).not.toContain(files[1]?.buffer)
    expect(piecesOf(body)).toHaveLength(5)
  })

  it('is what the reference writes, wherever its large bytes stand', () => {
    const lengths = fc.array(fc.constantFrom(0, 255, 256, LARGE - 1, LARGE, LARGE + 1, 65_535, 65_536, 150_000), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(lengths, fc.string(), (sizes, name) => {
        const value = { name: name.toWellFormed(), files: sizes.map(bytesOf), size: sizes.length }
        const body = encodeBody(gateOf(Files), value, defaultLimits)
        const expected = pack(value).slice()
        expect(body.length).toBe(expected.length)
        expect(Buffer.compare(joinBody(body), expected)).toBe(0)
        expect(Buffer.compare(codec(Files).encode(value), expected)).toBe(0)
      }),
      runs(60),
    )
  })

  it('takes large bytes out of memory that may shrink, or that a thread may change', () => {
    for (const memory of [new ArrayBuffer(LARGE, { maxByteLength: 2 * LARGE }), new SharedArrayBuffer(LARGE)]) {
      const file = new Uint8Array(memory)
      const body = encodeBody(gateOf(Bytes()), file, defaultLimits)
      expect(joinBody(body)).toEqual(pack(new Uint8Array(LARGE)).slice())
    }
  })

  it('has room for much text', () => {
    const Text = Type.Object({ lines: Type.Array(Type.String()) })
    for (const count of [1, 10, 100, 1_000]) {
      const value = { lines: Array.from({ length: count }, (_, index) => `${index} é `.repeat(1_000)) }
      const body = encodeBody(gateOf(Text), value, defaultLimits)
      expect(Buffer.compare(joinBody(body), pack(value).slice())).toBe(0)
    }
  })

  it.runIf(isOn)('is not begun where a frame is written, if large bytes are in it', () => {
    const room = new Uint8Array(65_536)
    expect(encodeInto(gateOf(Bytes()), bytesOf(LARGE, 1), room, 0, defaultLimits)).toBe(-1)
    expect(encodeInto(gateOf(Bytes()), bytesOf(LARGE - 1, 1), room, 0, defaultLimits)).toBe(LARGE + 2)
  })

  it('that a getter encodes meanwhile does not get into the one around it', () => {
    const inner = bytesOf(20_000, 5)
    const outer = bytesOf(30_000, 6)
    let inside: Body | undefined
    const value = {
      get name() {
        inside = encodeBody(gateOf(Bytes()), inner, defaultLimits)
        expect(encodeInto(gateOf(Bytes()), inner, new Uint8Array(65_536), 0, defaultLimits)).toBe(-1)
        return 'a'
      },
      files: [outer],
      size: 1,
    }
    const body = encodeBody(gateOf(Files), value, defaultLimits)
    expect(Buffer.compare(joinBody(body), pack({ name: 'a', files: [outer], size: 1 }).slice())).toBe(0)
    expect(inside && Buffer.compare(joinBody(inside), pack(inner).slice())).toBe(0)
  })
})

describe('P31: frames of a body in pieces', () => {
  it('are those of the same body in one', () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 5 })
    fc.assert(
      fc.property(pieces, fc.constantFrom(1_024, 20_000, 65_536), fc.boolean(), (sizes, maxFrameBytes, hasMetadata) => {
        const parts = sizes.map(bytesOf)
        const body: Body = { pieces: parts, length: sizes.reduce((sum, size) => sum + size, 0) }
        const metadata = hasMetadata ? pack({ a: 'b' }).slice() : undefined
        const head = { tag: 7, timeoutMs: 9, oneWay: false, metadata }
        const written = [body, joinBody(body)].map((one) => {
          const writer = new BufferWriter()
          writeRequest(writer, 5, head, one, maxFrameBytes)
          writeResponse(writer, 6, metadata, one, maxFrameBytes)
          return writer.bytes()
        })
        expect(Buffer.compare(written[0] as Uint8Array, written[1] as Uint8Array)).toBe(0) // there are two
        expect(bodiesOf(written[0] as Uint8Array)).toEqual(
          [8, 0].map((bytes) => bytes + metadataBytes(metadata) + body.length),
        )
      }),
      runs(60),
    )
  })
})

const metadataBytes = (metadata: Uint8Array | undefined): number => (metadata ? 2 + metadata.length : 0)

/** How long the messages of some frames are. */
function bodiesOf(bytes: Uint8Array): number[] {
  const reassembler = new Reassembler(defaultLimits)
  const lengths: number[] = []
  for (const frame of new FrameDecoder(defaultLimits).frames(bytes)) {
    const more = (frame.flags & flags.MORE) !== 0
    const whole = reassembler.add(frame.id, frame.flags, frame.body, 0, frame.body.length, more)
    if (typeof whole === 'object') lengths.push(whole.body.length)
  }
  return lengths
}

describe('what of a body was not written yet', () => {
  const value = (length: number, seed: number) => ({ name: 'a', files: [bytesOf(length, seed)], size: seed })

  it('is its own once it has to wait, among others that come and go', () => {
    const step = fc.record({
      at: fc.nat({ max: 5 }),
      bytes: fc.integer({ min: 1, max: 120_000 }),
      drops: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const open = new Map<number, { rest: BodyRest; writer: BufferWriter; expected: Uint8Array }>()
        for (const [index, { at, bytes, drops }] of steps.entries()) {
          const before = open.get(at)
          if (!before) {
            const large = value(bytes + LARGE, index)
            const body = encodeBody(gateOf(Files), large, defaultLimits)
            const rest = new BodyRest(body)
            open.set(at, { rest, writer: new BufferWriter(), expected: joinBody(body).slice() })
            rest.own()
            large.files[0]?.fill(0xee) // whoever gave it may do so
          } else if (drops && bytes % 5 === 0) {
            before.rest.drop()
            before.rest.drop()
            open.delete(at)
          } else {
            const { rest, writer, expected } = before
            rest.write(writer, Math.min(bytes, rest.left))
            if (rest.left > 0) continue
            expect(Buffer.compare(writer.bytes(), expected)).toBe(0)
            open.delete(at)
          }
        }
        for (const { rest } of open.values()) rest.drop()
      }),
      runs(100),
    )
  })
})
