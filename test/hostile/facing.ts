/** A client of a server that a test plays by hand, and what comes of its calls. */
import { onTestFinished } from 'vitest'
import { type ClientOf, type Connection, type ConnectOptions, connect, type NanowireError } from '../../src/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { HandClock, nextTurn } from '../support/hand-clock.ts'
import { fakeServer, hello, type RawPeer } from '../support/raw-peer.ts'
import { NOTHING, Streams } from './streams.ts'

export type Client = ClientOf<typeof Streams>

export interface Facing {
  readonly wire: Connection
  readonly client: Client
  readonly clock: HandClock
  /** The server's end of the first connection. */
  readonly peer: RawPeer
}

/** A client of a server that answers each request by these bytes, and does nothing else. */
export async function facing(
  answer: (id: number) => Uint8Array = () => NOTHING,
  options: ConnectOptions = {},
): Promise<Facing> {
  const clock = new HandClock()
  const peers: RawPeer[] = []
  const url = await fakeServer((peer) => {
    peers.push(peer)
    peer.send(hello())
    peer.onFrame = ({ kind, id }) => kind === kinds.REQUEST && peers[0] === peer && peer.send(answer(id))
  })
  const wire = connect(url, { clock, ...options })
  onTestFinished(() => close(wire, clock))
  await wire.ready()
  const [peer] = peers
  if (!peer) throw new Error('nobody has connected')
  return { wire, client: wire.client(Streams), clock, peer }
}

/** What waits for time has it. */
export async function close(wire: Connection, clock: HandClock): Promise<void> {
  let closed = false
  const closing = wire.close({ drainMs: 0 }).finally(() => {
    closed = true
  })
  for (; !closed; await nextTurn()) clock.advance(1_000)
  await closing
}

/** All that a stream has, and what it ends with. */
export async function all<Item>(stream: AsyncIterable<Item>): Promise<{ items: Item[]; error?: NanowireError }> {
  const items: Item[] = []
  try {
    for await (const item of stream) items.push(item)
    return { items }
  } catch (error) {
    return { items, error: error as NanowireError } // looked at by each test
  }
}

export async function* endless(
  counted: { count: number; ended: number },
  text = 'x',
): AsyncGenerator<{ n: number; text: string }> {
  try {
    for (;;) yield { n: counted.count++, text }
  } finally {
    counted.ended++
  }
}

/** A request of `count`. */
export const asked = { count: 3, bytes: 1 }
