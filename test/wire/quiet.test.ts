/** A decoder between two frames, and between two connections (spec/architecture.md): what it holds, and what it forgets. */
import { describe, expect, it } from 'vitest'
import { FrameDecoder, kinds } from '../../src/wire/index.ts'
import { keepSpare, takeSpare } from '../../src/wire/spare.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'

const limits = { maxFrameBytes: 65_536, maxHelloBytes: 65_536 }
const hello = frameBytes(kinds.HELLO, 0, 0, new Uint8Array(20))
const ping = (fill: number) => frameBytes(kinds.PING, 0, 0, new Uint8Array(8).fill(fill))
const skippable = frameBytes(77, 0x80, 0, new Uint8Array(3))

const bodyOf = ({ buffer, start, end }: FrameDecoder) => [...buffer.subarray(start, end)]

describe('a decoder', () => {
  it('is quiet where nothing is left of the input, nor of a frame, and the HELLO has come', () => {
    const decoder = new FrameDecoder(limits, { expectsHello: true })
    expect(decoder.isQuiet).toBe(false)
    decoder.push(joined([hello, ping(1)]))
    expect(decoder.read()).toBe(true)
    expect([decoder.isQuiet, decoder.unread]).toEqual([false, 17])
    expect([decoder.read(), decoder.read(), decoder.isQuiet]).toEqual([true, false, true])
    decoder.push(ping(2).subarray(0, 5))
    expect([decoder.read(), decoder.unread, decoder.isQuiet]).toEqual([false, 0, false])
    decoder.push(ping(2).subarray(5))
    expect([decoder.read(), decoder.read(), decoder.isQuiet]).toEqual([true, false, true])
    expect(new FrameDecoder(limits).isQuiet).toBe(true)
  })

  it('keeps what was not looked at, when the chunk is used for something else', () => {
    for (const make of [Uint8Array, Buffer]) {
      const decoder = new FrameDecoder(limits)
      const chunk = make.from(joined([ping(1), ping(2), ping(3)]))
      decoder.push(chunk)
      decoder.read()
      decoder.keepUnread()
      expect(decoder.unread).toBe(34)
      chunk.fill(0xff)
      expect([decoder.read(), bodyOf(decoder)]).toEqual([true, Array(8).fill(2)])
      expect([decoder.read(), bodyOf(decoder)]).toEqual([true, Array(8).fill(3)])
      const before = decoder.buffer
      decoder.keepUnread() // of which nothing is left
      expect(decoder.buffer).toBe(before)
      expect(decoder.read()).toBe(false)
    }
  })

  it('begins anew with another connection', () => {
    const decoder = new FrameDecoder(limits)
    decoder.push(joined([skippable, ping(1), ping(2)]))
    expect([decoder.read(), decoder.skipped]).toEqual([true, 1])
    decoder.restart(true)
    expect([decoder.skipped, decoder.unread, decoder.buffer.length, decoder.isQuiet]).toEqual([0, 0, 0, false])
    decoder.push(ping(3))
    expect(() => decoder.read()).toThrow('does not speak Nanowire')
    const again = new FrameDecoder(limits, { expectsHello: true })
    again.restart(false)
    again.push(ping(4))
    expect([again.read(), bodyOf(again), again.kind]).toEqual([true, Array(8).fill(4), kinds.PING])
  })

  it('skips frames that come in pieces as well, and counts them', () => {
    const decoder = new FrameDecoder(limits)
    for (const byte of joined([skippable, ping(1), skippable, skippable])) {
      decoder.push(Uint8Array.of(byte))
      if (decoder.read()) expect(bodyOf(decoder)).toEqual(Array(8).fill(1))
    }
    expect([decoder.skipped, decoder.isQuiet]).toEqual([3, true])
  })

  it('puts a long part of a frame into a spare buffer, and gives that back when the frame was read', () => {
    for (let bytes = 1; bytes <= 2 ** 23; bytes *= 2) while (takeSpare(bytes)); // whatever other tests have left
    const spare = new Uint8Array(65_536)
    const frame = frameBytes(kinds.RESPONSE, 0, 1, new Uint8Array(60_000).fill(5))
    for (const [came, isUsed] of [
      [4_096, false],
      [4_097, true],
    ] as const) {
      keepSpare(spare)
      const decoder = new FrameDecoder(limits)
      decoder.push(frame.subarray(0, came))
      expect(decoder.read()).toBe(false)
      const left = takeSpare(1)
      expect(left).toBe(isUsed ? undefined : spare)
      decoder.push(frame.subarray(came))
      expect(decoder.read()).toBe(true)
      expect(new Set(bodyOf(decoder))).toEqual(new Set([5]))
      expect(decoder.buffer === spare).toBe(isUsed)
      expect([decoder.read(), decoder.buffer.length]).toEqual([false, 0])
      if (isUsed) expect(takeSpare(1)).toBe(spare)
      else while (takeSpare(65_536)); // the memory that was made instead
    }
  })
})
