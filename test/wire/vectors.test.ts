/**
 * The vectors of spec/vectors against the wire: each stream of bytes whole, byte by byte and at every split, and each
 * value in both directions. Another implementation runs the same files.
 */
import Type, { type TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { encodeFrame, type Frame } from '../../src/codec.ts'
import { Bytes, gateOf, Misfit, Timestamp, tagOf } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits.ts'
import {
  codec,
  decodeItem,
  FrameDecoder,
  flags,
  itemEnd,
  itemsStart,
  type Kind,
  type KindName,
  kinds,
  metadataEnd,
  ProtocolError,
  pack,
  Reassembler,
  readCredentials,
  readEnd,
  readError,
  readGap,
  readHello,
  readIncrement,
  readMetadata,
  readPriority,
  readRequestHead,
  StrictError,
  uint32At,
  unpack,
} from '../../src/wire/index.ts'
import { bytesOf, type Hex, hexOf, untag, vectorsOf } from '../spec/vectors.ts'

interface FrameForm {
  readonly kind: KindName
  readonly flags: number
  readonly id: number
  readonly body: string
}

interface FrameVector {
  readonly name: string
  readonly hex: Hex
  readonly frames?: readonly FrameForm[]
  /** The rule that is broken after `frames`. */
  readonly error?: string
  readonly skipped?: number
  readonly unfinished?: boolean
  readonly expectsHello?: boolean
  readonly maxFrameBytes?: number
  readonly maxHelloBytes?: number
}

const nameOf = (kind: Kind) => Object.entries(kinds).find(([, number]) => number === kind)?.[0] as KindName // every kind has one

const formOf = ({ kind, flags: bits, id, body }: Frame): FrameForm => ({
  kind: nameOf(kind),
  flags: bits,
  id,
  body: hexOf(body),
})

const frameOf = ({ kind, flags: bits, id, body }: FrameForm): Frame => ({
  kind: kinds[kind],
  flags: bits,
  id,
  body: bytesOf(body),
})

/** What a decoder makes of chunks. */
function decode(vector: FrameVector, chunks: readonly Uint8Array[]) {
  const { maxFrameBytes = 65_536, maxHelloBytes = 65_536, expectsHello } = vector
  const decoder = new FrameDecoder({ maxFrameBytes, maxHelloBytes }, { expectsHello })
  const frames: FrameForm[] = []
  let error: string | undefined
  try {
    for (const chunk of chunks) for (const frame of decoder.frames(chunk)) frames.push(formOf(frame))
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown
    error = thrown.rule
  }
  return { frames, error, skipped: decoder.skipped }
}

/** The bytes whole, byte by byte, and in two at each place. */
function* cuts(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes]
  yield Array.from(bytes, (byte) => Uint8Array.of(byte))
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)]
}

const frameVectors = vectorsOf<FrameVector>('frames.json')

describe('frames.json', () => {
  test.each(frameVectors)('$name', (vector) => {
    const bytes = bytesOf(vector.hex)
    const expected = { frames: vector.frames ?? [], error: vector.error, skipped: vector.skipped ?? 0 }
    for (const chunks of cuts(bytes)) expect(decode(vector, chunks)).toEqual(expected)
  })

  const whole = frameVectors.filter(({ error, skipped, unfinished }) => !error && !skipped && !unfinished)
  test.each(whole)('encoded again: $name', ({ hex, frames = [] }) => {
    expect(frames.map((form) => hexOf(encodeFrame(frameOf(form)))).join('')).toBe(hexOf(bytesOf(hex)))
  })

  test('has every kind', () => {
    const seen = new Set(frameVectors.flatMap(({ frames = [] }) => frames.map(({ kind }) => kind)))
    expect([...seen].sort()).toEqual(Object.keys(kinds).sort())
  })
})

interface BodyVector {
  readonly name: string
  readonly hex: Hex
  readonly says?: unknown
  readonly error?: string
}

const anything = gateOf(Type.Unknown())

/** What a frame's body says, as its readers see it. */
function read({ kind, flags: bits, body }: Frame): unknown {
  const end = body.length
  const valueFrom = (start: number) => unpack(body, start, end, defaultLimits)
  switch (kind) {
    case kinds.HELLO: {
      const { major, contracts, ...rest } = readHello(body, 0, end)
      return { version: major, ...rest, ...(contracts ? { contracts: Object.fromEntries(contracts) } : {}) }
    }
    case kinds.REQUEST: {
      const head = readRequestHead(bits, body, 0, end)
      const { tag, timeoutMs, oneWay, hashStart, metadataStart, bodyStart } = head
      const metadata = readMetadata(body, metadataStart, bodyStart, defaultLimits.maxMetadataBytes)
      const judged = head.judged ? { judged: true } : {}
      const hash = hashStart < 0 ? {} : { hash: body.slice(hashStart, hashStart + 16) }
      const [input, output] = [(bits & flags.INPUT) !== 0, (bits & flags.OUTPUT) !== 0]
      const streams = { ...(input ? { input } : {}), ...(output ? { output } : {}) }
      const request = input ? {} : { body: valueFrom(bodyStart) }
      return { tag, timeoutMs, oneWay, ...streams, ...judged, ...hash, metadata, ...request }
    }
    case kinds.RESPONSE: {
      const bodyStart = (bits & flags.METADATA) === 0 ? 0 : metadataEnd(body, 0, end)
      return {
        metadata: readMetadata(body, 0, bodyStart, defaultLimits.maxMetadataBytes),
        body: valueFrom(bodyStart),
      }
    }
    case kinds.DATA: {
      const start = itemsStart(bits, 0, end)
      const items: unknown[] = []
      for (let at = start; at < end; at = itemEnd()) items.push(decodeItem(anything, body, at, end, defaultLimits))
      return { ...(start > 0 ? { leftOut: readGap(bits, body, start) } : {}), items }
    }
    case kinds.END:
      return { metadata: readEnd(bits, body, 0, end, defaultLimits.maxMetadataBytes) }
    case kinds.CREDIT:
      return { increment: readIncrement(body, 0) }
    case kinds.PRIORITY:
      return { priority: readPriority(body, 0) }
    case kinds.AUTH:
      return { credentials: readCredentials(body, 0, end) }
    case kinds.ERROR:
      return readError(body, 0, end, defaultLimits)
    case kinds.GOAWAY:
      return {
        final: (bits & flags.FINAL) !== 0,
        lastId: uint32At(body, 0),
        text: new TextDecoder().decode(body.subarray(4)),
      }
    default:
      throw new Error(`nothing reads a ${nameOf(kind)}`)
  }
}

describe('bodies.json', () => {
  test.each(vectorsOf<BodyVector>('bodies.json'))('$name', ({ hex, says, error }) => {
    const [frame, ...more] = new FrameDecoder().frames(bytesOf(hex))
    expect(more).toEqual([])
    if (!frame) throw new Error('the vector is no whole frame')
    if (error === undefined) expect(read(frame)).toEqual(untag(says))
    else expect(() => read(frame)).toThrow(expect.objectContaining({ name: 'ProtocolError', rule: error }))
  })
})

interface FragmentVector {
  readonly name: string
  readonly hex: Hex
  readonly messages: readonly FrameForm[]
  readonly unfinished?: number
}

/** The messages that are whole, in the order in which they become so. */
function assemble(chunks: readonly Uint8Array[]) {
  const decoder = new FrameDecoder()
  const reassembler = new Reassembler(defaultLimits)
  const messages: FrameForm[] = []
  for (const frame of chunks.flatMap((chunk) => [...decoder.frames(chunk)])) {
    const { kind, flags: bits, id, body } = frame
    const isMessage = kind === kinds.REQUEST || kind === kinds.RESPONSE || kind === kinds.DATA
    const more = isMessage && (bits & flags.MORE) !== 0
    if (!more && !reassembler.has(id)) {
      messages.push(formOf(frame))
      continue
    }
    const message = reassembler.add(id, bits, body, 0, body.length, more)
    if (typeof message === 'string') throw new Error(message)
    if (message) messages.push(formOf({ kind, flags: message.flags, id, body: message.body }))
  }
  return { messages, unfinished: reassembler.size }
}

describe('fragments.json', () => {
  test.each(vectorsOf<FragmentVector>('fragments.json'))('$name', ({ hex, messages, unfinished = 0 }) => {
    for (const chunks of cuts(bytesOf(hex))) expect(assemble(chunks)).toEqual({ messages, unfinished })
  })
})

interface MessagePackVector {
  readonly name: string
  readonly hex: Hex
  readonly value?: unknown
  readonly error?: string
  readonly offset?: number
  /** What Nanowire writes. */
  readonly shortest?: boolean
  readonly maxDepth?: number
  readonly maxNodes?: number
}

describe('msgpack.json', () => {
  test.each(vectorsOf<MessagePackVector>('msgpack.json'))('$name', (vector) => {
    const { hex, value, error, offset, shortest, maxDepth = 64, maxNodes = 524_288 } = vector
    const bytes = bytesOf(hex)
    const readBytes = () => unpack(bytes, 0, bytes.length, { maxDepth, maxNodes })
    if (error === undefined) expect(readBytes()).toStrictEqual(untag(value))
    else expect(readBytes).toThrow(expect.objectContaining({ name: StrictError.name, rule: error, offset }))
    if (shortest) expect(hexOf(packed(untag(value)))).toBe(hexOf(bytes))
  })
})

/** Written as a gate hands values to the packer: -0 in its own form. */
function packed(value: unknown): Uint8Array {
  return pack(gateOf(Type.Unknown()).toWire(value))
}

test.each(vectorsOf<{ name: string; method: string; tag: number; hex: string }>('tags.json'))('$name', (vector) => {
  expect(tagOf(vector.method)).toBe(vector.tag)
  expect(vector.tag.toString(16).padStart(8, '0')).toBe(vector.hex)
})

/** A value both ways, bytes one way, or what is refused. */
interface TypeCase {
  readonly value?: unknown
  readonly hex?: Hex
  /** Where it is another value that arrives. */
  readonly arrives?: unknown
  readonly reads?: unknown
  readonly misfit?: unknown
  readonly misfits?: string
  readonly pointer?: string
}

interface TypeVector {
  readonly name: string
  readonly schema: unknown
  readonly cases: readonly TypeCase[]
}

/** The schema with the checks that JSON cannot say. */
function revive(form: unknown): unknown {
  if (typeof form !== 'object' || form === null) return form
  if (Array.isArray(form)) return form.map(revive)
  const { 'x-nanowire': mark, 'x-name': name, ...rest } = form as Record<string, unknown> // an object of JSON
  if (mark === 'bytes') return Bytes(rest)
  if (mark === 'timestamp') return Timestamp(rest)
  if (name === 'even') return Type.Refine(Type.Integer({ 'x-name': name }), (value) => value % 2 === 0)
  if ('$bigint' in form) return untag(form)
  return Object.fromEntries(Object.entries(form).map(([key, inner]) => [key, revive(inner)]))
}

/** Where a value does not fit. */
function misfitOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof Misfit) return error.pointer
    throw error
  }
  throw new Error('it fits')
}

function expectCase(schema: TSchema, one: TypeCase): void {
  const { encode, decode: fromBytes } = codec(schema)
  const gate = gateOf(schema)
  const { pointer = '' } = one
  if ('misfit' in one) {
    const value = untag(one.misfit)
    expect(misfitOf(() => gate.toWire(value))).toBe(pointer)
    expect(misfitOf(() => gate.inMemory(value))).toBe(pointer)
    expect(() => encode(value as never)).toThrow(NanowireError) // the schema is not known to the compiler
    return
  }
  const bytes = bytesOf(one.hex ?? '')
  if ('reads' in one) {
    expect(fromBytes(bytes)).toStrictEqual(untag(one.reads))
  } else if ('misfits' in one) {
    expect(misfitOf(() => gate.fromWire(unpack(bytes, 0, bytes.length, defaultLimits)))).toBe(one.misfits)
    expect(() => fromBytes(bytes)).toThrow(expect.objectContaining({ code: 'invalid_argument', processed: 'no' }))
  } else {
    const value = untag(one.value)
    const arrives = 'arrives' in one ? untag(one.arrives) : value
    expect(hexOf(encode(value as never))).toBe(hexOf(bytes)) // likewise
    expect(fromBytes(bytes)).toStrictEqual(arrives)
    expect(gate.inMemory(value)).toEqual(arrives) // an undefined property may stay in memory
  }
}

const typeVectors = vectorsOf<TypeVector>('types.json')

describe('types.json', () => {
  test.each(typeVectors)('$name', ({ schema, cases }) => {
    const revived = revive(schema) as TSchema // one of our own
    for (const one of cases) expectCase(revived, one)
  })
})
