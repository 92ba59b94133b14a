/** What a peer that the input plays may send: frames of any kind in any order, mostly with few ids and lawful lengths. */
import { resolveLimits } from '../src/limits.ts'
import { kinds, packHello } from '../src/wire/index.ts'
import type { Choices } from './target.ts'

/** Small, so that short inputs reach them. */
export const limits = resolveLimits({
  maxMessageBytes: 100_000,
  maxReassemblyBytes: 200_000,
  maxStreamBytes: 40_000,
  maxMetadataBytes: 200,
  maxCallsInFlight: 6,
  maxCallsQueued: 4,
  maxBacklogBytes: 16_384,
  maxTurnBytes: 4_096,
  maxTurnFrames: 16,
})

export const helloBody = packHello({ major: 1, limits, features: [], incarnation: new Uint8Array(16) })

const lengths = [0, 1, 4, 9, 20, 300, 1_024, 5_000, 16_384, 30_000] as const

/** The next frame that the input tells: any of the kinds that `kindsOf` names, with an id of few, and flags and body of all. */
export function nextFrame(choices: Choices, kindsOf: readonly [number, ...number[]]): Uint8Array {
  const kind = choices.of(kindsOf)
  const flagBits = choices.byte() & (choices.byte() < 230 ? 0x7f : 0xff)
  const id = idOf(choices)
  return frame(kind, bodyOf(kind, choices), flagBits, id)
}

export function frame(kind: number, body: Uint8Array, flagBits = 0, id = 0): Uint8Array {
  const header = Buffer.alloc(9)
  header.writeUIntBE(body.length, 0, 3)
  header.writeUInt8(kind, 3)
  header.writeUInt8(flagBits, 4)
  header.writeUInt32BE(id, 5)
  return Buffer.concat([header, body])
}

export function idOf(choices: Choices): number {
  const byte = choices.byte()
  if (byte < 200) return byte % 12
  return byte < 240 ? 0xffff_ffff - (byte % 4) : choices.uint32()
}

function bodyOf(kind: number, choices: Choices): Uint8Array {
  switch (kind) {
    case kinds.HELLO:
      return choices.byte() < 200 ? helloBody : choices.bytes(choices.below(200))
    case kinds.CREDIT:
      return u32(choices.byte() < 200 ? choices.below(40_000) : choices.uint32())
    case kinds.GOAWAY:
      return Buffer.concat([u32(idOf(choices)), choices.bytes(choices.below(20))])
    case kinds.PING:
    case kinds.PONG:
      return choices.byte() < 128 ? Buffer.from('draining') : padded(choices.bytes(8), 8)
    case kinds.CANCEL:
      return new Uint8Array(0)
    case kinds.PRIORITY:
      return Uint8Array.of(choices.below(4))
    case kinds.REQUEST:
      return Buffer.concat([u32(choices.below(4)), u32(choices.below(3) * 500), anyBytes(choices)])
    default:
      return anyBytes(choices)
  }
}

/** Bytes of the input, or many of one kind, which cost the input nothing. */
export function anyBytes(choices: Choices): Uint8Array {
  const how = choices.byte()
  if (how < 128) return choices.bytes(how % 48)
  return new Uint8Array(choices.of(lengths)).fill(how)
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length)
  whole.set(bytes)
  return whole
}
