/** The first frame of a message and those after it, byte by byte (spec/protocol.md, P17 to P33; spec/streams.md, F3, F4). */
import { describe, expect, it } from 'vitest'
import {
  type Body,
  BufferWriter,
  beginData,
  beginRequest,
  beginResponse,
  flags,
  kinds,
  writeEnd,
  writeFragment,
  writeRequest,
  writeRequestInPlace,
  writeResponse,
  writeResponseInPlace,
} from '../../src/wire/index.ts'
import { framesIn } from '../support/slow-frames.ts'

const { MORE, METADATA, ONE_WAY, HASH, JUDGED, INPUT, OUTPUT, GAP, WAIT } = flags
const head = { tag: 0x0102_0304, timeoutMs: 0x0506_0708, oneWay: false }
const headBytes = [1, 2, 3, 4, 5, 6, 7, 8]
const metadata = Uint8Array.of(0x81, 0xa1, 0x61, 0xa1, 0x62)
const counted = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251)
const inPieces = (length: number): Body => ({
  pieces: [counted(length).subarray(0, 3), counted(length).subarray(3)],
  length,
})

/** What was written, and what `write` has returned. */
function written<Result>(write: (writer: BufferWriter) => Result) {
  const writer = new BufferWriter(1)
  const result = write(writer)
  return { bytes: writer.bytes(), result }
}

const framesOf = (bytes: Uint8Array) =>
  framesIn(bytes).map(({ kind, flags: bits, id, body }) => [kind, bits, id, ...body])

describe('a DATA', () => {
  it('says how long its items are, and how many were left out where any were', () => {
    const data = (bits: number, gap: number) => [...written((writer) => beginData(writer, 7, bits, gap, 0x01_02)).bytes]
    expect(data(WAIT, 0)).toEqual([0, 1, 2, kinds.DATA, WAIT, 0, 0, 0, 7])
    expect(data(MORE, 1)).toEqual([0, 1, 6, kinds.DATA, MORE | GAP, 0, 0, 0, 7, 0, 0, 0, 1])
    expect(data(0, 0xfedc_ba98)).toEqual([0, 1, 6, kinds.DATA, GAP, 0, 0, 0, 7, 0xfe, 0xdc, 0xba, 0x98])
  })
})

describe('an END', () => {
  it('has metadata or nothing', () => {
    expect(framesOf(written((writer) => writeEnd(writer, 7, undefined)).bytes)).toEqual([[kinds.END, 0, 7]])
    expect(framesOf(written((writer) => writeEnd(writer, 7, metadata)).bytes)).toEqual([
      [kinds.END, METADATA, 7, 0, 5, ...metadata],
    ])
  })
})

describe('a REQUEST', () => {
  it('has the hash, then metadata, before its body, and a flag for each of them', () => {
    const hash = counted(16)
    const of = (more: object) =>
      framesOf(written((writer) => writeRequest(writer, 9, { ...head, ...more }, counted(2), 65_536)).bytes)
    expect(of({})).toEqual([[kinds.REQUEST, 0, 9, ...headBytes, 0, 1]])
    expect(of({ hash })).toEqual([[kinds.REQUEST, HASH, 9, ...headBytes, ...hash, 0, 1]])
    expect(of({ hash, metadata })).toEqual([
      [kinds.REQUEST, HASH | METADATA, 9, ...headBytes, ...hash, 0, 5, ...metadata, 0, 1],
    ])
    for (const [more, bit] of [
      [{ oneWay: true }, ONE_WAY],
      [{ judged: true }, JUDGED],
      [{ input: true }, INPUT],
      [{ output: true }, OUTPUT],
    ] as const)
      expect(of(more)).toEqual([[kinds.REQUEST, bit, 9, ...headBytes, 0, 1]])
  })

  it('goes on in a further frame from the first byte on that does not fit', () => {
    for (const body of [counted(92), inPieces(92)]) {
      const of = (maxFrameBytes: number) =>
        framesOf(written((writer) => writeRequest(writer, 9, head, body, maxFrameBytes)).bytes)
      expect(of(100)).toEqual([[kinds.REQUEST, 0, 9, ...headBytes, ...counted(92)]])
      expect(of(99)).toEqual([
        [kinds.REQUEST, MORE, 9, ...headBytes, ...counted(91)],
        [kinds.REQUEST, 0, 9, 91],
      ])
    }
  })

  it('begun leaves the rest, where there is one', () => {
    for (const body of [counted(92), inPieces(92)]) {
      const begun = (maxFrameBytes: number, firstBytes: number) => {
        const { bytes, result } = written((writer) => beginRequest(writer, 9, head, body, maxFrameBytes, firstBytes))
        return [framesOf(bytes)[0]?.length, framesOf(bytes)[0]?.[1], result?.left]
      }
      expect(begun(100, 5)).toEqual([3 + 100, 0, undefined]) // it fits
      expect(begun(99, 99)).toEqual([3 + 99, MORE, 1])
      expect(begun(99, 50)).toEqual([3 + 50, MORE, 50])
      expect(begun(99, 8)).toEqual([3 + 8, MORE, 92])
      expect(begun(99, 5)).toEqual([3 + 8, MORE, 92]) // its head is whole in any case
    }
  })
})

describe('a RESPONSE', () => {
  it('begun and gone on with is the one that is written at once', () => {
    for (const body of [counted(300), inPieces(300)]) {
      const whole = written((writer) => writeResponse(writer, 9, metadata, body, 100)).bytes
      const { bytes } = written((writer) => {
        const rest = beginResponse(writer, 9, metadata, body, 100, 100)
        expect(rest?.left).toBe(207)
        for (const bytes of [100, 100, 7]) if (rest) writeFragment(writer, kinds.RESPONSE, 9, rest, bytes)
        expect(rest?.left).toBe(0)
      })
      expect(bytes).toEqual(whole)
      expect(framesOf(bytes).map(([, bits]) => bits)).toEqual([METADATA | MORE, MORE, MORE, 0])
      const short = written((writer) => beginResponse(writer, 9, undefined, body, 300, 300))
      expect([short.result, framesOf(short.bytes)]).toEqual([undefined, [[kinds.RESPONSE, 0, 9, ...counted(300)]]])
    }
  })
})

describe('a frame that is written where it leaves', () => {
  const body = {
    encodeInto(buffer: Uint8Array, at: number) {
      buffer.set([5, 6], at)
      return at + 2
    },
  }

  it('has what any other has, with metadata and without', () => {
    const request = (more: object) =>
      written((writer) => writeRequestInPlace(writer, 9, { ...head, ...more }, 0x0506_0708, body, 65_536, 2))
    expect(framesOf(request({}).bytes)).toEqual([[kinds.REQUEST, 0, 9, ...headBytes, 5, 6]])
    expect(framesOf(request({ metadata, judged: true }).bytes)).toEqual([
      [kinds.REQUEST, METADATA | JUDGED, 9, ...headBytes, 0, 5, ...metadata, 5, 6],
    ])
    const response = (said?: Uint8Array) => written((writer) => writeResponseInPlace(writer, 9, said, body, 65_536, 2))
    expect(framesOf(response().bytes)).toEqual([[kinds.RESPONSE, 0, 9, 5, 6]])
    expect(framesOf(response(metadata).bytes)).toEqual([[kinds.RESPONSE, METADATA, 9, 0, 5, ...metadata, 5, 6]])
    const long = new Uint8Array(0x0102)
    expect(framesOf(response(long).bytes)[0]?.slice(3, 5)).toEqual([1, 2])
  })
})
