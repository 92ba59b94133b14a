/** Messages out of fragments against a list of chunks (spec/protocol.md, P31 to P34). */
import fc from 'fast-check'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf } from '../../src/contract/index.ts'
import {
  type Assembled,
  announcedBytes,
  decodeBody,
  encodeBody,
  flags as flag,
  joinBody,
  Reassembler,
  type TooLarge,
} from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { joined } from '../support/slow-frames.ts'

const limits = { maxMessageBytes: 1_000, maxReassemblyBytes: 2_500 }
/** What may stand before a message's body; `maxMessageBytes` counts the body alone. */
const HEAD_BYTES = 26 + 65_535

type Step =
  | { readonly do: 'add'; readonly id: number; readonly bytes: number; readonly more: boolean }
  | { readonly do: 'remove' | 'discard'; readonly id: number }

const id = fc.integer({ min: 1, max: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      id,
      bytes: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1_500 })),
      more: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'discard' as const), id }) },
)

/** The slow twin: it keeps every fragment by itself. */
class SlowReassembler {
  readonly unfinished = new Map<number, { readonly flags: number; chunks: Uint8Array[]; discarded: boolean }>()

  get bytes(): number {
    return [...this.unfinished.values()].reduce((sum, { chunks }) => sum + joined(chunks).length, 0)
  }

  get wantedNotifies(): number {
    const isWanted = ({ flags, discarded }: { flags: number; discarded: boolean }) => !discarded && flags & flag.ONE_WAY
    return [...this.unfinished.values()].filter(isWanted).length
  }

  /** Returns the message, or that it is refused, or that its limit may or may not have fired. */
  add(id: number, flags: number, chunk: Uint8Array, more: boolean): Assembled | undefined {
    const message = this.unfinished.get(id) ?? { flags, chunks: [], discarded: false }
    this.unfinished.set(id, message)
    if (!message.discarded) message.chunks.push(chunk)
    if (more) return undefined
    this.unfinished.delete(id)
    return message.discarded ? undefined : { flags: message.flags, body: joined(message.chunks), isLendable: false }
  }
}

describe('P31: a reassembler', () => {
  it('gives each message once it is whole, and holds no more than its limit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const reassembler = new Reassembler(limits)
        const slow = new SlowReassembler()
        for (const [index, one] of steps.entries()) {
          if (one.do === 'add') {
            const before = slow.bytes
            const chunk = new Uint8Array(one.bytes).fill(index)
            const flags = reassembler.has(one.id) ? 0 : index
            const isDiscarded = slow.unfinished.get(one.id)?.discarded ?? false
            const expected = slow.add(one.id, flags, chunk, one.more)
            const result = reassembler.add(
              one.id,
              flags,
              joined([new Uint8Array(3), chunk]),
              3,
              3 + chunk.length,
              one.more,
            )
            if (typeof result === 'string') {
              // Told once, and then nothing is held of the message. Buffers are up to twice as long as what they hold.
              expect(isDiscarded).toBe(false)
              expect(2 * before + chunk.length).toBeGreaterThan(limits.maxReassemblyBytes)
              const message = slow.unfinished.get(one.id)
              if (message) {
                message.discarded = true
                message.chunks = []
              }
            } else {
              expect(result).toEqual(expected)
              if (!isDiscarded) expect(before + chunk.length).toBeLessThanOrEqual(limits.maxReassemblyBytes)
            }
          } else if (one.do === 'remove') {
            reassembler.remove(one.id)
            slow.unfinished.delete(one.id)
          } else {
            reassembler.discard(one.id)
            const message = slow.unfinished.get(one.id)
            if (message) {
              message.discarded = true
              message.chunks = []
            }
          }
          expect(reassembler.size).toBe(slow.unfinished.size)
          for (const [open, { flags }] of slow.unfinished) expect(reassembler.flagsOf(open)).toBe(flags)
          expect(reassembler.wantedNotifies).toBe(slow.wantedNotifies)
          expect(reassembler.heldBytes).toBeGreaterThanOrEqual(slow.bytes)
          expect(reassembler.heldBytes).toBeLessThanOrEqual(Math.min(limits.maxReassemblyBytes, 2 * slow.bytes))
        }
      }),
      runs(500),
    )
  })

  it('holds nothing when all is finished, forgotten or discarded', () => {
    const reassembler = new Reassembler(limits)
    const part = (id: number, more: boolean) => reassembler.add(id, 0, new Uint8Array(100), 0, 100, more)
    for (const id of [1, 2, 3]) part(id, true)
    part(1, false)
    reassembler.remove(2)
    reassembler.discard(3)
    expect([reassembler.size, reassembler.heldBytes]).toEqual([1, 0])
    expect(part(3, false)).toBe(undefined)
    expect([reassembler.size, reassembler.heldBytes]).toEqual([0, 0])
    reassembler.remove(9)
    reassembler.discard(9)
    expect(reassembler.has(9)).toBe(false)
  })

  it('shares no memory with the fragments', () => {
    const reassembler = new Reassembler(limits)
    const buffer = new Uint8Array(10).fill(1)
    reassembler.add(1, 0, buffer, 0, 10, true)
    buffer.fill(2)
    const whole = reassembler.add(1, 0, buffer, 0, 10, false)
    const body = Uint8Array.from([...Array(10).fill(1), ...Array(10).fill(2)])
    expect(whole).toEqual({ flags: 0, body, isLendable: false })
  })

  it('P34: says once that a message is too large, and takes the rest of it', () => {
    const reassembler = new Reassembler({ maxMessageBytes: 1_000, maxReassemblyBytes: 2 ** 30 })
    const told: (TooLarge | 'whole' | undefined)[] = []
    const part = (bytes: number, more: boolean) => {
      const result = reassembler.add(1, 0, new Uint8Array(bytes), 0, bytes, more)
      told.push(typeof result === 'object' ? 'whole' : result)
    }
    part(1_000 + HEAD_BYTES, true)
    part(1, true)
    part(1, true)
    part(1, false)
    part(5, false)
    expect(told).toEqual([undefined, 'maxMessageBytes', undefined, undefined, 'whole'])
  })

  it('P34: lets a message have the last free byte, and not one more', () => {
    for (const [extra, result] of [
      [0, undefined],
      [1, 'maxReassemblyBytes'],
    ] as const) {
      const reassembler = new Reassembler({ maxMessageBytes: 10_000, maxReassemblyBytes: 10_000 })
      reassembler.add(1, 0, new Uint8Array(6_000), 0, 6_000, true)
      reassembler.add(2, 0, new Uint8Array(3_000), 0, 3_000, true)
      expect(reassembler.add(2, 0, new Uint8Array(2_000), 0, 1_000 + extra, true)).toBe(result)
      expect(reassembler.heldBytes).toBe(extra === 0 ? 10_000 : 6_000)
    }
  })
})

const roomy = { maxMessageBytes: 1_000_000, maxReassemblyBytes: 4_000_000 }

/** Fragments of a message whose value begins behind `head` bytes. */
function* fragmentsOf(body: Uint8Array, head: number, bytes: number): Generator<Parameters<Reassembler['add']>> {
  const message = joined([new Uint8Array(head).fill(9), body])
  for (let start = 0; start < message.length; start += bytes) {
    const end = Math.min(message.length, start + bytes)
    const announced = start === 0 ? announcedBytes(message, 0, head, end) : 0
    yield [1, 0, message, start, end, end < message.length, false, announced]
  }
}

function assemble(reassembler: Reassembler, body: Uint8Array, head = 0, bytes = 16_384): Assembled {
  let whole: ReturnType<Reassembler['add']>
  for (const fragment of fragmentsOf(body, head, bytes)) whole = reassembler.add(...fragment)
  if (typeof whole !== 'object') throw new Error(`not whole: ${whole}`)
  return whole
}

describe('a message that announces its length', () => {
  const gate = gateOf(Bytes())
  const limits = { maxDepth: 8, maxNodes: 100 }
  const encoded = (value: Uint8Array) => joinBody(encodeBody(gate, value, limits))
  const ask = (length: number, fill: number) => encoded(new Uint8Array(length).fill(fill))

  it('is put together in memory of just that length, which its bytes are handed out of', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20_000, max: 700_000 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 1_024, max: 16_384 }),
        (length, head, fragment) => {
          const reassembler = new Reassembler(roomy)
          const whole = assemble(reassembler, ask(length, 7), head, fragment)
          const value = decodeBody(gate, whole.body, head, whole.body.length, limits) as Uint8Array // a gate of bytes
          expect(whole.isLendable).toBe(true)
          expect(Buffer.compare(value, new Uint8Array(length).fill(7))).toBe(0)
          expect(value.buffer).toBe(whole.body.buffer)
          expect(whole.body.buffer.byteLength).toBe(whole.body.length)
        },
      ),
      runs(100),
    )
  })

  it('has its memory used again where nobody has taken its bytes, and never where somebody has', () => {
    const reassembler = new Reassembler(roomy)
    const taken: Uint8Array[] = []
    for (let index = 0; index < 40; index++) {
      const whole = assemble(reassembler, ask(100_000, index))
      if (index % 3 > 0) taken.push(decodeBody(gate, whole.body, 0, whole.body.length, limits) as Uint8Array) // a gate of bytes
      reassembler.release(whole)
    }
    const fills = taken.map((bytes) => new Set(bytes))
    expect(fills.every(({ size }) => size === 1)).toBe(true)
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(taken.length)
  })

  it('hands its memory out once, however often it is read', () => {
    const whole = assemble(new Reassembler(roomy), ask(100_000, 1))
    const [first, second] = [1, 2].map(() => decodeBody(gate, whole.body, 0, whole.body.length, limits) as Uint8Array)
    first?.fill(2)
    expect(second?.buffer).not.toBe(first?.buffer)
  })

  it('keeps bytes within another value apart', () => {
    const parts = gateOf(Type.Object({ one: Bytes(), other: Bytes() }))
    const value = { one: new Uint8Array(90_000).fill(1), other: new Uint8Array(10_000).fill(2) }
    const whole = assemble(new Reassembler(roomy), joinBody(encodeBody(parts, value, limits)))
    const { one, other } = decodeBody(parts, whole.body, 0, whole.body.length, limits) as typeof value // what its gate says
    expect([one.buffer, other.buffer].includes(whole.body.buffer as ArrayBuffer)).toBe(false)
    expect([Buffer.compare(one, value.one), Buffer.compare(other, value.other)]).toEqual([0, 0])
  })

  it('P33: is believed when a sixteenth of it has come, within the limits', () => {
    const reassembler = new Reassembler({ maxMessageBytes: 1_000_000, maxReassemblyBytes: 1_200_000 })
    const [first] = fragmentsOf(ask(900_000, 1), 0, 30_000)
    if (first) reassembler.add(...first)
    expect(reassembler.heldBytes).toBe(30_000)
    reassembler.add(1, 0, new Uint8Array(30_000), 0, 30_000, true)
    expect(reassembler.heldBytes).toBe(900_005)
    const [other] = fragmentsOf(ask(900_000, 1), 0, 100_000)
    if (other) reassembler.add(2, ...(other.slice(1) as [number, Uint8Array, number, number, boolean, boolean, number])) // behind its id
    expect(reassembler.heldBytes).toBe(1_000_005) // no longer believed: there is no room for it
  })

  it('may be shorter or longer than it says', () => {
    for (const length of [40_000, 90_000]) {
      const reassembler = new Reassembler(roomy)
      const body = ask(60_000, 1)
      const sent = joined([body, new Uint8Array(90_000)]).subarray(0, length)
      expect(Buffer.compare(assemble(reassembler, sent).body, sent)).toBe(0)
    }
  })
})
