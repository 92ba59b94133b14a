/** Frames whose bodies are written where they leave (spec/codecs.md): the bytes of any other frame, or none at all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeItemInPlace, writeRequestInPlace, writeResponseInPlace } from '../../src/wire/encode.ts'
import {
  appendInPlace,
  BufferWriter,
  flags,
  type InPlace,
  kinds,
  writeFrame,
  writeRequest,
  writeResponse,
} from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'

const HEADER = 9

/** A body that writes itself. */
const itself = (body: Uint8Array): InPlace => ({
  encodeInto(buffer, at) {
    buffer.set(body, at)
    return at + body.length
  },
})
const unwilling: InPlace = { encodeInto: () => -1 }

function written(write: (writer: BufferWriter) => unknown, before = 0): { bytes: Uint8Array; result: unknown } {
  const writer = new BufferWriter(16)
  writer.large(new Uint8Array(before).fill(0xee))
  const result = write(writer)
  return { bytes: writer.bytes().subarray(before), result }
}

const body = fc.uint8Array({ maxLength: 400 })
const metadata = fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined })
const before = fc.nat({ max: 40 })

describe('a frame that is written where it leaves', () => {
  it('is the REQUEST that any other is, whatever stands in its head', () => {
    const head = fc.record({
      tag: fc.nat({ max: 0xffff_ffff }),
      oneWay: fc.boolean(),
      judged: fc.boolean(),
      input: fc.boolean(),
      output: fc.boolean(),
      metadata,
    })
    fc.assert(
      fc.property(head, fc.nat({ max: 0xffff_ffff }), body, before, (said, timeoutMs, bytes, lead) => {
        const usual = written((writer) =>
          writeRequest(writer, 7, { ...said, hash: undefined, timeoutMs }, bytes, 65_536),
        )
        const inPlace = written(
          (writer) => writeRequestInPlace(writer, 7, said, timeoutMs, itself(bytes), 65_536, 65_536),
          lead,
        )
        expect(inPlace.result).toBe(true)
        expect(Buffer.compare(inPlace.bytes, usual.bytes)).toBe(0)
      }),
      runs(100),
    )
  })

  it('is the RESPONSE and the DATA that any other is', () => {
    fc.assert(
      fc.property(metadata, body, before, (said, bytes, lead) => {
        const usual = written((writer) => writeResponse(writer, 7, said, bytes, 65_536))
        const inPlace = written((writer) => writeResponseInPlace(writer, 7, said, itself(bytes), 65_536, 65_536), lead)
        expect(inPlace.result).toBe(true)
        expect(Buffer.compare(inPlace.bytes, usual.bytes)).toBe(0)
        const item = written((writer) => writeItemInPlace(writer, 7, itself(bytes), 65_536), lead)
        expect(item.result).toBe(bytes.length)
        const data = written((writer) => writeFrame(writer, kinds.DATA, 0, 7, bytes))
        expect(Buffer.compare(item.bytes, data.bytes)).toBe(0)
      }),
      runs(100),
    )
  })

  it('is as long as it may be, to the byte, its head included', () => {
    const head = { tag: 1, oneWay: false, judged: false, input: false, output: false, metadata: new Uint8Array(10) }
    const request = (maxFrameBytes: number, maxBodyBytes: number) =>
      written((writer) =>
        writeRequestInPlace(writer, 1, head, 0, itself(new Uint8Array(100)), maxFrameBytes, maxBodyBytes),
      )
    expect(request(120, 100).result).toBe(true) // 8 of tag and deadline, 12 of metadata
    expect(request(119, 100)).toEqual({ bytes: new Uint8Array(0), result: false })
    expect(request(120, 99)).toEqual({ bytes: new Uint8Array(0), result: false })
    const response = (maxFrameBytes: number, maxBodyBytes: number) =>
      written((writer) =>
        writeResponseInPlace(writer, 1, head.metadata, itself(new Uint8Array(100)), maxFrameBytes, maxBodyBytes),
      )
    expect(response(112, 100).result).toBe(true)
    expect(response(111, 100)).toEqual({ bytes: new Uint8Array(0), result: false })
    expect(response(112, 99)).toEqual({ bytes: new Uint8Array(0), result: false })
    expect(written((writer) => writeItemInPlace(writer, 1, itself(new Uint8Array(100)), 99)).result).toBe(-1)
  })

  it('is not there where its body does not write itself, or throws', () => {
    const writer = new BufferWriter()
    expect(writeItemInPlace(writer, 1, unwilling, 1_000)).toBe(-1)
    const broken: InPlace = {
      encodeInto() {
        throw new Error('a getter that throws')
      },
    }
    expect(() => writeItemInPlace(writer, 1, broken, 1_000)).toThrow('a getter that throws')
    expect(writer.bytes()).toHaveLength(0)
    expect(writeItemInPlace(writer, 1, itself(Uint8Array.of(1)), 1_000)).toBe(1)
    expect([...writer.bytes()]).toEqual([0, 0, 1, kinds.DATA, 0, 0, 0, 0, 1, 1])
  })

  it('is void where something else was written meanwhile, which stays', () => {
    const writer = new BufferWriter()
    const disturbing: InPlace = {
      encodeInto(buffer, at) {
        writeFrame(writer, kinds.PING, 0, 0, new Uint8Array(8))
        buffer.fill(0xbb, at, at + 20)
        return at + 20
      },
    }
    expect(writeItemInPlace(writer, 1, disturbing, 1_000)).toBe(-1)
    const ping = written((other) => writeFrame(other, kinds.PING, 0, 0, new Uint8Array(8)))
    expect(writer.bytes()).toEqual(ping.bytes)
  })
})

describe('a value that is put behind the last frame', () => {
  function opened() {
    const writer = new BufferWriter(65_536)
    writer.large(new Uint8Array(5).fill(0xee))
    expect(writeItemInPlace(writer, 3, itself(Uint8Array.of(1, 2)), 1_000)).toBe(2)
    return writer
  }

  it('makes that frame longer, in all three bytes of its length', () => {
    const writer = opened()
    expect(appendInPlace(writer, 5, 1_000, itself(Uint8Array.of(3)))).toBe(1)
    expect([...writer.bytes().subarray(5)]).toEqual([0, 0, 3, kinds.DATA, 0, 0, 0, 0, 3, 1, 2, 3])
    expect(appendInPlace(writer, 5, 16_000, itself(new Uint8Array(0x0201)))).toBe(0x0201)
    expect([...writer.bytes().subarray(5, 8)]).toEqual([0, 0x02, 0x04])
    for (let times = 0; times < 4; times++)
      expect(appendInPlace(writer, 5, 16_000, itself(new Uint8Array(16_000)))).toBe(16_000)
    const length = 4 * 16_000 + 0x0204
    expect([...writer.bytes().subarray(5, 8)]).toEqual([length >>> 16, (length >>> 8) & 0xff, length & 0xff])
    expect(writer.position).toBe(5 + HEADER + length)
  })

  it('is not there where it is too long, will not, or has no room in that memory', () => {
    const writer = opened()
    const before = writer.bytes()
    expect(appendInPlace(writer, 5, 2, itself(new Uint8Array(3)))).toBe(-1)
    expect(appendInPlace(writer, 5, 2, unwilling)).toBe(-1)
    expect(writer.bytes()).toEqual(before)
    const small = new BufferWriter(16)
    writeFrame(small, kinds.DATA, 0, 3, Uint8Array.of(1))
    const bytes = small.bytes()
    expect(appendInPlace(small, 0, 1_000, itself(Uint8Array.of(2)))).toBe(-1)
    expect(small.bytes()).toEqual(bytes)
    expect(writeItemInPlace(small, 4, itself(Uint8Array.of(2)), 1_000)).toBe(1) // nothing is lent any more
    expect(small.bytes()).toHaveLength(2 * HEADER + 2)
  })
})

describe('a writer of one buffer', () => {
  it('keeps what was written, however often it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 30 }), (pieces) => {
        const writer = new BufferWriter(1)
        for (const piece of pieces) writer.large(piece)
        expect(Buffer.compare(writer.bytes(), Buffer.concat(pieces))).toBe(0)
      }),
      runs(50),
    )
  })

  it('has what was lent until something else is written', () => {
    const writer = new BufferWriter()
    writer.lend(10)
    expect(writer.takeBack(true)).toBe(true)
    expect(writer.takeBack(true)).toBe(false) // once
    writer.lend(10)
    const lent = writer.buffer
    writer.large(Uint8Array.of(flags.MORE))
    expect(writer.takeBack(true)).toBe(false)
    expect(writer.buffer).not.toBe(lent)
    expect([...writer.bytes()]).toEqual([flags.MORE])
  })
})

describe('a loan of memory', () => {
  /** Keeps what it was told at the end of each loan. */
  class Lender extends BufferWriter {
    readonly told: boolean[] = []
    /** How far its place moves when it lends. */
    step = 0

    override lend(bytes: number): void {
      super.lend(bytes)
      this.position += this.step
    }

    override takeBack(isUsed: boolean): boolean {
      this.told.push(isUsed)
      return super.takeBack(isUsed)
    }
  }
  const broken: InPlace = {
    encodeInto() {
      throw new Error('a getter that throws')
    },
  }

  it('ends with whether it was used, whatever the value does', () => {
    const lender = new Lender(65_536)
    expect(writeItemInPlace(lender, 1, itself(Uint8Array.of(1, 2)), 2)).toBe(2)
    expect(writeItemInPlace(lender, 1, itself(Uint8Array.of(1, 2)), 1)).toBe(-1)
    expect(writeItemInPlace(lender, 1, unwilling, 2)).toBe(-1)
    expect(() => writeItemInPlace(lender, 1, broken, 2)).toThrow('a getter that throws')
    expect(appendInPlace(lender, 0, 2, itself(Uint8Array.of(3)))).toBe(1)
    expect(appendInPlace(lender, 0, 2, unwilling)).toBe(-1)
    expect(lender.told).toEqual([true, false, false, false, true, false])
    expect([...lender.bytes()]).toEqual([0, 0, 3, kinds.DATA, 0, 0, 0, 0, 1, 1, 2, 3])
  })

  it('at another place is no room behind the last frame', () => {
    const lender = new Lender(65_536)
    writeItemInPlace(lender, 1, itself(Uint8Array.of(1)), 2)
    lender.step = 1
    expect(appendInPlace(lender, 0, 2, itself(Uint8Array.of(2)))).toBe(-1)
    expect(lender.told).toEqual([true, false])
    expect([...lender.bytes().subarray(0, 10)]).toEqual([0, 0, 1, kinds.DATA, 0, 0, 0, 0, 1, 1])
  })
})

it('a writer of one buffer makes few of them, however many writes there are', () => {
  const writer = new BufferWriter(1)
  const buffers = new Set<Uint8Array>()
  for (let times = 0; times < 1_000; times++) {
    writer.large(Uint8Array.of(times & 0xff, 1, 2))
    buffers.add(writer.buffer)
  }
  expect(writer.bytes()).toHaveLength(3_000)
  expect(buffers.size).toBeLessThan(14) // twice as long each time
})
