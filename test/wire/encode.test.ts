/** Messages into frames (spec/protocol.md, P17 to P33): what is written is what the slow parser reads. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame } from '../../src/codec.ts'
import { limitRules } from '../../src/limits.ts'
import {
  BufferWriter,
  FrameDecoder,
  flags,
  kinds,
  pack,
  readMetadata,
  readRequestHead,
  writeCredit,
  writeFrame,
  writeGoaway,
  writeRequest,
  writeResponse,
} from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { framesIn, joined, lawfulFrame, type SlowFrame, textOf, u32 } from '../support/slow-frames.ts'

const { MORE, METADATA, ONE_WAY, FINAL } = flags

function written(write: (writer: BufferWriter) => void): SlowFrame[] {
  const writer = new BufferWriter(1)
  write(writer)
  return framesIn(writer.bytes())
}

const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 200_000 }),
  fc.constantFrom(65_527, 65_528, 65_529, 65_536, 131_064, 131_065, 8_191, 8_192),
)
const metadata = fc.option(fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 40 }), { maxKeys: 5 }), {
  nil: undefined,
})

/** What holds of any message in fragments; returns its bytes, put together. */
function requireFragments(
  frames: readonly SlowFrame[],
  kind: number,
  firstFlags: number,
  maxFrameBytes: number,
): Uint8Array {
  for (const [index, frame] of frames.entries()) {
    const isLast = index === frames.length - 1
    expect(frame).toMatchObject({ kind, id: 9 })
    expect(frame.flags).toBe((index === 0 ? firstFlags : 0) | (isLast ? 0 : MORE))
    expect(frame.body.length).toBeLessThanOrEqual(maxFrameBytes)
    if (!isLast) expect(frame.body.length).toBe(maxFrameBytes)
    if (index > 0) expect(frame.body.length).toBeGreaterThan(0)
  }
  return joined(frames.map(({ body }) => body))
}

describe('P17, P30 to P32: a REQUEST', () => {
  it('is its head, metadata and body, in as few frames as it needs', () => {
    const head = fc.record({
      tag: fc.integer({ min: 0, max: 0xffff_ffff }),
      timeoutMs: fc.integer({ min: 0, max: 0xffff_ffff }),
      oneWay: fc.boolean(),
    })
    const frameBytes = fc.constantFrom(65_536, 70_001)
    fc.assert(
      fc.property(head, metadata, size, frameBytes, (about, entries, bytes, maxFrameBytes) => {
        const packed = entries && pack(entries)
        const body = new Uint8Array(bytes).map((_, index) => index % 251)
        const frames = written((writer) => writeRequest(writer, 9, { ...about, metadata: packed }, body, maxFrameBytes))
        const firstFlags = (about.oneWay ? ONE_WAY : 0) | (packed ? METADATA : 0)
        const all = requireFragments(frames, kinds.REQUEST, firstFlags, maxFrameBytes)
        const read = readRequestHead(firstFlags, all, 0, all.length)
        expect(read).toMatchObject(about)
        expect(readMetadata(all, read.metadataStart, read.bodyStart, 8_192)).toEqual(entries ?? {})
        expect(Buffer.compare(all.subarray(read.bodyStart), body)).toBe(0)
        const headBytes = all.length - body.length
        expect(frames).toHaveLength(Math.max(1, Math.ceil((headBytes + body.length) / maxFrameBytes)))
        // Head and metadata lie whole in the first frame.
        expect(frames[0]?.body.length).toBeGreaterThanOrEqual(headBytes)
      }),
      runs(150),
    )
  })

  it('P31: has its largest metadata in its first frame, with room to spare', () => {
    const largest = new Uint8Array(limitRules.maxMetadataBytes.max)
    for (const bodyBytes of [0, 1, 100_000]) {
      const body = new Uint8Array(bodyBytes).fill(7)
      const request = written((writer) =>
        writeRequest(writer, 9, { tag: 1, timeoutMs: 0, oneWay: false, metadata: largest }, body, 65_536),
      )
      const all = requireFragments(request, kinds.REQUEST, METADATA, 65_536)
      const { bodyStart } = readRequestHead(METADATA, request[0]?.body ?? all, 0, request[0]?.body.length ?? 0)
      expect(all.length - bodyStart).toBe(bodyBytes)
      const response = written((writer) => writeResponse(writer, 9, largest, body, 65_536))
      expect(requireFragments(response, kinds.RESPONSE, METADATA, 65_536)).toHaveLength(2 + largest.length + bodyBytes)
    }
  })
})

describe('P20: a RESPONSE', () => {
  it('is metadata and body, in as few frames as it needs', () => {
    fc.assert(
      fc.property(metadata, size, (entries, bytes) => {
        const packed = entries && pack(entries)
        const body = new Uint8Array(bytes).map((_, index) => index % 251)
        const frames = written((writer) => writeResponse(writer, 9, packed, body, 65_536))
        const all = requireFragments(frames, kinds.RESPONSE, packed ? METADATA : 0, 65_536)
        const before = packed ? [packed.length >> 8, packed.length & 0xff, ...packed] : []
        expect(Buffer.compare(all, joined([Uint8Array.from(before), body]))).toBe(0)
        expect(frames).toHaveLength(Math.max(1, Math.ceil(all.length / 65_536)))
      }),
      runs(100),
    )
  })
})

describe('the other frames', () => {
  it('P28: GOAWAY has the last id and its reason, cut between two characters', () => {
    const goaway = (final: boolean, reason: string) =>
      written((writer) => writeGoaway(writer, final, 0xfedc_ba98, reason))[0]
    expect(goaway(true, 'bye')).toEqual({
      kind: kinds.GOAWAY,
      flags: FINAL,
      id: 0,
      body: Uint8Array.from([...u32(0xfedc_ba98), 0x62, 0x79, 0x65]),
    })
    expect(goaway(false, '')?.flags).toBe(0)
    for (const [reason, kept] of [
      ['x'.repeat(1_025), 1_024],
      ['é'.repeat(600), 1_024],
      [`x${'é'.repeat(600)}`, 1_023],
      [`${'x'.repeat(1_022)}€`, 1_022],
      [`${'x'.repeat(1_021)}𝄞`, 1_021],
      [`${'x'.repeat(1_020)}𝄞`, 1_024],
    ] as const) {
      const body = goaway(false, reason)?.body.subarray(4)
      expect(body).toHaveLength(kept)
      expect(reason.startsWith(new TextDecoder('utf-8', { fatal: true }).decode(body))).toBe(true)
    }
  })

  it('CREDIT has its increment', () => {
    expect(written((writer) => writeCredit(writer, 3, 0x0102_0304))).toEqual([
      { kind: kinds.CREDIT, flags: 0, id: 3, body: Uint8Array.of(1, 2, 3, 4) },
    ])
  })

  it('P1: any frame is written as it is, one after the other', () => {
    fc.assert(
      fc.property(fc.array(lawfulFrame(), { maxLength: 6 }), (frames) => {
        const all = written((writer) => {
          for (const { kind, flags: bits, id, body } of frames) writeFrame(writer, kind as never, bits, id, body) // its kind is lawful
        })
        expect(all.map(textOf)).toEqual(frames.map(textOf))
      }),
      runs(100),
    )
  })
})

describe('encodeFrame', () => {
  it('is undone by the decoder', () => {
    fc.assert(
      fc.property(lawfulFrame(), (frame) => {
        const [read] = new FrameDecoder().frames(encodeFrame(frame as never)) // its kind is lawful
        expect(read && textOf(read)).toBe(textOf(frame))
      }),
      runs(100),
    )
  })

  it.each([
    ['kind', { kind: 0 }, 'there is no frame kind 0'],
    ['kind', { kind: 14 }, 'there is no frame kind 14'],
    ['flags', { flags: 256 }, 'flags are one byte, not 256'],
    ['flags', { flags: -1 }, 'flags are one byte, not -1'],
    ['flags', { flags: 0.5 }, 'flags are one byte, not 0.5'],
    ['id', { id: 2 ** 32 }, 'an id is a 32-bit number, not 4294967296'],
    ['id', { id: -1 }, 'an id is a 32-bit number, not -1'],
    ['id', { id: Number.NaN }, 'an id is a 32-bit number, not NaN'],
    ['body', { body: { length: 2 ** 24 } }, "a frame's body has at most 16777215 bytes, not 16777216"],
  ])('refuses a %s that no header can say: %j', (_, wrong, message) => {
    const frame = { kind: kinds.PING, flags: 0, id: 0, body: new Uint8Array(8), ...wrong }
    expect(() => encodeFrame(frame as never)).toThrow(new RangeError(message)) // wrong on purpose
  })
})

describe('BufferWriter', () => {
  it('keeps what was written, however it grows, and gives copies', () => {
    const writer = new BufferWriter(1)
    writer.large(Uint8Array.of(1, 2, 3))
    const before = writer.bytes()
    writer.ensure(10_000)
    writer.buffer.fill(9, writer.position, writer.position + 2)
    writer.position += 2
    expect([...writer.bytes()]).toEqual([1, 2, 3, 9, 9])
    before.fill(0)
    expect([...writer.bytes()]).toEqual([1, 2, 3, 9, 9])
  })
})
