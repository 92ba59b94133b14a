/**
 * What the soak calls: every kind of method, each request with a number of its own and a checksum both ways. The server keeps
 * which calls have run, in a ring of fixed size, so that what it keeps is no memory that grows.
 * Invariant: a handler notes its call before it does anything else.
 */
import {
  Bytes,
  bidiStream,
  type Context,
  clientStream,
  contract,
  event,
  notify,
  type Service,
  serverStream,
  service,
  unary,
} from 'nanowire'
import Type, { type TSchema } from 'typebox'

export const CLIENTS = 8
/** So many of a client's latest calls are known one by one. */
const RING = 1 << 20

export const KINDS = ['small', 'record', 'blob', 'note', 'count', 'gather', 'mirror', 'news', 'fail', 'hang'] as const
export type Kind = (typeof KINDS)[number]
export type Counts = Record<Kind, number>

export const noCounts = (): Counts => Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Counts // made of all of its keys

const Call = { client: Type.Integer({ minimum: 0, maximum: CLIENTS - 1 }), nonce: Type.Integer({ minimum: 1 }) }
const numbered = <P extends Record<string, TSchema>>(properties: P) => Type.Object({ ...Call, ...properties })
const Item = Type.Object({ nonce: Type.Integer(), number: Type.Integer(), bytes: Bytes(), sum: Type.Integer() })
export type Item = Type.Static<typeof Item>
const Person = Type.Object({
  name: Type.String(),
  street: Type.String(),
  age: Type.Integer(),
  tags: Type.Array(Type.String()),
})

export const Soak = contract('soak', {
  small: unary(
    numbered({ text: Type.String(), sum: Type.Integer() }),
    Type.Object({ nonce: Type.Integer(), sum: Type.Integer() }),
  ),
  record: unary(
    numbered({ people: Type.Array(Person), sum: Type.Integer() }),
    Type.Object({ nonce: Type.Integer(), people: Type.Array(Person), sum: Type.Integer() }),
  ),
  blob: unary(
    numbered({ bytes: Bytes(), sum: Type.Integer() }),
    Type.Object({ nonce: Type.Integer(), bytes: Bytes(), sum: Type.Integer() }),
  ),
  note: notify(numbered({ text: Type.String(), sum: Type.Integer() })),
  count: serverStream(numbered({ count: Type.Integer(), size: Type.Integer() }), Item),
  gather: clientStream(
    Type.Object({ ...Call, number: Type.Integer() }),
    Type.Object({ nonce: Type.Integer(), count: Type.Integer() }),
  ),
  mirror: bidiStream(
    Type.Object({ ...Call, number: Type.Integer() }),
    Type.Object({ nonce: Type.Integer(), number: Type.Integer() }),
  ),
  /** Publishes so many events of its own number. */
  news: unary(numbered({ count: Type.Integer() }), Type.Null()),
  published: event(Type.Object({ key: Type.String(), number: Type.Integer() }), { key: 'key' }),
  fail: unary(numbered({ declared: Type.Boolean() }), Type.Null(), { errors: { Refused: Type.Integer() } }),
  /** Waits until it is not wanted any more. */
  hang: unary(numbered({}), Type.Null()),
  /** Which of these calls have run. */
  judge: unary(Type.Object({ client: Call.client, nonces: Type.Array(Type.Integer()) }), Type.Array(Type.Integer())),
})

export function sumOf(text: string, nonce: number): number {
  let sum = nonce | 0
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0
  return sum
}

export function sumOfBytes(bytes: Uint8Array, nonce: number): number {
  let sum = nonce | 0
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0
  return sum
}

/** Which calls have run, of each client, and what was wrong with them. */
export class Runs {
  readonly #rings = Array.from({ length: CLIENTS }, () => new Uint32Array(RING))
  readonly counts: Counts[] = Array.from({ length: CLIENTS }, noCounts)
  /** What may not be, with how often. */
  readonly wrong: Record<string, number> = {}

  begin(kind: Kind, client: number, nonce: number): void {
    const ring = this.#rings[client]
    const counts = this.counts[client]
    if (!ring || !counts) return this.tell(`a ${kind} of client ${client}, which there is not`)
    if (ring[nonce % RING] === nonce) this.tell(`a ${kind} ran twice`)
    ring[nonce % RING] = nonce
    counts[kind]++
  }

  require(holds: boolean, otherwise: string): void {
    if (!holds) this.tell(otherwise)
  }

  tell(what: string): void {
    this.wrong[what] = (this.wrong[what] ?? 0) + 1
  }

  haveRun(client: number, nonces: readonly number[]): number[] {
    return nonces.filter((nonce) => this.#rings[client]?.[nonce % RING] === nonce)
  }
}

export function itemOf(nonce: number, number: number, size: number): Item {
  const bytes = new Uint8Array(size).fill((nonce + number) % 251)
  return { nonce, number, bytes, sum: sumOfBytes(bytes, nonce + number) }
}

function untilUnwanted({ signal }: Context): Promise<null> {
  if (signal.aborted) return Promise.resolve(null)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
}

export function soakService(runs: Runs): Service {
  const soak = service(Soak, {
    small({ client, nonce, text, sum }) {
      runs.begin('small', client, nonce)
      runs.require(sum === sumOf(text, nonce), 'a small request came torn')
      return { nonce, sum: ~sum }
    },
    record({ client, nonce, people, sum }) {
      runs.begin('record', client, nonce)
      runs.require(sum === sumOf(JSON.stringify(people), nonce), 'a record came torn')
      return { nonce, people: people.reverse(), sum: ~sum }
    },
    blob({ client, nonce, bytes, sum }) {
      runs.begin('blob', client, nonce)
      runs.require(sum === sumOfBytes(bytes, nonce), 'a blob came torn')
      return { nonce, bytes, sum: ~sum }
    },
    note({ client, nonce, text, sum }) {
      runs.begin('note', client, nonce)
      runs.require(sum === sumOf(text, nonce), 'a note came torn')
    },
    *count({ client, nonce, count, size }) {
      runs.begin('count', client, nonce)
      for (let number = 0; number < count; number++) yield itemOf(nonce, number, size)
    },
    async gather(items) {
      const sum = { nonce: 0, count: 0 }
      for await (const { client, nonce, number } of items) {
        if (sum.count === 0) runs.begin('gather', client, nonce)
        else runs.require(nonce === sum.nonce, 'an item came to another call')
        runs.require(number === sum.count, 'an item of a gather is missing, or out of order')
        sum.nonce = nonce
        sum.count++
      }
      return sum
    },
    async *mirror(items) {
      let next = 0
      for await (const { client, nonce, number } of items) {
        if (next === 0) runs.begin('mirror', client, nonce)
        runs.require(number === next++, 'an item of a mirror is missing, or out of order')
        yield { nonce, number }
      }
    },
    news({ client, nonce, count }) {
      runs.begin('news', client, nonce)
      for (let number = 0; number < count; number++) soak.publish.published({ key: `${client}/${nonce}`, number })
      return null
    },
    fail({ client, nonce, declared }, ctx) {
      runs.begin('fail', client, nonce)
      if (declared) throw ctx.error('Refused', nonce)
      throw new Error('thrown by accident')
    },
    hang({ client, nonce }, ctx) {
      runs.begin('hang', client, nonce)
      return untilUnwanted(ctx)
    },
    judge: ({ client, nonces }) => runs.haveRun(client, nonces),
  })
  return soak
}
