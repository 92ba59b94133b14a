/**
 * Codecs compiled from schemas against the reference path: the schema comes from the input as well (spec/codecs.md). Wherever the
 * compiled path decides, the reference decides alike.
 */
import type { Gate } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { compiledOf, cursor, UNDECIDED } from '../../src/wire/compiled/index.ts'
import { decodeBody, decodeItem, encodeBody, itemEnd, joinBody, pack, unpack } from '../../src/wire/index.ts'
import { mutated, reworded } from '../../test/wire/compiled/mutations.ts'
import { gateIfAny, isSame, type Outcome, outcomeOf, received, shown } from '../../test/wire/compiled/outcome.ts'
import { sampleOf } from '../../test/wire/compiled/schemas.ts'
import { ByteChance } from '../byte-chance.ts'
import { reached } from '../progress.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { Fault, require, type Target } from '../target.ts'

/** Few, so that most inputs have a schema that is compiled already; what they do not say follows from them. */
const SCHEMA_BYTES = 4
const MAX_SCHEMAS = 4_000
const PADDING = 4
/** Longer values are written and not read: their bytes follow from few of the input, and say little more. */
const MAX_VALUE_BYTES = 2_000
const small = { maxDepth: 10, maxNodes: 24 }
const room = new Uint8Array(1 << 19)

interface Subject {
  readonly gate: Gate
  readonly chance: ByteChance
  next(): unknown
}

export const codecs: Target = {
  about: 'compiled codecs against the reference path, for schemas that the input makes up',
  maxBytes: 1_024,
  dictionary: [
    'name',
    'kind',
    'content',
    'id',
    'constructor',
    '\ufeff',
    Uint8Array.of(0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0),
  ],
  *seeds() {
    const hexes = vectorsOf('types.json').flatMap(({ cases }) => cases as readonly { readonly hex?: string }[]) // as its README says
    for (const [index, { hex }] of hexes.entries()) {
      const schema = Array.from({ length: SCHEMA_BYTES }, (_, at) => (index * 37 + at * 11) & 0xff)
      if (hex !== undefined) yield Uint8Array.of(1, ...schema, ...bytesOf(hex))
      yield Uint8Array.of(0, ...schema, index, index * 7)
    }
  },
  judge(input) {
    const mode = input[0] ?? 0
    const subject = subjectOf(input.subarray(1, 1 + SCHEMA_BYTES))
    if (!subject) return
    const limits = (mode & 6) === 6 ? small : defaultLimits
    const rest = input.subarray(1 + SCHEMA_BYTES)
    if ((mode & 1) !== 0) return judgeBytes(subject, rest, limits)
    const { gate, chance } = subject
    chance.read(rest)
    const value = subject.next()
    const bytes = judgeValue(gate, value, limits)
    if (!bytes) return
    if (bytes.length > MAX_VALUE_BYTES) return
    judgeBytes(subject, bytes, limits)
    for (let count = 0; count < 3; count++)
      judgeBytes(subject, chance.is(0.4) ? reworded(bytes, chance) : mutated(bytes, chance), limits)
  },
}

const subjects = new Map<string, Subject | undefined>()

/** The schema that so many bytes stand for; `undefined` where they stand for none that can travel. */
function subjectOf(bytes: Uint8Array): Subject | undefined {
  const key = Buffer.from(bytes).toString('latin1')
  if (subjects.has(key)) return subjects.get(key)
  if (subjects.size >= MAX_SCHEMAS) subjects.clear()
  const chance = new ByteChance().read(bytes)
  const sample = sampleOf(chance, 1 + chance.below(3))
  const gate = gateIfAny(sample.schema)
  const subject = gate && { gate, chance, next: () => sample.next() }
  subjects.set(key, subject)
  return subject
}

/** A value into the process and out of it. Returns its bytes, where it fits. */
function judgeValue(gate: Gate, value: unknown, limits: typeof small): Uint8Array | undefined {
  const passed = compiledOf(gate).pass(value, limits)
  const inMemory = outcomeOf(() => gate.inMemory(value, limits))
  if (passed !== UNDECIDED) requireSame('passed', { value: passed }, inMemory)
  const reference = outcomeOf(() => pack(gate.toWire(value, limits)).slice())
  const end = compiledOf(gate).encode(value, room, PADDING, limits)
  if (end >= 0) requireWritten(gate, room.slice(PADDING, end), reference)
  const whole = outcomeOf(() => joinBody(encodeBody(gate, value, limits)))
  require(whole.error === reference.error, () => `encoded with ${whole.error} for ${reference.error}`)
  return reference.error === undefined ? (reference.value as Uint8Array) : undefined // of `pack`
}

/** The properties may stand in another order, and that is all. */
function requireWritten(gate: Gate, bytes: Uint8Array, reference: Outcome): void {
  require(reference.error === undefined, () => `encoded what the reference refuses as ${reference.error}`)
  const expected = reference.value as Uint8Array // of `pack`
  require(bytes.length === expected.length, () => `encoded in ${bytes.length} bytes for ${expected.length}`)
  requireSame('encoded', received(gate, bytes), received(gate, expected))
}

function judgeBytes({ gate }: Subject, bytes: Uint8Array, limits: typeof small): void {
  const padded = new Uint8Array(bytes.length + 9).fill(0xc0)
  padded.set(bytes, PADDING)
  const [start, end] = [PADDING, PADDING + bytes.length]
  const reference = outcomeOf(() => gate.fromWire(unpack(padded, start, end, limits)))
  requireSame(
    'decoded whole',
    outcomeOf(() => decodeBody(gate, padded, start, end, limits)),
    reference,
  )
  requireSame(
    'decoded where its memory ends',
    outcomeOf(() => decodeBody(gate, bytes, 0, bytes.length, limits)),
    reference,
  )
  const decoded = compiledOf(gate).decode(padded, start, end, limits)
  reached(kindOf(gate), decoded === UNDECIDED ? 0 : 1, Math.min(cursor.at - start, 63), reference.error?.length ?? 0)
  if (decoded !== UNDECIDED) requireSame('decoded', { value: decoded }, reference)
  if (reference.error !== undefined || bytes.length === 0) return
  const item = outcomeOf(() => decodeItem(gate, padded, start, padded.length, limits))
  if (item.error === undefined) require(itemEnd() === end, () => `an item ends at ${itemEnd()}, not at ${end}`)
  if (limits === defaultLimits) requireSame('decoded as an item', item, reference)
}

/** Schemas of one kind reach the same states. */
function kindOf({ shape }: Gate): number {
  return (
    [...JSON.stringify(Object.keys(shape)), ...shape.kind].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) |
    0
  )
}

function requireSame(what: string, found: Outcome, expected: Outcome): void {
  if (!isSame(found, expected)) throw new Fault(`${what}: ${told(found)} for ${told(expected)}`)
}

const told = ({ value, error }: Outcome): string => error ?? shown(value)
