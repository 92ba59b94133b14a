/** What a stream over a connection does while the user's own code runs within it: getters of items that call back. */
import { createReadStream } from 'node:fs'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, clientStream, connect, contract, event, serve, serverStream, service, unary } from '../../src/index.ts'
import { until } from '../support/hand-clock.ts'

const Uploads = contract('uploads', {
  send: clientStream(Type.Object({ n: Type.Integer(), text: Type.String() }), Type.Integer()),
  ping: unary(Type.Null(), Type.Integer()),
})

const uploads = service(Uploads, {
  async send(items) {
    let count = 0
    for await (const _ of items) count++
    return count
  },
  ping: () => 1,
})

describe.each([10, 100_000])('an item of %i characters', (size) => {
  it('whose getter cancels its own call leaves nothing behind the CANCEL', async () => {
    await using wire = connect(uploads, { encoded: true })
    const { send, ping } = wire.client(Uploads)
    await ping(null)
    const controller = new AbortController()
    const items = Array.from({ length: 6 }, (_, n) => ({
      n,
      get text() {
        if (n === 3) controller.abort()
        return 'x'.repeat(size)
      },
    }))
    await expect(send(items, { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect(await ping(null)).toBe(1)
    expect(wire.stats().connections).toBe(1)
    expect(wire.stats().calls['uploads/ping']).toEqual({ ok: 2 })
  })

  it('whose getter makes calls arrives as it is', async () => {
    await using wire = connect(uploads, { encoded: true })
    const { send, ping } = wire.client(Uploads)
    const pings: Promise<number>[] = []
    const items = Array.from({ length: 6 }, (_, n) => ({
      n,
      get text() {
        pings.push(ping(null))
        return 'x'.repeat(size)
      },
    }))
    expect(await send(items)).toBe(6)
    expect(await Promise.all(pings)).toEqual(pings.map(() => 1))
  })
})

const Files = contract('files', {
  read: serverStream(Type.Object({ bytes: Type.Integer(), count: Type.Integer() }), Bytes()),
})

const files = service(Files, {
  async *read({ bytes, count }) {
    for (let n = 0; n < count; n++) yield new Uint8Array(bytes).fill(n)
  },
})

describe('large items that nobody takes (F13)', () => {
  it.each([
    [20, 1_000_000],
    [130, 100_000],
  ])('of %i streams do not hold up a stream whose consumer waits', async (streams, bytes) => {
    await using wire = connect(files, { encoded: true })
    const { read } = wire.client(Files)
    const untaken = Array.from({ length: streams }, () => read({ bytes, count: 3 }))
    await untaken[0]?.next() // all of them have begun
    const lengths: number[] = []
    for await (const item of read({ bytes: 100_000, count: 5 })) lengths.push(item.length)
    expect(lengths).toEqual(Array(5).fill(100_000))
    for (const stream of untaken) await stream.return()
  })
})

const Chat = contract('chat', {
  join: serverStream(Type.Null(), Type.String()),
  left: event(Type.Object({ pad: Type.String() }), { slow: { policy: 'disconnect', maxItems: 3 } }),
})

/** A way to a server that can be cut. */
async function cuttable(
  port: number,
): Promise<{ readonly url: string; cut(): void; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets: Socket[] = []
  const proxy = createServer((down) => {
    const up = connectSocket(port, '127.0.0.1')
    for (const socket of [down, up]) sockets.push(socket.on('error', () => {}))
    down.pipe(up).pipe(down)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `tcp://127.0.0.1:${(proxy.address() as AddressInfo).port}`, // it listens
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}

describe('a handler that publishes when its connection is lost', () => {
  // some of these counts fill the budget, so that the last body ends the subscription within the end of the first call
  it.each(Array.from({ length: 12 }, (_, n) => 14 + n))(
    'to a subscriber of it that %i bodies wait for',
    async (count) => {
      const chat = service(Chat, {
        async *join(_, ctx) {
          const gone = new Promise((resolve) => {
            ctx.signal.addEventListener('abort', () => {
              chat.publish.left({ pad: 'x'.repeat(1_000) })
              resolve(undefined)
            })
          })
          yield 'welcome'
          await gone
        },
      })
      await using server = await serve(chat, 'tcp://127.0.0.1:0')
      await using way = await cuttable(Number(new URL(server.url).port))
      await using wire = connect(way.url)
      const { join, left } = wire.client(Chat)
      const joined = join(null)
      await joined.next()
      const subscription = left()
      await subscription.ready
      for (let n = 0; n < count; n++) chat.publish.left({ pad: 'x'.repeat(1_000) })
      way.cut()
      await expect(joined.next()).rejects.toMatchObject({ code: 'unavailable' })
      await until(() => server.stats().inFlight === 0)
      expect(server.stats().calls['chat/join']).toEqual({ cancelled: 1 })
    },
  )
})

describe('what a caller gives for its items', () => {
  it('may fail before anything is connected', async () => {
    await using wire = connect(uploads, { encoded: true })
    const missing = createReadStream('/no/such/file') as AsyncIterable<never>
    await expect(wire.client(Uploads).send(missing)).rejects.toMatchObject({
      cause: expect.objectContaining({ code: 'ENOENT' }),
    })
  })

  it.each(['memory', 'encoded'])('is refused a second time, for it is gone (%s)', async (place) => {
    await using wire = connect(uploads, { encoded: place === 'encoded' })
    const { send } = wire.client(Uploads)
    const items = (function* () {
      yield { n: 1, text: 'one' }
    })()
    expect(await send(items)).toBe(1)
    await expect(send(items)).rejects.toMatchObject({ code: 'invalid_argument', processed: 'no' })
    const unused = (function* () {
      yield { n: 1, text: 'one' }
    })()
    await expect(send(unused, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(send(unused)).rejects.toMatchObject({ message: expect.stringContaining('make new ones') })
    const list = [{ n: 1, text: 'one' }]
    expect([await send(list), await send(list)]).toEqual([1, 1])
  })

  it('is ended where an option of the call is wrong', async () => {
    await using wire = connect(uploads)
    let hasEnded = false
    const items = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: true as const, value: undefined }),
        return() {
          hasEnded = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    const options = { timeout: 5 } as never // as a caller without types
    await expect(wire.client(Uploads).send(items, options)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(hasEnded).toBe(true)
  })
})
