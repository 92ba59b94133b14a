/** Codecs alone, in ns for a message. Its commands: `codecs`, and `round`, which runs each of them once. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Decoder, Encoder } from '@msgpack/msgpack'
import avro from 'avsc'
import { Encoder as CborEncoder } from 'cbor-x'
import { Packr } from 'msgpackr'
import { codec } from 'nanowire/codec'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Commands } from '../../support/answer.ts'
import type { CodecInfo, CodecRound } from '../parts/codecs.ts'
import { schemas } from '../schemas.ts'
import { avroSchemas } from '../shared/avro.ts'
import { messageOf } from '../shared/proto.ts'
import { type Order, orderOf, requestOf, type SmallRequest } from '../work.ts'

type Message = SmallRequest | Order

interface Codec {
  readonly name: string
  readonly checks: string
  readonly encode: (value: Message) => Uint8Array
  /** What is timed instead: into a buffer that is there, of which it returns how much. */
  readonly encodeInto?: (value: Message) => number
  readonly decode: (bytes: Uint8Array) => unknown
}

function codecsOf(work: 'small' | 'record'): Codec[] {
  const schema = work === 'small' ? schemas.request : schemas.order
  const nanowire = codec(schema)
  const packr = new Packr({ useRecords: false })
  const check = Compile(schema)
  const checked = (value: unknown) => {
    if (!check.Check(value)) throw new TypeError('not what the schema says')
    return value
  }
  const encoder = new Encoder()
  const decoder = new Decoder()
  const cbor = new CborEncoder({ useRecords: false })
  const message = messageOf(work === 'small' ? 'SmallRequest' : 'Order')
  const avroType = avro.Type.forSchema(avroSchemas[work] as avro.Schema) // Avro's own form
  const pack = (value: Message) => packr.pack(value)
  const room = Buffer.allocUnsafeSlow(65_536)
  return [
    {
      name: 'nanowire/codec',
      checks: 'all',
      encode: (value) => nanowire.encode(value as never), // the schema is this message's
      decode: (bytes) => nanowire.decode(bytes),
    },
    {
      name: 'nanowire/codec, into a buffer',
      checks: 'all',
      encode: (value) => nanowire.encode(value as never), // likewise
      encodeInto: (value) => nanowire.encodeInto(value as never, room), // likewise
      decode: (bytes) => nanowire.decode(bytes),
    },
    { name: 'msgpackr', checks: 'nothing', encode: pack, decode: (bytes) => packr.unpack(bytes) },
    {
      name: 'msgpackr and TypeBox, compiled',
      checks: 'all',
      encode: (value) => packr.pack(checked(value)),
      decode: (bytes) => checked(packr.unpack(bytes)),
    },
    {
      name: '@msgpack/msgpack',
      checks: 'nothing',
      encode: (value) => encoder.encode(value),
      decode: (bytes) => decoder.decode(bytes),
    },
    {
      name: 'JSON',
      checks: 'nothing',
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => JSON.parse((bytes as Buffer).toString()), // what it encoded
    },
    {
      name: 'protobuf-es, from and to plain objects',
      checks: 'types',
      encode: (value) => toBinary(message, create(message, { ...value })),
      decode: (bytes) => fromBinary(message, bytes),
    },
    {
      name: 'avsc',
      checks: 'types',
      encode: (value) => avroType.toBuffer(value),
      decode: (bytes) => avroType.fromBuffer(bytes as Buffer), // what it encoded
    },
    {
      name: 'cbor-x',
      checks: 'nothing',
      encode: (value) => cbor.encode(value),
      decode: (bytes) => cbor.decode(bytes as Buffer),
    }, // likewise
  ]
}

/** The record as peers send it whose schemas differ from that which reads it, by how they differ; the first does not. */
function differing(): readonly {
  readonly name: string
  readonly decode: (bytes: Uint8Array) => unknown
  readonly sent: (order: Order) => object
}[] {
  const { decode } = codec(schemas.order)
  const { order } = schemas
  const optional = { note: Type.Optional(Type.String()), priority: Type.Optional(Type.Integer()) }
  const same = (value: Order) => value
  return [
    { name: 'the same schema', decode, sent: same },
    { name: 'two properties more', decode, sent: (value) => ({ ...value, note: 'by the back door', priority: 3 }) },
    {
      name: 'two optional properties fewer',
      decode: codec(Type.Object({ ...order.properties, ...optional })).decode,
      sent: same,
    },
    { name: 'every object in another order', decode, sent: (value) => reversed(value) as object }, // it was one
  ]
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  )
}

/** Values of which no two neighbours are alike. */
const POOL = 64
/** So that no result can be left away. */
let sink = 0

/** The ns of one call, of about `seconds` of them. */
function time(seconds: number, run: (index: number) => void): number {
  const runMany = (times: number) => {
    const before = performance.now()
    for (let index = 0; index < times; index++) run(index % POOL)
    return performance.now() - before
  }
  const few = 2_000
  const times = Math.ceil((1_000 * seconds) / (Math.max(runMany(few), 0.01) / few))
  return (1e6 * runMany(times)) / times
}

export async function start(work: string): Promise<Commands> {
  const codecs = codecsOf(work === 'small' ? 'small' : 'record')
  const values: Message[] = Array.from({ length: POOL }, (_, id) => (work === 'small' ? requestOf(id) : orderOf(id)))
  const peers = work === 'small' ? [] : differing()
  const packr = new Packr({ useRecords: false })
  const sent = peers.map((peer) => values.map((value) => Buffer.from(packr.pack(peer.sent(value as Order))))) // of a record
  const encoded = codecs.map(({ encode }) => values.map((value) => Buffer.from(encode(value))))
  return {
    codecs: (): CodecInfo[] =>
      codecs.map(({ name, checks }, index) => ({ name, checks, bytes: encoded[index]?.[1]?.length ?? 0 })),
    round: (seconds: number): CodecRound[] => {
      const share = seconds / 4 // long enough to be steady, short enough for 16 of them
      return codecs.map(({ encode, encodeInto, decode }, index) => {
        const inputs = encoded[index] ?? []
        const lengthOf = encodeInto ?? ((value: Message) => encode(value).length)
        const encodeNs = time(share, (at) => {
          sink += lengthOf(values[at] as Message) // one of the pool
        })
        const decodeNs = time(share, (at) => {
          sink += (decode(inputs[at] as Buffer) as Message).id // likewise
        })
        return { encodeNs, decodeNs }
      })
    },
    peers: (): readonly string[] => peers.map(({ name }) => name),
    /** The ns to decode what each of the peers sends. */
    peersRound: (seconds: number): readonly number[] =>
      peers.map(({ decode }, index) =>
        time(seconds / 4, (at) => {
          sink += (decode(sent[index]?.[at] as Buffer) as Order).id // one of the pool
        }),
      ),
    sink: () => sink,
  }
}
