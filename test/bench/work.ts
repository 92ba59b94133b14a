/**
 * What the systems carry: a small request and its reply, an order of about 1 KiB, 64 KiB of bytes; the same values for
 * all. Invariant: nothing of any system is imported here.
 */
export interface SmallRequest {
  id: number
  name: string
  tags: string[]
  score: number
}

export interface SmallReply {
  id: number
  text: string
  ok: boolean
}

export interface Address {
  street: string
  city: string
  postcode: string
  country: string
}

export interface Order {
  id: number
  placedAt: string
  status: string
  isPaid: boolean
  customer: { id: number; name: string; email: string; isMember: boolean; address: Address }
  lines: { sku: string; title: string; quantity: number; price: number; taxRate: number; isGift: boolean }[]
  shipping: { carrier: string; tracking: string; weightKg: number; isExpress: boolean }
  totals: { currency: string; net: number; tax: number; gross: number }
  tags: string[]
}

/** What a server does with each kind of work; the record and the bytes go back as they came. */
export const answer = ({ id, name }: SmallRequest): SmallReply => ({ id, text: `Hello, ${name}`, ok: true })

export const requestOf = (id: number): SmallRequest => ({
  id,
  name: 'Ada Lovelace',
  tags: ['first', 'second'],
  score: 0.5,
})

const TITLES = [
  'Desk lamp, brushed steel',
  'Écritoire en noyer',
  'Notebook A5, dotted, 192 pages',
  'Ink, blue-black, 50 ml',
  'Fountain pen, fine nib',
  'Blotting paper, 10 sheets',
  'Brass paper weight',
]

export const orderOf = (id: number): Order => ({
  id,
  placedAt: '2026-03-14T09:26:53.589Z',
  status: 'shipped',
  isPaid: true,
  customer: {
    id: 70_000 + id,
    name: 'Ada Lovelace',
    email: 'ada@analytical.example',
    isMember: id % 2 === 0,
    address: { street: '12 St James’s Square', city: 'London', postcode: 'SW1Y 4JH', country: 'GB' },
  },
  lines: TITLES.map((title, index) => ({
    sku: `SKU-${1_000 + 37 * index}`,
    title,
    quantity: 1 + ((id + index) % 4),
    price: 4.95 + 13.3 * index,
    taxRate: 0.2,
    isGift: index === 3,
  })),
  shipping: { carrier: 'Royal Mail', tracking: 'RM123456785GB', weightKg: 2.35, isExpress: false },
  totals: { currency: 'GBP', net: 312.65, tax: 62.53, gross: 375.18 },
  tags: ['spring', 'gift', 'returning'],
})

export const BYTES = 65_536

/** Bytes that no compression makes much smaller, the same each time. */
export function bytesOf(length: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

export const WORKS = ['small', 'record', 'bytes'] as const
export type Work = (typeof WORKS)[number]

/** A system as its server's process starts it, and as its client's process calls it. */
export interface Peer {
  /** Serves on any free port of 127.0.0.1, which it returns. */
  serve(): Promise<number>
  /** Resolves when the first call would find the connection open. */
  connect(port: number): Promise<Client>
}

export interface Client {
  small(request: SmallRequest): Promise<SmallReply>
  record(order: Order): Promise<Order>
  bytes(bytes: Uint8Array): Promise<Uint8Array>
  /** What a system has no streams for, is not there. */
  readonly streams?: Streams | undefined
}

/** Streams from the server, as their consumer takes them: from an iterator, one by one, or pushed to a function. */
export interface Streams {
  items?(count: number): AsyncIterable<SmallReply>
  chunks?(count: number): AsyncIterable<Uint8Array>
  /** An item each second, until the consumer breaks. */
  ticks?(): AsyncIterable<SmallReply>
  /** As many as it likes, whatever the consumer takes: the newest are kept. */
  flood?(count: number): AsyncIterable<SmallReply>
  pushItems?(count: number, take: (item: SmallReply) => void): Promise<void>
  pushChunks?(count: number, take: (chunk: Uint8Array) => void): Promise<void>
}

/** As many items as nobody takes. */
export const FOREVER = 2 ** 31 - 1

export const itemOf = (id: number): SmallReply => ({ id, text: 'Hello, Ada Lovelace', ok: true })

/** What every server streams from, unless it would be slower by it. */
export async function* itemsOf(count: number): AsyncGenerator<SmallReply> {
  for (let id = 0; id < count; id++) yield itemOf(id)
}

export async function* chunksOf(count: number): AsyncGenerator<Uint8Array> {
  const chunk = bytesOf(BYTES)
  for (let index = 0; index < count; index++) yield chunk
}
