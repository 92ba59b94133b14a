/** Bodies that are bombs: containers in containers, counts that lie, foreign extensions, names of JavaScript's own. */
import { defaultLimits } from '../../../src/limits.ts'
import { pack } from '../../../src/wire/index.ts'
import { UNDECLARED } from '../world/poison.ts'
import {
  type Attack,
  again,
  behind,
  eachOf,
  flags,
  frame,
  hello,
  helloWith,
  inFragments,
  join,
  kinds,
  lazily,
  methods,
  open,
  request,
  withMetadata,
} from './attack.ts'

/** What every object of JavaScript has, and what readers of MessagePack have stumbled over. */
export const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'prototype',
  'then',
  '__defineGetter__',
]
/** Refused as a key of any map; all others are names like any. */
const FORBIDDEN = ['__proto__']
const ALLOWED = NAMES.filter((name) => !FORBIDDEN.includes(name))

const uint32 = (first: number, count: number) => Uint8Array.of(first, count >>> 24, count >>> 16, count >>> 8, count)
const FOUR_BILLION = 0xffff_ffff
const textOf = (...bytes: readonly number[]) => Uint8Array.of(0x81, 0xa4, 0x74, 0x65, 0x78, 0x74, ...bytes)
const nested = (depth: number, byte = 0x91) => new Uint8Array(depth).fill(byte)
const key = (name: string) => pack(name)
const mapOf = (name: string, value: Uint8Array) => join(Uint8Array.of(0x81), key(name), value)

/** One extension of each length that there is, of a type. */
function extensions(type: number): readonly Uint8Array[] {
  const fixed = [0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((first, power) =>
    join(Uint8Array.of(first, type), new Uint8Array(2 ** power)),
  )
  return [
    ...fixed,
    Uint8Array.of(0xc7, 1, type, 0),
    Uint8Array.of(0xc8, 0, 1, type, 0),
    Uint8Array.of(0xc9, 0, 0, 0, 1, type, 0),
  ]
}
const TYPES = Array.from({ length: 256 }, (_, type) => type)
/** Type -1 is MessagePack's own timestamp: it may be read, and is no text. */
const ALL_EXTENSIONS = TYPES.flatMap((type) => extensions(type))

/** Small, and large as values. */
const bombs: readonly Uint8Array[] = [
  uint32(0xdd, FOUR_BILLION),
  uint32(0xdf, FOUR_BILLION),
  uint32(0xdb, FOUR_BILLION),
  uint32(0xc6, FOUR_BILLION),
  uint32(0xc9, FOUR_BILLION),
  join(nested(60, 0x9f), nested(60_000, 0x90)),
  join(Uint8Array.of(0xdc, 0xff, 0xff), nested(65_535, 0x80).subarray(0, 60_000)),
  nested(60_000),
  join(nested(60_000, 0x81)),
  join(...Array.from({ length: 10_000 }, () => mapOf('a', new Uint8Array(0)))),
]

/** A map with so many keys that nobody has declared. */
const keys = (count: number) =>
  Buffer.concat([uint32(0xdf, count), ...Array.from({ length: count }, (_, n) => join(key(`k${n}`), Uint8Array.of(0)))])

const refused = (count: number) => ({ invalid_argument: count })

/** The first part of a message, and for how many of them a connection has room; their heads have eight bytes. */
const unfinished = new Uint8Array(60_000)
const ROOM_FOR_UNFINISHED = Math.floor(defaultLimits.maxReassemblyBytes / (unfinished.length + 8))

const asked = (count: number, bodyOf: (id: number) => Uint8Array) =>
  behind(
    hello(),
    eachOf(count, (id) => request(id, methods.echo, null, { bytes: bodyOf(id - 1) })),
  )

export const bodies: readonly Attack[] = [
  {
    title: 'container bombs',
    connections: [4, 50],
    script: () => ({ writes: asked(50 * bombs.length, (n) => bombs[n % bombs.length] ?? bombs[0]!) }), // there is one
    told: { answers: () => refused(50 * bombs.length) },
  },
  {
    title: 'a million levels of nesting',
    connections: [4, 50],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.echo, nested(1_000_000))) }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'a million levels of maps',
    connections: [4, 50],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.echo, maps())) }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'four million values in four MiB',
    connections: [4, 20],
    script: () => ({
      writes: behind(hello(), inFragments(1, methods.echo, join(uint32(0xdd, 4_000_000), nested(4_000_000, 0x80)))),
    }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'all 256 extension types, in each of their forms',
    connections: [4, 20],
    script: () => ({
      writes: asked(ALL_EXTENSIONS.length, (n) => join(textOf(), ALL_EXTENSIONS[n] ?? new Uint8Array(0))),
    }),
    told: { answers: () => refused(ALL_EXTENSIONS.length) },
  },
  {
    title: 'all 256 extension types in metadata',
    connections: [256, 256],
    script: (n) => ({ writes: [join(hello(), withMetadata(1, mapOf('a', extensions(n)[0]!), []))] }), // there are eight
    told: { rule: 'body' },
  },
  {
    title: 'all 256 extension types in a HELLO',
    connections: [256, 256],
    script: (n) => ({ writes: [helloWith(join(key('a'), extensions(n)[0]!))] }), // there are eight
    told: { rule: 'hello' },
  },
  {
    title: 'a message of 16 MiB',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.echo, new Uint8Array(16 * 2 ** 20))) }),
    told: { answers: () => ({ resource_exhausted: 1 }) },
  },
  {
    title: 'a message without an end',
    connections: [4, 20],
    script: (_, share) => ({
      writes: behind(
        join(hello(), request(1, methods.echo, null, { bytes: new Uint8Array(60_000), flags: flags.MORE })),
        again(16_000 * share, frame(kinds.REQUEST, 1, new Uint8Array(60_000), flags.MORE)),
      ),
    }),
    told: { answers: () => ({ resource_exhausted: 1 }) },
  },
  {
    title: 'messages without an end, as many as there may be',
    connections: [4, 20],
    script: () => ({
      writes: behind(
        hello(),
        eachOf(600, (id) => request(id, methods.echo, null, { bytes: unfinished, flags: flags.MORE })),
      ),
    }),
    told: { answers: () => ({ resource_exhausted: 600 - ROOM_FOR_UNFINISHED }) },
    holdsMiB: 4 * 16 + 12,
  },
  {
    title: 'keys that nobody has declared, as many as there may be',
    connections: [4, 20],
    script: (_, share) => ({
      writes: behind(hello(), inFragments(1, methods.echo, share < 1 ? someKeys() : manyKeys())),
    }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'the key __proto__',
    connections: [10, 100],
    script: () => ({
      writes: asked(1_000, () =>
        join(Uint8Array.of(0x82), key('text'), pack('x'), key('__proto__'), pack({ isAdmin: UNDECLARED })),
      ),
    }),
    told: { answers: () => refused(1_000) },
  },
  {
    title: 'constructor, toString and others of JavaScript as keys',
    connections: [10, 100],
    script: () => ({
      writes: asked(1_000, (n) =>
        join(
          Uint8Array.of(0x82),
          key('text'),
          pack('x'),
          key(ALLOWED[n % ALLOWED.length] ?? ''),
          pack({ isAdmin: UNDECLARED }),
        ),
      ),
    }),
    told: { answers: () => ({ ok: 1_000 }) },
  },
  {
    title: '__proto__ as a name of metadata',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), withMetadata(1, mapOf('__proto__', pack('x')), NAMES))] }),
    told: { rule: 'body' },
  },
  {
    title: '__proto__ in a HELLO',
    connections: [20, 200],
    script: () => ({ writes: [helloWith(join(key('__proto__'), pack({ isAdmin: UNDECLARED })))] }),
    told: { rule: 'hello' },
  },
  {
    title: 'nesting in metadata, as deep as fits',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), withMetadata(1, mapOf('a', nested(8_000)), []))] }),
    told: { rule: 'body' },
  },
  {
    title: 'nesting in a HELLO, as deep as fits',
    connections: [20, 200],
    script: () => ({ writes: [helloWith(join(key('a'), nested(60_000)))] }),
    told: { rule: 'hello' },
  },
  {
    title: 'a schema that takes long to refuse, at its last value',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.fussy, fussy())) }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'lists that are to be unique, each compared with all',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.unique, alike())) }),
    told: { answers: () => ({ ok: 1 }) },
  },
  {
    title: 'large texts for a pattern',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), inFragments(1, methods.fussy, longTexts())) }),
    told: { answers: () => refused(1) },
  },
  {
    title: 'metadata of 8 KiB with each request',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(10_000 * share, (id) => withMetadata(id, pack({ a: 'x'.repeat(8_100) }), [])),
      ),
    }),
    told: { answers: (share) => ({ ok: 10_000 * share }) },
  },
  {
    title: 'metadata with as many names as fit',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(2_000 * share, (id) => withMetadata(id, manyNames(), [])),
      ),
    }),
    told: { answers: (share) => ({ ok: 2_000 * share }) },
  },
  {
    title: 'metadata above its limit',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), withMetadata(1, pack({ a: 'x'.repeat(9_000) }), []))] }),
    told: { rule: 'limit' },
  },
  {
    title: 'requests for methods that nobody has',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(100_000 * share, (id) => request(id, (id * 2_654_435_761) >>> 0, null)),
      ),
    }),
    told: { answers: (share) => ({ unimplemented: 100_000 * share }) },
  },
  {
    title: 'calls of the wrong kind',
    connections: [4, 50],
    script: () => ({
      writes: behind(
        hello(),
        eachOf(1_000, (id) =>
          request(id, id % 2 ? methods.count : methods.note, null, { flags: id % 2 ? 0 : flags.OUTPUT }),
        ),
      ),
    }),
    told: { answers: () => refused(1_000) },
  },
  {
    title: 'items that do not fit, which no handler takes',
    connections: [4, 50],
    script: () => ({
      writes: behind(
        hello(),
        eachOf(100, (id) => join(open(id, methods.sum), frame(kinds.DATA, id, textOf(0xc1)), frame(kinds.END, id))),
      ),
    }),
    told: { answers: () => refused(100) },
  },
]

/** Some MiB of what fits nearly: each value is tried against all there is, and the last one is none of it. */
const fussy = lazily(() => {
  const leaf = { kind: 'leaf', value: 'abcdefgh-abcdefgh-abcdefgh' }
  const branch = { kind: 'branch', leaves: Array.from({ length: 50 }, () => leaf) }
  const branches = Array.from({ length: 1_000 }, () => branch)
  return pack([...branches, { kind: 'branch', leaves: [{ kind: 'leaf', value: 'X' }] }])
})

/** A thousand lists of which each two differ in their last number only. */
const alike = lazily(() => pack(Array.from({ length: 1_000 }, (_, n) => [...Array<number>(300).fill(1), n])))

const longTexts = lazily(() =>
  pack(Array.from({ length: 60 }, () => ({ kind: 'leaf', value: `${'a-'.repeat(30_000)}!` }))),
)

const manyKeys = lazily(() => keys(250_000))
const someKeys = lazily(() => keys(25_000))
const manyNames = lazily(() => pack(Object.fromEntries(Array.from({ length: 1_300 }, (_, n) => [`n${n}`, '']))))
const maps = lazily(() => Buffer.concat(Array<Uint8Array>(1_000_000).fill(mapOf('a', new Uint8Array(0)))))
