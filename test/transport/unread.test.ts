/** What a link holds for a peer that takes nothing (spec/session.md, S17): about as much memory as it has bytes to send. */
import { connect } from 'node:net'
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import type { LinkListener } from '../../src/session/index.ts'
import { listenTcp, type SocketLink } from '../../src/transport/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { joined } from '../support/slow-frames.ts'
import { anywhere, context, portOf, until } from './sockets.ts'

const silent: LinkListener = {
  bytesReceived() {},
  frameReceived() {},
  streamBroken() {},
  linkDrained() {},
  linkClosed() {},
}
/** Beside what systems take of a connection. */
const BEHIND_BYTES = 200_000
const BATCHES = 500
const MOST_SLABS = 8

function send(link: SocketLink, bytes: Uint8Array): void {
  link.writer.large(bytes)
  link.flush()
}

/** A link of a server to a peer that reads nothing yet. */
async function unread(listen: LinkListener = silent, options = context) {
  const links: SocketLink[] = []
  const listener = await listenTcp(anywhere, options, (one) => {
    one.attach(listen)
    links.push(one)
  })
  onTestFinished(() => listener.close())
  const peer = connect({ host: '127.0.0.1', port: portOf(listener.url) }).pause()
  onTestFinished(() => void peer.destroy())
  await until(() => links.length > 0)
  const [link] = links
  if (!link) throw new Error('nobody has connected')
  return { link, peer }
}

it('a byte at a time waits in few slabs, and comes in its order', async () => {
  const { link, peer } = await unread()
  for (; link.flushedBytes - link.takenBytes < BEHIND_BYTES; await nextTurn()) send(link, new Uint8Array(60_000))
  const before = slabsTaken()
  for (let n = 0; n < BATCHES; n++) send(link, Uint8Array.of(1 + (n % 250)))
  expect(slabsTaken() - before).toBeLessThan(MOST_SLABS)

  const chunks: Uint8Array[] = []
  let length = 0
  peer.on('data', (chunk) => {
    chunks.push(chunk)
    length += chunk.length
  })
  peer.resume()
  await until(() => length === link.flushedBytes)
  expect([...joined(chunks).subarray(-BATCHES)]).toEqual(Array.from({ length: BATCHES }, (_, n) => 1 + (n % 250)))
  await until(() => slabsTaken() < before)
})

it.each([16_384, 65_536])(
  'a backlog ends, and is said to, whatever Node calls much: %d bytes',
  async (highWaterMark) => {
    const before = getDefaultHighWaterMark(false)
    setDefaultHighWaterMark(false, highWaterMark) // Node 20 has the one, Node 22 the other
    onTestFinished(() => setDefaultHighWaterMark(false, before))
    let drains = 0
    const limits = resolveLimits({ maxBacklogBytes: 16_384 })
    const { link, peer } = await unread({ ...silent, linkDrained: () => drains++ }, { ...context, limits })
    for (; !link.isCongested; await nextTurn()) send(link, new Uint8Array(5_000))
    expect(drains).toBe(0)
    peer.resume()
    await until(() => drains > 0)
    expect(link.isCongested).toBe(false)
  },
)
