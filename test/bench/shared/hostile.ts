/**
 * What hostile clients send, as bytes made beforehand: to a bare server of `net` they cost the sender the same. Every
 * script begins with a HELLO and goes wrong in a way of its own (spec/streams.md has the rules).
 */
import { Packr } from 'msgpackr'
import { encodeFrame, flags, type Kind, kinds } from 'nanowire/codec'
import { Bench } from '../contract.ts'
import type { HostileName } from '../parts/hostile-names.ts'
import { bytesOf, FOREVER } from '../work.ts'

export interface Script {
  readonly bytes: Uint8Array
  /** The connection is kept open, and not one with the same script after the other. */
  readonly isHeld?: true
  /** It reads a byte a second; otherwise whatever comes, and throws it away. */
  readonly readsByteASecond?: true
}

const packr = new Packr({ useRecords: false })
const NOTHING = new Uint8Array(0)
const VERSION = 1
const frame = (kind: Kind, id: number, body: Uint8Array = NOTHING, flag = 0) =>
  encodeFrame({ kind, flags: flag, id, body })

const limits = {
  maxFrameBytes: 65_536,
  maxMessageBytes: 4_194_304,
  maxCallsInFlight: 1_024,
  maxDepth: 64,
  maxNodes: 524_288,
}
const hello = frame(
  kinds.HELLO,
  0,
  Buffer.concat([
    Buffer.from('NWIR'),
    Uint8Array.of(VERSION),
    packr.pack({ limits, features: [], incarnation: Buffer.alloc(16, 7) }),
  ]),
)

type MethodName = keyof typeof Bench.tags

/** A REQUEST without a deadline. */
function request(id: number, method: MethodName, flag: number, body: Uint8Array = NOTHING): Uint8Array {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(Bench.tags[method])
  return frame(kinds.REQUEST, id, Buffer.concat([head, body]), flag)
}

const opened = (id: number) => request(id, 'items', flags.OUTPUT, packr.pack({ count: FOREVER }))
const upload = (id: number) => request(id, 'upload', flags.INPUT)
const data = (id: number, ...items: unknown[]) =>
  frame(kinds.DATA, id, Buffer.concat(items.map((item) => packr.pack(item))))

function credit(id: number, increment: number): Uint8Array {
  const body = Buffer.alloc(4)
  body.writeUInt32BE(increment)
  return frame(kinds.CREDIT, id, body)
}

/** Of ids from 1 on. */
const times = (count: number, bytesFor: (id: number) => readonly Uint8Array[]): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, index) => bytesFor(index + 1)).flat()
const script = (frames: readonly Uint8Array[]): Uint8Array => Buffer.concat([hello, ...frames])

const KIB = 1_024
const HELD_STREAMS = 200

export const scripts: Readonly<Record<HostileName, () => Script>> = {
  'opens streams and never reads': () => ({
    bytes: script(times(HELD_STREAMS, (id) => [opened(id)])),
    isHeld: true,
  }),
  'reads a byte a second': () => ({
    bytes: script(times(HELD_STREAMS, (id) => [opened(id), credit(id, FOREVER - 16 * KIB)])),
    isHeld: true,
    readsByteASecond: true,
  }),
  'sends empty frames': () => ({ bytes: script([upload(1), ...times(10_000, () => [frame(kinds.DATA, 1)])]) }),
  'cancels what it has begun': () => ({
    bytes: script(times(2_000, (id) => [opened(id), frame(kinds.CANCEL, id)])),
  }),
  'sends items of another type': () => ({
    bytes: script(times(1_000, (id) => [upload(id), data(id, 'no bytes', 7, null), frame(kinds.END, id)])),
  }),
  'sends more than it has credit for': () => ({
    bytes: script([upload(1), ...times(20, () => [data(1, bytesOf(15 * KIB))])]),
  }),
  'sends after the end': () => ({
    bytes: script([upload(1), frame(kinds.END, 1), ...times(1_000, () => [data(1, bytesOf(64))])]),
  }),
  'sends a byte a fragment': () => ({
    bytes: script([
      request(1, 'bytes', flags.MORE),
      ...times(10_000, () => [frame(kinds.REQUEST, 1, Uint8Array.of(0), flags.MORE)]),
    ]),
  }),
  'is no Nanowire': () => ({ bytes: bytesOf(256 * KIB).fill(0x47, 0, 4) }),
}
