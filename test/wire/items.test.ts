/** Values back to back, as the items of a stream lie in a DATA frame (spec/streams.md, F3): each as if it were alone. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { type Gate, gateOf, Misfit } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { decodeBody, decodeItem, encodeBody, itemEnd, joinBody, pack, StrictError } from '../../src/wire/index.ts'
import { Chance } from '../contract/compat-schemas.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { mutated } from './compiled/mutations.ts'
import { sampleOf } from './compiled/schemas.ts'

type Bounds = Pick<typeof defaultLimits, 'maxDepth' | 'maxNodes'>

/** So few levels that no compiled decoder takes them on, and enough for every value here. */
const byReference: Bounds = { maxDepth: 8, maxNodes: defaultLimits.maxNodes }
const paths = [
  ['the compiled path', defaultLimits],
  ['the reference path', byReference],
] as const

function gateIfAny(schema: TSchema): Gate | undefined {
  try {
    return gateOf(schema)
  } catch {
    return undefined // what cannot travel
  }
}

/** Some values of a schema by chance, each as bytes; none where the schema has no values that can travel. */
function someItems(chance: Chance): { gate: Gate; items: Uint8Array[] } | undefined {
  const sample = sampleOf(chance, 1 + chance.below(3))
  const gate = gateIfAny(sample.schema)
  if (!gate) return undefined
  const items: Uint8Array[] = []
  for (let tries = 0; tries < 8; tries++) {
    try {
      items.push(joinBody(encodeBody(gate, sample.next(), defaultLimits)).slice())
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
    }
  }
  return { gate, items }
}

/** What comes of the item at `start`, and where it ends. */
function outcomeOf(act: () => unknown): unknown {
  try {
    return { value: act(), end: itemEnd() }
  } catch (error) {
    if (error instanceof Misfit) return { misfit: error.describe(), end: itemEnd() }
    if (error instanceof StrictError) return { rule: error.rule, message: error.message }
    throw error
  }
}

/** The bytes between some that are none of them. */
function between(bytes: Uint8Array, after: readonly number[]): Uint8Array {
  return Uint8Array.from([0xc1, 0xc1, 0xc1, ...bytes, ...after])
}

const seeds = fc.nat(2 ** 31 - 1)

describe('values that lie back to back', () => {
  it.each(paths)('are decoded each as alone, and end where they do, by %s', { timeout: PATIENCE_MS }, (_, limits) => {
    let decoded = 0
    fc.assert(
      fc.property(seeds, (seed) => {
        const some = someItems(new Chance(seed))
        if (!some) return
        const { gate, items } = some
        const alone = items.map((item) => decodeBody(gate, item, 0, item.length, limits))
        const bytes = between(Buffer.concat(items), [0xc1, 0xc1])
        const end = bytes.length - 2
        let at = 3
        for (const [index, item] of items.entries()) {
          const value = decodeItem(gate, bytes, at, end, limits)
          if (!isDeepStrictEqual(value, alone[index])) expect(value).toEqual(alone[index])
          at += item.length
          if (itemEnd() !== at) expect(itemEnd()).toBe(at)
          decoded++
        }
        expect(at).toBe(end)
      }),
      runs(150),
    )
    expect(decoded).toBeGreaterThan(100)
  })

  it.each(paths)(
    'are never read beyond their end, whatever the bytes, by %s',
    { timeout: PATIENCE_MS },
    (_, limits) => {
      fc.assert(
        fc.property(seeds, (seed) => {
          const chance = new Chance(seed)
          const some = someItems(chance)
          if (!some) return
          const { gate, items } = some
          for (const item of items) {
            if (item.length > 5_000) continue // they take their time
            const cut = item.subarray(0, chance.below(item.length + 1))
            for (const bytes of [mutated(item, chance), cut]) {
              const end = 3 + bytes.length
              const tails = [[], new Array(12).fill(0), new Array(12).fill(0xc1), [...item, ...item]]
              const [first, ...others] = tails.map((tail) => {
                const buffer = between(bytes, tail)
                return outcomeOf(() => decodeItem(gate, buffer, 3, end, limits))
              })
              for (const other of others) if (!isDeepStrictEqual(other, first)) expect(other).toEqual(first)
              const { end: itsEnd } = first as { end?: number } // of an outcome with a value, or a misfit
              if (itsEnd !== undefined) expect(itsEnd).toBeLessThanOrEqual(end)
            }
          }
        }),
        runs(100),
      )
    },
  )

  it.each(paths)('that do not fit say so, and where the next one begins, by %s', (_, limits) => {
    const gate = gateOf(Type.Object({ id: Type.Integer({ minimum: 1 }) }))
    const items = [{ id: 1 }, { id: 0 }, { id: 2 }].map((value) => pack(value).slice())
    const bytes = Uint8Array.from(Buffer.concat(items))
    expect(decodeItem(gate, bytes, 0, bytes.length, limits)).toEqual({ id: 1 })
    expect(() => decodeItem(gate, bytes, itemEnd(), bytes.length, limits)).toThrow(Misfit)
    expect(decodeItem(gate, bytes, itemEnd(), bytes.length, limits)).toEqual({ id: 2 })
    expect(itemEnd()).toBe(bytes.length)
  })

  it.each(paths)('have the limits each by itself, by %s', (_, { maxDepth }) => {
    const gate = gateOf(Type.Array(Type.Integer()))
    const limits = { maxDepth, maxNodes: 4 }
    const [short, long] = [
      [1, 2, 3],
      [1, 2, 3, 4],
    ].map((value) => pack(value).slice()) as [Uint8Array, Uint8Array] // as many as are given
    const bytes = Uint8Array.from(Buffer.concat([short, short, short, long]))
    for (let at = 0; at < 12; at = itemEnd())
      expect(decodeItem(gate, bytes, at, bytes.length, limits)).toEqual([1, 2, 3])
    expect(() => decodeItem(gate, bytes, itemEnd(), bytes.length, limits)).toThrow(/byte 0: .*maxNodes/)
  })

  it('may be decoded by a check of one of them meanwhile', () => {
    const inner = pack('inner').slice()
    const Checked = Type.Refine(Type.String({ 'x-name': 'meanwhile' }), (text) => {
      return text === 'inner' || decodeItem(gate, inner, 0, inner.length, defaultLimits) === 'inner'
    })
    const gate = gateOf(Checked)
    const bytes = Uint8Array.from(Buffer.concat([pack('one'), pack('another')].map((item) => item.slice())))
    for (const [, limits] of paths) {
      expect(decodeItem(gate, bytes, 0, bytes.length, limits)).toBe('one')
      expect(decodeItem(gate, bytes, itemEnd(), bytes.length, limits)).toBe('another')
      expect(itemEnd()).toBe(bytes.length)
    }
  })
})
