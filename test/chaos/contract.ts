/** What is called while things break: work of every kind, each call with an id of its own and everything with a checksum. */
import Type from 'typebox'
import { Bytes, bidiStream, clientStream, contract, notify, serverStream, unary } from '../../src/index.ts'

const Parcel = { id: Type.String(), n: Type.Integer(), bytes: Bytes(), sum: Type.Integer() }

/** Something that tells whether it was torn, and whose it is. */
export interface Parcel {
  readonly id: string
  readonly n: number
  readonly bytes: Uint8Array
  readonly sum: number
}

const Task = Type.Object({
  ...Parcel,
  /** What becomes of it. */
  fate: Type.Union([Type.Literal('done'), Type.Literal('refused'), Type.Literal('thrown')]),
  /** How long it takes, and whether its handler listens to its signal meanwhile. */
  workMs: Type.Integer(),
  listens: Type.Boolean(),
})
export type Task = Type.Static<typeof Task>

const Item = Type.Object(Parcel)

export const Chaos = contract('chaos', {
  run: unary(Task, Item, { errors: { Refused: Type.Object({ id: Type.String() }) } }),
  note: notify(Task),
  give: serverStream(Type.Object({ ...Parcel, count: Type.Integer() }), Item),
  take: clientStream(Item, Item),
  swap: bidiStream(Item, Item),
})

/** Methods with input have no request: the id travels in the metadata. */
export const ID = 'id'

/** Silence is noticed soon, for much of it is made. */
export const limits = { pingAfterMs: 150, idleTimeoutMs: 500, handshakeTimeoutMs: 1_500 }

/** Of calls that are to meet no fault: on a busy machine a process may stand still for longer than that, and nothing is lost by it. */
export const calmLimits = { pingAfterMs: 20_000, idleTimeoutMs: 60_000, handshakeTimeoutMs: 60_000 }

export function parcel(id: string, n: number, bytes: Uint8Array): Parcel {
  return { id, n, bytes, sum: sumOf(id, n, bytes) }
}

/** What is wrong with it, if anything is. */
export function faultOf(one: Parcel, id: string, n: number): string | undefined {
  if (one.id !== id) return `misrouted: ${one.id} instead of ${id}`
  if (one.n !== n) return `out of order: ${one.n} instead of ${n} of ${id}`
  return one.sum === sumOf(id, n, one.bytes) ? undefined : `torn: ${n} of ${id}`
}

/** FNV-1a. */
function sumOf(id: string, n: number, bytes: Uint8Array): number {
  let sum = 0x811c9dc5 ^ n
  for (let index = 0; index < id.length; index++) sum = Math.imul(sum ^ id.charCodeAt(index), 0x01000193)
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}
