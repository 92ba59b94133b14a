/** What a stream over a connection does while the user's own code runs within it: getters of items that call back. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, clientStream, connect, contract, serverStream, service, unary } from '../../src/index.ts'

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
