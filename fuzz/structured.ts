/**
 * Inputs that know their form, made by fast-check: lawful frames in mad orders, and vectors that were changed a little. What they make
 * are inputs of the other targets, so that one which breaks something is kept and replayed as theirs.
 */
import fc from 'fast-check'
import { kinds } from '../src/wire/index.ts'
import { lawfulFrame, skippableFrame } from '../test/support/slow-frames.ts'
import { frame, helloBody } from './peer.ts'
import type { Target } from './target.ts'
import { loadTarget, type TargetName, targetNames } from './targets/index.ts'

export interface Aimed {
  readonly name: TargetName
  readonly input: Uint8Array
}

export interface Structured {
  readonly about: string
  inputs(): Promise<fc.Arbitrary<Aimed>>
}

const RAW = 1
const OTHER_STEPS = 11

/** A step of a session's input that sends these bytes (targets/session-server.ts). */
function sent(bytes: Uint8Array, how: number): Uint8Array {
  return Uint8Array.of(RAW, how, bytes.length >> 8, bytes.length & 0xff, ...bytes)
}

const id = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.constantFrom(0xffff_fffe, 0xffff_ffff))
const CALL_KINDS: readonly number[] = [
  kinds.REQUEST,
  kinds.RESPONSE,
  kinds.DATA,
  kinds.END,
  kinds.ERROR,
  kinds.CANCEL,
  kinds.CREDIT,
  kinds.PRIORITY,
]

/** Of few calls, so that frames meet. */
const met = fc
  .tuple(lawfulFrame(), id)
  .filter(([{ body }]) => body.length < 2_000)
  .map(([one, at]) => frame(one.kind, one.body, one.flags, CALL_KINDS.includes(one.kind) && one.id !== 0 ? at : one.id))
const skipped = skippableFrame().map((one) => frame(one.kind, one.body, one.flags, one.id))

const how = fc.integer({ min: 0, max: 255 })
const step = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(met, how).map(([bytes, pieces]) => sent(bytes, pieces)) },
  { weight: 1, arbitrary: fc.tuple(skipped, how).map(([bytes, pieces]) => sent(bytes, pieces)) },
  { weight: 5, arbitrary: fc.uint8Array({ minLength: 6, maxLength: 12 }).map(otherStep) },
)

/** Time, answers, items, callers that leave: whatever the input can say besides bytes. */
function otherStep(bytes: Uint8Array): Uint8Array {
  const [first = 0, ...rest] = bytes
  return Uint8Array.of(2 + (first % (OTHER_STEPS - 2)), ...rest)
}

const orders: Structured = {
  about: 'lawful frames of every kind in mad orders, for the session in both roles',
  inputs: async () =>
    fc
      .tuple(fc.constantFrom<TargetName>('session-client', 'session-server'), how, fc.array(step, { maxLength: 40 }))
      .map(([name, mode, steps]) => {
        const hello = sent(frame(kinds.HELLO, helloBody), 0)
        return { name, input: Buffer.concat([Uint8Array.of(mode), hello, ...steps]) }
      }),
}

const vectors: Structured = {
  about: 'the vectors of spec/vectors with bytes flipped, cut, repeated and exchanged, for every target',
  async inputs() {
    const seeds = await Promise.all(targetNames.map(async (name) => seedsOf(name, await loadTarget(name))))
    return fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }))
      .map(([{ name, inputs }, first, second, changes]) => {
        const [one, other] = [inputs[first % inputs.length], inputs[second % inputs.length]]
        const input = changes.reduce((bytes, apply) => apply(bytes, other ?? bytes), one ?? new Uint8Array(0))
        return { name, input }
      })
  },
}

interface Seeds {
  readonly name: TargetName
  readonly inputs: readonly Uint8Array[]
}

function seedsOf(name: TargetName, target: Target): Seeds {
  return { name, inputs: [...target.seeds()].filter(({ length }) => length <= target.maxBytes) }
}

type Change = (bytes: Uint8Array, other: Uint8Array) => Uint8Array

const place = fc.double({ min: 0, max: 1, noNaN: true })
const change: fc.Arbitrary<Change> = fc
  .tuple(fc.integer({ min: 0, max: 6 }), place, place, fc.integer({ min: 0, max: 255 }))
  .map(([kind, from, to, byte]) => (bytes, other) => {
    const at = Math.floor(from * bytes.length)
    const end = Math.floor(Math.max(from, to) * bytes.length)
    const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
    const beyond = bytes.subarray(at + 1)
    switch (kind) {
      case 0:
        return Buffer.concat([before, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (byte & 7))), beyond])
      case 1:
        return Buffer.concat([before, Uint8Array.of(byte), beyond])
      case 2:
        return Buffer.concat([before, Uint8Array.of(byte), bytes.subarray(at)])
      case 3:
        return Buffer.concat([before, after])
      case 4:
        return Buffer.concat([before, middle, middle, after])
      case 5:
        return before.slice()
      default:
        return Buffer.concat([before, other.subarray(Math.floor(to * other.length))])
    }
  })

const all = { orders, vectors }

export type StructuredName = keyof typeof all

export const structuredNames = Object.keys(all) as StructuredName[] // its own keys

export function isStructuredName(name: string): name is StructuredName {
  return Object.hasOwn(all, name)
}

export function structuredOf(name: StructuredName): Structured {
  return all[name]
}
