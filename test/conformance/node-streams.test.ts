/** A stream of items as a stream of Node's or the web's, and the other way round, in every place. */
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { router } from '../../src/index.ts'
import { Feed, feed } from '../../src/testing/conformance/feed.ts'
import { HandClock, nextTurn, passing } from '../../src/testing/hand-clock.ts'
import type { OpenedPlace } from '../../src/testing/index.ts'
import { places } from './places.ts'

const SIZE = 50_000
const COUNT = 40

/** Handlers that were told to stop. */
let stopped = 0
const service = feed({
  async *blobs({ count, size }, ctx) {
    try {
      for (let n = 0; n < count || count < 0; n++) yield new Uint8Array(size).fill(n)
    } finally {
      if (ctx.signal.aborted) stopped++
    }
  },
  async store(items) {
    let bytes = 0
    for await (const item of items) bytes += item.length
    return bytes
  },
  texts: (texts) => Readable.from(texts),
})

let opened: OpenedPlace | undefined
const clock = new HandClock()
afterEach(async () => {
  const place = opened
  opened = undefined
  await passing([clock], Promise.all([place?.connection.close({ drainMs: 0 }), place?.close?.({ drainMs: 0 })]))
})

describe.each(places)('in $name', (place) => {
  async function open() {
    opened = await place.open(router([service]), { clock, server: { clock }, client: { clock }, local: { clock } })
    return opened.connection.client(Feed)
  }

  const untilFree = async () => {
    while ((opened?.connection.stats().inFlight ?? 0) > 0) await nextTurn()
  }

  it('is read by Readable.from, and piped', async () => {
    const { blobs } = await open()
    let bytes = 0
    const sink = new Writable({
      write(chunk: Uint8Array, _, done) {
        bytes += chunk.length
        setImmediate(done)
      },
    })
    await pipeline(Readable.from(blobs({ count: COUNT, size: SIZE })), sink)
    expect(bytes).toBe(COUNT * SIZE)
  })

  it('is left when the Readable is destroyed, whether or not it was read', async () => {
    const { blobs } = await open()
    const before = stopped
    for (const isRead of [true, false]) {
      const readable = Readable.from(blobs({ count: -1, size: SIZE }))
      if (isRead) await once(readable, 'data')
      readable.destroy()
      if (!readable.closed) await once(readable, 'close')
    }
    await untilFree()
    expect(stopped).toBeGreaterThan(before)
  })

  it('gives what a Readable has, and what a web stream has', async () => {
    const { store } = await open()
    const chunks = Array.from({ length: COUNT }, () => new Uint8Array(SIZE))
    expect(await store(Readable.from(chunks))).toBe(COUNT * SIZE)
    const web = new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.pop()
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
    })
    expect(await store(web)).toBe(COUNT * SIZE)
  })

  it('answers with what a Readable has', async () => {
    const { texts } = await open()
    const got: string[] = []
    for await (const text of texts(['a', '', 'b'])) got.push(text)
    expect(got).toEqual(['a', '', 'b'])
  })
})
