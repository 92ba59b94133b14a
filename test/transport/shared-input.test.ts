/** Input of many clients in one buffer: nobody finds another's bytes in his own (spec/architecture.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, connect, contract, serve, service, unary } from '../../src/index.ts'
import { SharedInput } from '../../src/transport/shared-input.ts'
import { FrameDecoder, kinds } from '../../src/wire/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { frameBytes } from '../support/slow-frames.ts'

const Echo = contract('echo', { bytes: unary(Type.Object({ data: Bytes() }), Type.Object({ data: Bytes() })) })

describe('shared input', () => {
  it('that comes before anybody listens is kept by itself', () => {
    const input = new SharedInput()
    const { buffer, callback } = input.onread
    const into = buffer as Uint8Array // it is no function
    into.set([1, 2, 3])
    callback(3, into)
    into.set([4, 5])
    callback(2, into)
    const got: number[][] = []
    input.listen((bytes) => got.push([...bytes]))
    expect(got).toEqual([
      [1, 2, 3],
      [4, 5],
    ])
    into.set([6])
    callback(1, into)
    expect(got.at(-1)).toEqual([6])
  })

  it('is copied where a decoder has not read it to its end', () => {
    const decoder = new FrameDecoder()
    const first = frameBytes(kinds.CANCEL, 0, 1)
    const second = frameBytes(kinds.PING, 0, 0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    const chunk = new Uint8Array([...first, ...second])
    decoder.push(chunk)
    expect(decoder.read()).toBe(true)
    decoder.keepUnread()
    chunk.fill(0xff)
    expect(decoder.read()).toBe(true)
    expect([decoder.kind, [...decoder.buffer.subarray(decoder.start, decoder.end)]]).toEqual([
      kinds.PING,
      [1, 2, 3, 4, 5, 6, 7, 8],
    ])
  })

  it('of many connections at a time comes out as each server sent it', async () => {
    const handlers = service(Echo, { bytes: (request) => request })
    const clock = new HandClock()
    await using server = await serve(handlers, 'tcp://127.0.0.1:0', { clock })
    const connections = Array.from({ length: 8 }, () => connect(server.url, { clock }))
    const calls = connections.flatMap((connection, index) =>
      [10, 3_000, 70_000, 200_000].map(async (length) => {
        const data = Uint8Array.from({ length }, (_, at) => (at * 7 + index * 31 + length) & 0xff)
        const reply = await connection.client(Echo).bytes({ data })
        return Buffer.compare(reply.data, data)
      }),
    )
    expect(new Set(await Promise.all(calls))).toEqual(new Set([0]))
    await Promise.all(connections.map((connection) => connection.close()))
  })
})
