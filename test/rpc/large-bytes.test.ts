/** Large bytes are their owner's again as soon as they were given to a call: whatever becomes of them then, hurts no call (spec/codecs.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, connect, contract, notify, serve, service, unary } from '../../src/index.ts'
import { HandClock } from '../support/hand-clock.ts'

const Store = contract('store', {
  put: unary(Type.Object({ data: Bytes() }), Type.Object({ bytes: Type.Integer(), sum: Type.Integer() })),
  get: unary(Type.Object({ bytes: Type.Integer() }), Type.Object({ data: Bytes() })),
})

const sumOf = (data: Uint8Array): number => data.reduce((sum, byte) => sum + byte, 0)
const ones = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(1)

/** Calls have all the time that they need: no time passes. */
const clock = new HandClock()

/** As a thread takes them over. Nobody keeps the memory. */
const transfer = (data: Uint8Array): void => {
  structuredClone(data, { transfer: [data.buffer as ArrayBuffer] }) // it is no other
}

const store = service(Store, {
  put: ({ data }) => ({ bytes: data.length, sum: sumOf(data) }),
  get: ({ bytes }) => ({ data: ones(bytes) }),
})

describe('large bytes', () => {
  it.each([9_000, 65_536, 1_000_000, 3_000_000])(
    'of %i that are transferred right after their calls arrive whole',
    async (bytes) => {
      await using server = await serve(store, 'tcp://127.0.0.1:0', { clock })
      await using connection = connect(server.url, { clock })
      const client = connection.client(Store)
      await client.put({ data: ones(1) })
      const calls = Array.from({ length: 12 }, () => {
        const data = ones(bytes)
        const call = client.put({ data })
        transfer(data)
        expect(data.length).toBe(0)
        return call
      })
      const small = client.put({ data: ones(3) })
      expect(new Set((await Promise.all(calls)).map((reply) => JSON.stringify(reply)))).toEqual(
        new Set([JSON.stringify({ bytes, sum: bytes })]),
      )
      expect(await small).toEqual({ bytes: 3, sum: 3 })
    },
  )

  it('of a call that waits for its connection may change at once', async () => {
    await using server = await serve(store, 'tcp://127.0.0.1:0', { clock })
    await using connection = connect(server.url, { clock })
    const data = ones(100_000)
    const call = connection.client(Store).put({ data })
    data.fill(7)
    expect(await call).toEqual({ bytes: 100_000, sum: 100_000 })
  })

  it('of a call that waits for a place may change at once', async () => {
    const waiting: (() => void)[] = []
    const slow = service(Store, {
      put: async ({ data }) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return { bytes: data.length, sum: sumOf(data) }
      },
      get: () => ({ data: ones(1) }),
    })
    await using server = await serve(slow, 'tcp://127.0.0.1:0', { clock, limits: { maxCallsInFlight: 1 } })
    await using connection = connect(server.url, { clock })
    await connection.ready()
    const { put } = connection.client(Store)
    const first = put({ data: ones(10_000) })
    const data = ones(100_000)
    const second = put({ data })
    data.fill(7)
    while (waiting.length === 0) await new Promise(setImmediate)
    waiting.pop()?.()
    expect((await first).sum).toBe(10_000)
    while (waiting.length === 0) await new Promise(setImmediate)
    waiting.pop()?.()
    expect((await second).sum).toBe(100_000)
  })

  it('of a notify may change as soon as it was sent', async () => {
    const sums: number[] = []
    let resolve: () => void = () => {}
    const all = new Promise<void>((done) => {
      resolve = done
    })
    const Log = contract('log', { write: notify(Type.Object({ data: Bytes() })) })
    const log = service(Log, {
      write({ data }) {
        sums.push(sumOf(data))
        if (sums.length === 8) resolve()
      },
    })
    await using server = await serve(log, 'tcp://127.0.0.1:0', { clock })
    await using connection = connect(server.url, { clock })
    await connection.ready()
    const { write } = connection.client(Log)
    const data = new Uint8Array(3_000_000)
    for (let n = 1; n <= 8; n++) {
      data.fill(n)
      await write({ data })
    }
    await all
    expect(sums.sort((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * 3_000_000))
  })

  it('of a reply arrive whole, whatever else the server sends', async () => {
    await using server = await serve(store, 'tcp://127.0.0.1:0', { clock })
    await using connection = connect(server.url, { clock })
    const { get } = connection.client(Store)
    const sizes = [1, 8_191, 8_192, 65_536, 65_537, 1_000_000, 12]
    const replies = await Promise.all(sizes.map((bytes) => get({ bytes })))
    expect(replies.map(({ data }) => [data.length, sumOf(data)])).toEqual(sizes.map((bytes) => [bytes, bytes]))
  })
})
