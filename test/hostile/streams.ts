/** What hostile peers of streams need: methods of every kind whose handlers only wait or only give, and frames by hand. */
import Type from 'typebox'
import type { MethodRef } from '../../src/contract/index.ts'
import {
  Bytes,
  bidiStream,
  type Context,
  clientStream,
  contract,
  event,
  type LimitOptions,
  type Service,
  serverStream,
  service,
  unary,
} from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { Gate } from '../rpc/lab.ts'
import { frame, type RawPeer, request } from '../support/raw-peer.ts'
import { withinBytes } from './memory.ts'
import { type Victim, victim } from './victim.ts'

const Item = Type.Object({ n: Type.Integer(), text: Type.String() })

const Counted = Type.Object({ count: Type.Integer(), bytes: Type.Integer() })

/** The budget of each call of `recent`. */
export const RECENT_BYTES = 65_536

export const Streams = contract('streams', {
  /** Never answered. */
  stuck: unary(Type.Null(), Type.Null()),
  /** So many bytes, from a request of few. */
  large: unary(Type.Integer(), Bytes()),
  /** So many items, each with so much text. */
  count: serverStream(Counted, Item),
  /** The same, of which the newest wait. */
  recent: serverStream(Counted, Item, { slow: { policy: 'dropOldest', maxBytes: RECENT_BYTES } }),
  /** Takes all there is. */
  sum: clientStream(Item, Type.Integer()),
  /** Takes nothing. */
  hold: clientStream(Item, Type.Null()),
  /** Gives back what it takes. */
  chat: bidiStream(Item, Item),
  placed: event(Item),
})

export const { stuck, large, count, recent, sum, hold, chat, placed } = Streams.methods

/** A request of `count` without an end that anybody sees. */
export const endlessly = { count: 1_000_000_000, bytes: 1_000 }

/** What the handlers have seen. */
export interface Seen {
  /** How many of `count` have yielded, and not more than asked for. */
  yielded: number
  /** How many handlers' `finally` has run. */
  ended: number
  /** What handlers have met where they take items. */
  readonly met: unknown[]
  /** The numbers of what `sum` and `chat` took. */
  readonly taken: number[]
}

export interface StreamVictim extends Victim {
  readonly seen: Seen
  readonly service: Service<typeof Streams>
}

/** Serves streams beside the honest call. */
export async function streamVictim(limits: LimitOptions = {}): Promise<StreamVictim> {
  const seen: Seen = { yielded: 0, ended: 0, met: [], taken: [] }
  const streams = service(Streams, {
    stuck: (_, ctx) => aborted(ctx),
    large: (bytes) => new Uint8Array(bytes),
    async *count({ count: most, bytes }) {
      const text = 'x'.repeat(bytes)
      try {
        for (let n = 0; n < most; n++) {
          seen.yielded++
          yield { n, text }
        }
      } finally {
        seen.ended++
      }
    },
    *recent({ count: most, bytes }) {
      const text = 'x'.repeat(bytes)
      for (let n = 0; n < most; n++) {
        seen.yielded++
        yield { n, text }
      }
    },
    async sum(items) {
      let total = 0
      for await (const { n } of noting(items, seen)) total += n
      return total
    },
    async hold(_, ctx) {
      try {
        return await aborted(ctx)
      } finally {
        seen.ended++
      }
    },
    chat: (items) => noting(items, seen),
  })
  return { ...(await victim(limits, undefined, undefined, [streams])), seen, service: streams }
}

async function* noting(items: AsyncIterable<{ n: number; text: string }>, seen: Seen) {
  try {
    for await (const item of items) {
      seen.taken.push(item.n)
      yield item
    }
  } catch (error) {
    seen.met.push(error)
    throw error
  } finally {
    seen.ended++
  }
}

/** Ends when its caller has gone away. */
async function aborted({ signal }: Pick<Context, 'signal'>): Promise<null> {
  const gone = new Gate()
  if (signal.aborted) gone.open()
  signal.addEventListener('abort', () => gone.open())
  await gone.promise
  return null
}

/** A REQUEST as its method's kind wants it. */
export function open(id: number, method: MethodRef, value?: unknown): Uint8Array {
  const streams = (method.input ? flags.INPUT : 0) | (method.output ? flags.OUTPUT : 0)
  return request(id, method, value, { flags: streams, ...(method.input ? { bytes: new Uint8Array(0) } : {}) })
}

export const itemOf = (n: number, text = 'x'): Uint8Array => pack({ n, text })

export function data(id: number, bytes: Uint8Array = new Uint8Array(0), flagBits = 0): Uint8Array {
  return frame(kinds.DATA, id, bytes, flagBits)
}

export const end = (id: number): Uint8Array => frame(kinds.END, id)
export const cancel = (id: number): Uint8Array => frame(kinds.CANCEL, id)

export function credit(id: number, bytes: number): Uint8Array {
  const body = Buffer.alloc(4)
  body.writeUInt32BE(bytes)
  return frame(kinds.CREDIT, id, body)
}

export const NOTHING = new Uint8Array(0)
export const many = (times: number, one: Uint8Array): Uint8Array => Buffer.concat(Array<Uint8Array>(times).fill(one))
export const join = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

/** Acknowledges what comes for as long as it comes, so that the other side may go on. */
export function acknowledge(peer: RawPeer): void {
  const started = new Set<number>()
  peer.onFrame = ({ kind, flags: flagBits, id, body }) => {
    const isFurther = kind === kinds.RESPONSE && started.has(id)
    if (kind === kinds.RESPONSE && (flagBits & flags.MORE) !== 0) started.add(id)
    if ((kind === kinds.DATA || isFurther) && body.length > 0) peer.send(credit(0, body.length))
  }
}

/** Sends to many streams, and waits each time until all of it was looked at. */
export async function sendAll(peer: RawPeer, ids: number, bytesFor: (id: number) => Uint8Array): Promise<void> {
  for (let id = 1; id <= ids; id++) {
    peer.send(bytesFor(id), frame(kinds.PING, 0, new Uint8Array(8)))
    await peer.next(kinds.PONG)
  }
}

/** What a process keeps to use again (src/wire/spare.ts). */
const SPARE_BYTES = 8 * 2 ** 20

/** When the peer has gone, nothing of it is left. */
export async function expectGone(attacked: StreamVictim, peer: RawPeer, before: number): Promise<void> {
  peer.socket.destroy()
  await attacked.expectUnharmed()
  await withinBytes(6 * 2 ** 20 + SPARE_BYTES, before)
}
