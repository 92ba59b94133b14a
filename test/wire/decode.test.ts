/** Frames out of a stream, however it is cut (spec/protocol.md, P1 to P9), against the slow parser. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameDecoder, flags, kinds, ProtocolError } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import {
  chopped,
  frameBytes,
  framesIn,
  headedBytes,
  joined,
  lawfulFrame,
  type SlowFrame,
  skippableFrame,
  textOf,
} from '../support/slow-frames.ts'

const limits = { maxFrameBytes: 65_536, maxHelloBytes: 65_536 }
const bytesOf = (frame: SlowFrame) => frameBytes(frame.kind, frame.flags, frame.id, frame.body)
const stream = fc.array(fc.oneof({ weight: 4, arbitrary: lawfulFrame() }, { weight: 1, arbitrary: skippableFrame() }), {
  maxLength: 12,
})
const cuts = fc.array(fc.nat(), { maxLength: 30 })

interface Decoded {
  /** As text. */
  readonly frames: string[]
  readonly rule: string | undefined
}

/** Feeds chunks until the end or the first breach. Anything but a ProtocolError is thrown on. */
function decode(chunks: readonly Uint8Array[], decoder = new FrameDecoder(limits)): Decoded {
  const frames: string[] = []
  try {
    for (const chunk of chunks) for (const frame of decoder.frames(chunk)) frames.push(textOf(frame))
    return { frames, rule: undefined }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { frames, rule: error.rule }
  }
}

describe('the decoder', () => {
  it('P1: finds the frames that were written, however they are chopped', () => {
    fc.assert(
      fc.property(stream, cuts, (frames, places) => {
        const bytes = joined(frames.map(bytesOf))
        const known = framesIn(bytes).filter(({ kind }) => kind >= 1 && kind <= 13)
        const decoder = new FrameDecoder(limits)
        expect(decode(chopped(bytes, places), decoder)).toEqual({ frames: known.map(textOf), rule: undefined })
        expect(decoder.skipped).toBe(frames.length - known.length)
      }),
      runs(300),
    )
  })

  it('P1: finds them byte by byte too', () => {
    fc.assert(
      fc.property(fc.array(lawfulFrame(), { maxLength: 3 }), (frames) => {
        const bytes = joined(frames.map(bytesOf))
        if (bytes.length > 3_000) return
        const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte))
        expect(decode(chunks)).toEqual({ frames: frames.map(textOf), rule: undefined })
      }),
      runs(100),
    )
  })

  it('says the same of any bytes, however they are chopped, and never more than a declared rule', () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.tuple(stream, fc.uint8Array({ maxLength: 40 }), fc.nat(), fc.nat()).map(([frames, other, at, byte]) => {
        const bytes = joined([...frames.map(bytesOf), other])
        if (bytes.length > 0) bytes[at % bytes.length] = byte & 0xff
        return bytes
      }),
    )
    fc.assert(
      fc.property(junk, cuts, fc.boolean(), (bytes, places, expectsHello) => {
        const one = decode([bytes], new FrameDecoder(limits, { expectsHello }))
        const other = decode(chopped(bytes, places), new FrameDecoder(limits, { expectsHello }))
        expect(other).toEqual(one)
        const again = new FrameDecoder(limits)
        expect([...again.frames(frameBytes(kinds.CANCEL, 0, 1))]).toHaveLength(1)
      }),
      runs(500),
    )
  })

  it('gives nothing more after a breach, whatever comes', () => {
    const ping = frameBytes(kinds.PING, 0, 0, new Uint8Array(8))
    const breach = frameBytes(99)
    for (const cut of [0, 1, 5, breach.length]) {
      const decoder = new FrameDecoder(limits)
      expect(decode([joined([ping, breach.subarray(0, cut)]), joined([breach.subarray(cut), ping])], decoder)).toEqual({
        frames: framesIn(ping).map(textOf),
        rule: 'frame_kind',
      })
      for (let round = 0; round < 3; round++) expect(() => decoder.read()).toThrow(ProtocolError)
    }
  })

  it('refuses input before what was pushed is read', () => {
    const decoder = new FrameDecoder(limits)
    decoder.push(new Uint8Array(20))
    expect(decoder.unread).toBe(20)
    expect(() => decoder.push(new Uint8Array(1))).toThrow('push() before read() said false')
  })

  it('copies the bodies of `frames`, also of a Buffer, whose slice is none', () => {
    for (const chunk of [
      Buffer.from(frameBytes(kinds.PING, 0, 0, new Uint8Array(8).fill(5))),
      frameBytes(10, 0, 0, new Uint8Array(8).fill(5)),
    ]) {
      const [frame] = new FrameDecoder(limits).frames(chunk)
      chunk.fill(0xff)
      expect(frame?.body).toEqual(new Uint8Array(8).fill(5))
      expect(frame?.body.buffer.byteLength).toBe(8)
    }
  })

  it('reads a whole frame where it lies', () => {
    const decoder = new FrameDecoder(limits)
    const chunk = joined([frameBytes(kinds.CANCEL, 0, 1), frameBytes(kinds.RESPONSE, 0, 2, [1, 2, 3])])
    decoder.push(chunk)
    expect([decoder.read(), decoder.read()]).toEqual([true, true])
    expect(decoder.buffer).toBe(chunk)
    expect([...chunk.subarray(decoder.start, decoder.end)]).toEqual([1, 2, 3])
    expect([decoder.read(), decoder.unread]).toEqual([false, 0])
  })
})

describe('what an unfinished frame holds', () => {
  /** Buffers of this many bytes or more that come into being during `act`. */
  function largestAllocation(act: () => void): number {
    const Original = globalThis.Uint8Array
    let largest = 0
    globalThis.Uint8Array = new Proxy(Original, {
      construct(target, args: [unknown], newTarget) {
        if (typeof args[0] === 'number') largest = Math.max(largest, args[0])
        return Reflect.construct(target, args, newTarget)
      },
    })
    try {
      act()
    } finally {
      globalThis.Uint8Array = Original
    }
    return largest
  }

  it('grows with what has come, and not with what was announced', () => {
    const announced = 65_536
    const frame = headedBytes(announced, kinds.RESPONSE, 0, 1, new Uint8Array(announced))
    for (const step of [13, 1_000]) {
      const decoder = new FrameDecoder(limits)
      let came = 0
      while (came + step <= frame.length) {
        const chunk = frame.subarray(came, came + step)
        came += step
        const largest = largestAllocation(() => {
          decoder.push(chunk)
          decoder.read()
        })
        expect(largest, `after ${came} bytes`).toBeLessThanOrEqual(Math.max(256, 2 * came))
      }
    }
  })

  it('P2: is nothing for a length that is not allowed', () => {
    const decoder = new FrameDecoder(limits)
    const largest = largestAllocation(() => {
      decoder.push(headedBytes(0xff_ffff, kinds.RESPONSE, 0, 1).subarray(0, 9))
      expect(() => decoder.read()).toThrow('maxFrameBytes is 65536')
    })
    expect(largest).toBeLessThanOrEqual(256)
  })

  it('is let go when the frame is read', () => {
    const decoder = new FrameDecoder(limits)
    const frame = frameBytes(kinds.RESPONSE, 0, 1, new Uint8Array(60_000))
    for (const chunk of [frame.subarray(0, 50_000), frame.subarray(50_000)]) {
      decoder.push(chunk)
      decoder.read()
    }
    expect(decoder.buffer.length).toBeGreaterThan(50_000)
    decoder.push(frameBytes(kinds.CANCEL, 0, 1))
    expect(decoder.read()).toBe(true)
    expect(decoder.buffer.length).toBe(9)
    const again = largestAllocation(() => {
      expect(decoder.read()).toBe(false)
      decoder.push(Uint8Array.of(0))
      decoder.read()
    })
    expect(again).toBe(256)
  })

  it('holds no input once all of it was read', () => {
    const decoder = new FrameDecoder(limits)
    const frame = frameBytes(kinds.RESPONSE, 0, 1, new Uint8Array(60_000))
    for (const chunk of [frame, frame.subarray(0, 50_000), frame.subarray(50_000)]) {
      decoder.push(chunk)
      while (decoder.read()) expect(decoder.buffer.length).toBeGreaterThan(50_000)
    }
    expect(decoder.buffer.length).toBe(0)
  })

  it('is no burden in 200,000 pieces of a byte', () => {
    const frame = frameBytes(kinds.RESPONSE, 0, 1, new Uint8Array(20_000).fill(3))
    const decoder = new FrameDecoder(limits)
    let found = 0
    let allocated = 0
    const count = Math.ceil(200_000 / frame.length)
    const Original = globalThis.Uint8Array
    const piece = new Original(1)
    allocated += largestAllocation(() => {
      for (let round = 0; round < count; round++) {
        for (const byte of frame) {
          piece[0] = byte
          decoder.push(piece)
          while (decoder.read()) found++
        }
      }
    })
    expect(found).toBe(count)
    expect(allocated).toBeLessThanOrEqual(2 * frame.length)
  })
})

describe('P8, P9: the first frame', () => {
  const first = () => new FrameDecoder({ ...limits, maxHelloBytes: 1_024 }, { expectsHello: true })
  const hello = frameBytes(kinds.HELLO, 0, 0, new Uint8Array(20))
  const error = frameBytes(kinds.ERROR, 0, 0, new Uint8Array(20))

  it('is a HELLO or an ERROR, and then anything', () => {
    for (const frame of [hello, error]) {
      for (const chunks of [[frame], Array.from(frame, (byte) => Uint8Array.of(byte))]) {
        const decoder = first()
        expect(decode(chunks, decoder).frames).toHaveLength(1)
        expect(decode([frameBytes(kinds.REQUEST, 0, 1, new Uint8Array(40_000))], decoder).frames).toHaveLength(1)
      }
    }
  })

  it.each([
    ['a letter', 'GET', 1],
    ['a first byte above 1', '\u0002', 1],
    ['another kind', '\0\0\u0014\u0003', 4],
    ['a kind that may be skipped', '\0\0\u0014\u00c8\u0080', 4],
  ])('is refused as soon as it is %s', (_, text, needed) => {
    const bytes = new TextEncoder().encode(text)
    const raw = Uint8Array.from(text, (character) => character.charCodeAt(0))
    const decoder = first()
    for (let at = 0; at < needed - 1; at++) expect(decode([raw.subarray(at, at + 1)], decoder).rule).toBe(undefined)
    expect(decode([raw.subarray(needed - 1, needed)], decoder).rule).toBe('not_nanowire')
    expect(decode([bytes], first()).rule).toBe('not_nanowire')
  })

  it('is refused by its length as soon as its kind is there', () => {
    for (const kind of [kinds.HELLO, kinds.ERROR]) {
      expect(decode([headedBytes(1_025, kind, 0, 0).subarray(0, 4)], first()).rule).toBe('frame_size')
      expect(decode([headedBytes(1_024, kind, 0, 0).subarray(0, 4)], first()).rule).toBe(undefined)
    }
  })

  it('is a frame like others where none is expected to come first', () => {
    expect(decode([frameBytes(kinds.PING, flags.IGNORE, 0, new Uint8Array(8))]).frames).toHaveLength(1)
  })
})
