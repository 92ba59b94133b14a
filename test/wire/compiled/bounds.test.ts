/** What the compiled path is asked for, and what it leaves because of a limit, or of whose schema it is (spec/codecs.md, spec/limits.md). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, describeContract, type Gate, gateOf, learnContract, unary } from '../../../src/contract/index.ts'
import { CompiledCodec } from '../../../src/wire/compiled/index.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const nestedOnce = Type.Array(Type.Integer())

it('a gate has one codec, and what a peer has told of its schemas has none', () => {
  const told = contract('told', { ask: unary(Type.Object({ a: Type.Integer() }), Type.Null()) })
  const learned = learnContract(describeContract(told)).methods['ask']?.request as Gate // it was told
  expect(compiledOf(learned).isCovered).toBe(false)
  expect(compiledOf(told.methods.ask.request).isCovered).toBe(isOn)
  expect(compiledOf(learned)).toBe(compiledOf(learned))
})

describe.runIf(isOn)('limits', () => {
  const codecOf = (schema: TSchema) => new CompiledCodec(gateOf(schema).shape)
  const room = new Uint8Array(100)

  it('of depth have room for what the schema has, and for eight more of what it does not know', () => {
    const [codec, value, bytes] = [codecOf(nestedOnce), [5], Uint8Array.of(0xc1, 0x91, 5, 0xc1)]
    const at = (maxDepth: number) => {
      const limits = { maxDepth, maxNodes: 100 }
      return [
        codec.encode(value, room, 3, limits),
        codec.decode(bytes, 1, 3, limits),
        codec.decodeFirst(bytes, 1, 3, limits),
        codec.pass(value, limits),
      ]
    }
    expect(at(8)).toEqual([-1, UNDECIDED, UNDECIDED, UNDECIDED])
    expect(at(9)).toEqual([5, [5], [5], [5]])
    expect(codecOf(Type.Unknown()).encode(5, room, 0, { maxDepth: 1e9, maxNodes: 9 })).toBe(-1)
  })

  it('of nodes are left to the reference where there may be more', () => {
    const [codec, value] = [codecOf(nestedOnce), [1, 2, 3]]
    const bytes = Uint8Array.of(0xc1, 0x93, 1, 2, 3, 0xc1)
    const at = (maxNodes: number) => {
      const limits = { maxDepth: 64, maxNodes }
      return [
        codec.encode(value, room, 3, limits),
        codec.decode(bytes, 1, 5, limits),
        codec.decodeFirst(bytes, 1, 6, limits),
        codec.pass(value, limits),
      ]
    }
    expect(at(3)).toEqual([-1, UNDECIDED, UNDECIDED, UNDECIDED])
    expect(at(4)).toEqual([7, value, value, value])
  })

  it('of nodes count nodes, and not bytes, in what has come', () => {
    const text = Uint8Array.of(0xa3, 0x61, 0x62, 0x63)
    const codec = codecOf(Type.String())
    const limits = { maxDepth: 64, maxNodes: 1 }
    expect(codec.decode(text, 0, 4, limits)).toBe('abc')
    expect(codec.decode(Uint8Array.of(0xa3, 0x61, 0x62, 0xff), 0, 4, limits)).toBe(UNDECIDED)
    expect(() => codec.decode(text, 0, 9, limits)).toThrow(RangeError) // a fault of whoever asks
  })
})

it.runIf(isOn)('what is named, with a keyword beside its name, is decided as well', () => {
  const codec = compiledOf(gateOf(Type.Unsafe({ $defs: { N: { type: 'number' } }, $ref: '#/$defs/N', minimum: 5 })))
  const limits = { maxDepth: 64, maxNodes: 9 }
  const all = (value: number) => [
    codec.encode(value, new Uint8Array(9), 0, limits),
    codec.decode(Uint8Array.of(value), 0, 1, limits),
    codec.pass(value, limits),
  ]
  expect([codec.isCovered, all(5), all(4)]).toEqual([true, [1, 5, 5], [-1, UNDECIDED, UNDECIDED]])
})
