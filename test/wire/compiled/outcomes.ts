/**
 * The comparison of the two paths (spec/codecs.md), for its property test and its campaign: wherever the compiled path decides, the
 * reference path decides alike. What was decided is counted, or undecided would always pass.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Gate } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { decodeBody, encodeBody, pack, unpack } from '../../../src/wire/index.ts'
import { Chance } from '../../contract/compat-schemas.ts'
import { mutated, reworded } from './mutations.ts'
import { gateIfAny, isSame, outcomeOf, received, shown } from './outcome.ts'
import { type Sample, sampleOf } from './schemas.ts'
import { compiledOf, UNDECIDED } from './subject.ts'

type Bounds = Pick<typeof defaultLimits, 'maxDepth' | 'maxNodes'>

export interface Counts {
  schemas: number
  covered: number
  /** Schema and value. */
  pairs: number
  encoded: number
  decoded: number
  /** Within the process. */
  passed: number
  /** Of pairs that fit and whose schema is covered: neither path refuses them, yet the compiled one did not decide. */
  leftEncoding: number
  leftDecoding: number
  /** Bytes that were changed. */
  mutations: number
  decidedMutations: number
  failures: string[]
}

export const noCounts = (): Counts => ({
  schemas: 0,
  covered: 0,
  pairs: 0,
  encoded: 0,
  decoded: 0,
  passed: 0,
  leftEncoding: 0,
  leftDecoding: 0,
  mutations: 0,
  decidedMutations: 0,
  failures: [],
})

const small: Bounds = { maxDepth: 10, maxNodes: 24 }
const room = new Uint8Array(1 << 19)

/** Compares one schema with so many values, and so many mutations of what each of them is on the wire. */
export function addSchema(seed: number, values: number, mutations: number, counts: Counts): void {
  const chance = new Chance(seed)
  const sample = sampleOf(chance, 1 + chance.below(3))
  const gate = gateIfAny(sample.schema)
  if (!gate) return
  counts.schemas++
  const isCovered = compiledOf(gate).isCovered
  if (isCovered) counts.covered++
  const fail = (what: string, subject: unknown) => {
    counts.failures.push(`seed ${seed}: ${what}: ${shown(subject)} of ${shown(sample.schema)}`)
  }
  for (let n = 0; n < values; n++) addValue(gate, isCovered, sample, chance, mutations, counts, fail)
}

type Fail = (what: string, subject: unknown) => void

function addValue(
  gate: Gate,
  isCovered: boolean,
  sample: Sample,
  chance: Chance,
  mutations: number,
  counts: Counts,
  fail: Fail,
): void {
  const value = sample.next()
  const limits = chance.is(0.05) ? small : defaultLimits
  counts.pairs++
  const written = outcomeOf(() => pack(gate.toWire(value, limits)))
  const end = compiledOf(gate).encode(value, room, 3, limits)
  if (end >= 0) {
    counts.encoded++
    const bytes = room.slice(3, end)
    if (written.error !== undefined) fail(`encoded what the reference refuses as ${written.error}`, value)
    else if (!isSame(received(gate, bytes), received(gate, written.value as Uint8Array)))
      fail('encoded otherwise', value)
    else if (bytes.length !== (written.value as Uint8Array).length) fail('encoded in another length', value)
  } else if (written.error === undefined && isCovered && limits !== small) counts.leftEncoding++
  addPass(gate, value, limits, counts, fail)
  const whole = outcomeOf(() => encodeBody(gate, value, limits))
  if (whole.error !== written.error) fail(`encodeBody: ${whole.error} for ${written.error}`, value)
  if (written.error !== undefined) return
  const bytes = (written.value as Uint8Array).slice()
  if (!addBytes(gate, bytes, limits, fail)) {
    if (isCovered && limits !== small) counts.leftDecoding++
  } else counts.decoded++
  if (bytes.length > 5_000 && chance.is(0.9)) return // long ones take their time
  for (let n = 0; n < mutations; n++) {
    const changed = chance.is(0.4) ? reworded(bytes, chance) : mutated(bytes, chance)
    counts.mutations++
    if (addBytes(gate, changed, limits, fail)) counts.decidedMutations++
  }
}

/** A value that stays in the process: the same outcome, and the same object where the reference leaves it alone. */
function addPass(gate: Gate, value: unknown, limits: Bounds, counts: Counts, fail: Fail): void {
  const passed = compiledOf(gate).pass(value, limits)
  if (passed === UNDECIDED) return
  counts.passed++
  const reference = outcomeOf(() => gate.inMemory(value, limits))
  if (reference.error !== undefined) fail(`passed what the reference refuses as ${reference.error}`, value)
  else if (!isDeepStrictEqual(passed, reference.value))
    fail(`passed ${shown(passed)} for ${shown(reference.value)}`, value)
  else if (reference.value === value && passed !== value) fail('passed a copy', value)
}

/** Whether the compiled path has decided. */
function addBytes(gate: Gate, bytes: Uint8Array, limits: Bounds, fail: Fail): boolean {
  const padded = new Uint8Array(bytes.length + 9).fill(0xc0)
  padded.set(bytes, 4)
  const [start, end] = [4, 4 + bytes.length]
  const reference = outcomeOf(() => gate.fromWire(unpack(padded, start, end, limits)))
  const both = outcomeOf(() => decodeBody(gate, padded, start, end, limits))
  if (both.error !== reference.error) fail(`decodeBody: ${both.error} for ${reference.error}`, bytes)
  const alone = outcomeOf(() => decodeBody(gate, bytes, 0, bytes.length, limits)) // there is nothing behind it
  if (alone.error !== reference.error) fail(`decodeBody, alone: ${alone.error} for ${reference.error}`, bytes)
  const decoded = compiledOf(gate).decode(padded, start, end, limits)
  if (decoded === UNDECIDED) return false
  if (reference.error !== undefined) fail(`decoded what the reference refuses as ${reference.error}`, bytes)
  else if (!isDeepStrictEqual(decoded, reference.value))
    fail(`decoded ${shown(decoded)} for ${shown(reference.value)}`, bytes)
  return true
}
