/**
 * How long the library takes for a MiB of what a peer may send, made of the inputs that fuzzing keeps: each is repeated, as items or as
 * frames, until it is a MiB long, and only the library is timed, not its oracles, and without counters. Prints, asserts nothing.
 */
import Type from 'typebox'
import { gateOf, learnContract, Misfit, readDescription } from '../src/contract/index.ts'
import { NanowireError } from '../src/errors.ts'
import { defaultLimits } from '../src/limits.ts'
import { Session } from '../src/session/index.ts'
import {
  decodeBody,
  describeFrames,
  FrameDecoder,
  kinds,
  type ProtocolError,
  pack,
  StrictError,
  unpack,
} from '../src/wire/index.ts'
import { frame, helloBody } from './peer.ts'
import { linesOf } from './seeds.ts'
import { framesOf, JudgedEffects, Stage } from './stage.ts'
import { loadTarget, type TargetName } from './targets/index.ts'

const MIB = 1_048_576
const TRIES = 3
const CHUNK_BYTES = 65_536
const MAX_INPUTS = 200
const ROOM = 64
const limits = defaultLimits

/** What is timed: `of` makes a MiB of an input, or nothing where the input says nothing here. */
interface Subject {
  readonly name: string
  readonly target: TargetName
  of(input: Uint8Array): Uint8Array | undefined
  run(bytes: Uint8Array): void
}

const anything = gateOf(Type.Array(Type.Unknown()))
const records = gateOf(Type.Array(Type.Object({ a: Type.Optional(Type.String()) })))

const subjects: readonly Subject[] = [
  { name: 'frames, found', target: 'frames', of: framesAgain, run: decodeFrames },
  { name: 'frames, described', target: 'frames', of: framesAgain, run: (bytes) => void describeFrames(bytes) },
  {
    name: 'a list of values, read',
    target: 'msgpack',
    of: (input) => listOf(input.subarray(1)),
    run: (bytes) => refusedAs(StrictError, () => unpack(bytes, 0, bytes.length, limits)),
  },
  {
    name: 'a list of anything, decoded',
    target: 'msgpack',
    of: (input) => listOf(input.subarray(1)),
    run: (bytes) =>
      refusedAs(Misfit, () => refusedAs(StrictError, () => decodeBody(anything, bytes, 0, bytes.length, limits))),
  },
  {
    name: 'a list of objects, decoded',
    target: 'msgpack',
    of: (input) => listOf(input.subarray(1)),
    run: (bytes) =>
      refusedAs(Misfit, () => refusedAs(StrictError, () => decodeBody(records, bytes, 0, bytes.length, limits))),
  },
  {
    name: 'values inside each other, read',
    target: 'msgpack',
    of: nestedIn,
    run: (bytes) => refusedAs(StrictError, () => unpack(bytes, 0, bytes.length, limits)),
  },
  { name: 'a session, as a server', target: 'session-server', of: sessionAgain, run: serve },
  { name: "a peer's schemas, learned", target: 'schemas', of: schemasAgain, run: learn },
]

/** Runs all subjects, one after the other. */
export async function printTimes(): Promise<void> {
  console.log('ms of processor for each MiB: median, slowest (input)')
  for (const subject of subjects) {
    const target = await loadTarget(subject.target)
    const kept = linesOf(`fuzz/corpus/${subject.target}.txt`)
    const inputs = [kept, [...target.seeds()]].flatMap((some) => some.slice(0, MAX_INPUTS))
    const times = inputs.flatMap((input) => timeOf(subject, input) ?? [])
    times.sort((one, other) => one.ms - other.ms)
    const [median, slowest] = [times[times.length >> 1], times.at(-1)]
    if (!median || !slowest) continue
    const hex = Buffer.from(slowest.input).toString('hex').slice(0, 60)
    console.log(`${subject.name}: ${median.ms.toFixed(1)}, ${slowest.ms.toFixed(1)} (${hex}) of ${times.length} inputs`)
  }
}

function timeOf(
  { of, run }: Subject,
  input: Uint8Array,
): { readonly ms: number; readonly input: Uint8Array } | undefined {
  const bytes = of(input)
  if (!bytes) return undefined
  let ms = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES; tries++) {
    const before = process.cpuUsage()
    run(bytes)
    const { user, system } = process.cpuUsage(before)
    ms = Math.min(ms, ((user + system) / 1_000 / bytes.length) * MIB)
  }
  return { ms, input }
}

function repeated(unit: Uint8Array, times = Math.ceil(MIB / Math.max(1, unit.length))): Uint8Array {
  const bytes = new Uint8Array(unit.length * times)
  for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at)
  return bytes
}

/** The frames of an input that are whole and lawful, again and again. */
function framesAgain(input: Uint8Array): Uint8Array | undefined {
  const { frames } = framesOf(input.subarray(5), false)
  const units = frames.map(({ kind, flags, id, body }) => frame(kind, body, flags, id))
  return units.length > 0 ? repeated(Buffer.concat(units)) : undefined
}

function decodeFrames(bytes: Uint8Array): void {
  const decoder = new FrameDecoder({ maxFrameBytes: CHUNK_BYTES, maxHelloBytes: CHUNK_BYTES })
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES - 1) {
    decoder.push(bytes.subarray(at, at + CHUNK_BYTES - 1))
    while (decoder.read());
  }
}

/** A MessagePack list of the same bytes over and over, whether or not they are a value. */
function listOf(unit: Uint8Array): Uint8Array | undefined {
  if (unit.length === 0 || unit.length > 1_000) return undefined
  const count = Math.floor((MIB - ROOM) / unit.length) // no more than maxNodes, for values of two bytes
  return Buffer.concat([Uint8Array.of(0xdd, count >>> 24, count >>> 16, count >>> 8, count), repeated(unit, count)])
}

/** Bytes that open containers, over and over. */
function nestedIn(input: Uint8Array): Uint8Array | undefined {
  return input.length > 1 && input.length < 1_000 ? repeated(input.subarray(1)) : undefined
}

/** What a client of the input sends, in frames of rising ids, behind a HELLO. */
function sessionAgain(input: Uint8Array): Uint8Array | undefined {
  const raw = input.subarray(1)
  const start = raw.indexOf(1)
  const { frames } = framesOf(raw.subarray(start + 4), false)
  const units = frames.filter(({ kind }) => kind !== kinds.HELLO)
  if (units.length === 0) return undefined
  const parts: Uint8Array[] = []
  let length = 0
  for (let round = 1; length < MIB; round++)
    for (const { kind, flags, id, body } of units) {
      const bytes = frame(kind, body, flags, id === 0 ? 0 : id + round * 16)
      parts.push(bytes)
      length += bytes.length
    }
  return Buffer.concat(parts)
}

function serve(bytes: Uint8Array): void {
  const { clock, link } = new Stage(defaultLimits)
  const effects = new JudgedEffects((call) => clock.turn(() => session.respond(call, undefined, Uint8Array.of(0xc0))))
  const session = new Session({
    role: 'server',
    link,
    clock,
    limits: defaultLimits,
    effects,
    incarnation: new Uint8Array(16),
  })
  link.attach(session)
  link.arrive(frame(kinds.HELLO, helloBody))
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    link.arrive(bytes.slice(at, at + CHUNK_BYTES))
    clock.runTurns()
  }
  link.destroy()
  clock.runTurns()
}

/** A contract with the methods of the input under as many names as make a MiB, at most as many as are read. */
function schemasAgain(input: Uint8Array): Uint8Array | undefined {
  try {
    const rest = input.subarray(2)
    const value: unknown =
      input[0] === 0 ? unpack(rest, 0, rest.length, limits) : JSON.parse(Buffer.from(rest).toString())
    const { methods } = readDescription(value)
    const entries = Object.entries(methods)
    const bytesEach = pack(methods).length
    if (entries.length === 0) return undefined
    const many = Array.from({ length: Math.ceil(MIB / bytesEach) }, (_, copy) =>
      entries.map(
        ([key, method], index) => [`${key}${copy}`, { ...method, tag: copy * entries.length + index + 1 }] as const,
      ),
    )
    return pack({ nanowire: 1, name: 'a', methods: Object.fromEntries(many.flat()) }).slice()
  } catch {
    return undefined // no description
  }
}

function learn(bytes: Uint8Array): void {
  refusedAs(StrictError, () => refusedAs(NanowireError, () => learnContract(unpack(bytes, 0, bytes.length, limits))))
}

function refusedAs(
  kind: typeof StrictError | typeof Misfit | typeof NanowireError | typeof ProtocolError,
  act: () => unknown,
): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof kind)) throw error
  }
}
