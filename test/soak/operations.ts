/**
 * What a client of the soak does at a time: one call of a kind, with whatever belongs to it, and every answer held against its
 * request. Invariant: an operation that returns has been answered rightly; whatever else there is it throws.
 */
import type { CallOptions, ClientOf } from 'nanowire'
import { type Kind, type Soak, sumOf, sumOfBytes } from './service.ts'

export type SoakClient = ClientOf<typeof Soak>

export interface Doing {
  readonly client: SoakClient
  readonly number: number
  readonly nonce: number
  readonly options: CallOptions
}

/** An answer that is not the one to the request. */
export class WrongAnswer extends Error {}

function require(holds: boolean, otherwise: string): void {
  if (!holds) throw new WrongAnswer(otherwise)
}

const TEXT = 'forty bytes of text, or about as many: ½'
const PEOPLE = Array.from({ length: 8 }, (_, age) => ({
  name: `Ada ${age}`,
  street: 'Rue de la Paix',
  age,
  tags: ['first', 'second', 'third'],
}))
const PEOPLE_TEXT = JSON.stringify(PEOPLE)
const BLOB = new Uint8Array(48_000).map((_, at) => (at * 31) % 251)
const ITEMS = 20
const GIVEN = 10
const EVENTS = 5

function* given({ number: client, nonce }: Doing) {
  for (let number = 0; number < GIVEN; number++) yield { client, nonce, number }
}

async function takeItems({ client, number, nonce, options }: Doing, most: number): Promise<void> {
  const size = nonce % 4 === 0 ? 4_096 : 16
  let next = 0
  for await (const item of client.count({ client: number, nonce, count: ITEMS, size }, options)) {
    require(item.nonce === nonce && item.number === next, 'an item is missing, doubled or of another stream')
    require(item.sum === sumOfBytes(item.bytes, nonce + next), 'an item came torn')
    next++
    if (next === most) return
  }
  require(next === ITEMS, 'a stream ended early, and said nothing of it')
}

async function hearNews({ client, number, nonce, options }: Doing): Promise<void> {
  const subscription = client.published({ key: `${number}/${nonce}` }, options)
  try {
    await subscription.ready
    await client.news({ client: number, nonce, count: EVENTS }, options)
    for (let next = 0; next < EVENTS; next++) {
      const { value, done } = await subscription.next()
      require(done !== true && value.number === next, 'an event is missing, or out of order')
    }
  } finally {
    await subscription.return?.()
  }
}

export const operations: Readonly<Record<Kind, (doing: Doing) => Promise<void>>> = {
  async small({ client, number, nonce, options }) {
    const sum = sumOf(TEXT, nonce)
    const reply = await client.small({ client: number, nonce, text: TEXT, sum }, options)
    require(reply.nonce === nonce && reply.sum === ~sum, 'a small reply is torn, or of another call')
  },
  async record({ client, number, nonce, options }) {
    const sum = sumOf(PEOPLE_TEXT, nonce)
    const reply = await client.record({ client: number, nonce, people: PEOPLE, sum }, options)
    require(reply.nonce === nonce && reply.sum === ~sum, 'a record came for another call')
    require(JSON.stringify(reply.people.reverse()) === PEOPLE_TEXT, 'a record came back torn')
  },
  async blob({ client, number, nonce, options }) {
    const sum = sumOfBytes(BLOB, nonce)
    const reply = await client.blob({ client: number, nonce, bytes: BLOB, sum }, options)
    require(reply.nonce === nonce && reply.sum === ~sum, 'a blob came for another call')
    require(reply.bytes.length === BLOB.length && sumOfBytes(reply.bytes, nonce) === sum, 'a blob came back torn')
  },
  async note({ client, number, nonce, options }) {
    await client.note({ client: number, nonce, text: TEXT, sum: sumOf(TEXT, nonce) }, options)
  },
  count: (doing) => takeItems(doing, Number.POSITIVE_INFINITY),
  async gather(doing) {
    const { nonce, count } = await doing.client.gather(given(doing), doing.options)
    require(nonce === doing.nonce && count === GIVEN, 'a gather lost items')
  },
  async mirror(doing) {
    let next = 0
    for await (const { nonce, number } of doing.client.mirror(given(doing), doing.options)) {
      require(nonce === doing.nonce && number === next++, 'an item of a mirror is missing, or out of order')
    }
    require(next === GIVEN, 'a mirror ended early, and said nothing of it')
  },
  news: hearNews,
  async fail({ client, number, nonce, options }) {
    await client.fail({ client: number, nonce, declared: nonce % 2 === 0 }, options)
  },
  async hang({ client, number, nonce, options }) {
    await client.hang({ client: number, nonce }, options)
  },
}

/** Leaves a stream in its middle. */
export const leaveEarly = (doing: Doing): Promise<void> => takeItems(doing, 3)
