/** How calls beside transfers are measured, with a client in memory and a clock that goes on when it is looked at. */
import { describe, expect, it } from 'vitest'
import { measureMixed } from './mixed-load.ts'
import { answer, BYTES, type Client, chunksOf } from './work.ts'

const MIB = 2 ** 20

/** Answers in a later turn, and counts what is going on at once. */
function clientOf() {
  const seen = { calls: 0, mostCalls: 0, mostEchoes: 0, streams: 0, ended: 0 }
  const open = { calls: 0, echoes: 0 }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const client: Client = {
    async small(request) {
      seen.calls++
      seen.mostCalls = Math.max(seen.mostCalls, ++open.calls)
      await turn()
      open.calls--
      return answer(request)
    },
    record: async (order) => order,
    async bytes(bytes) {
      seen.mostEchoes = Math.max(seen.mostEchoes, ++open.echoes)
      await turn()
      open.echoes--
      return bytes
    },
    streams: {
      async *chunks(count) {
        seen.streams++
        try {
          for await (const chunk of chunksOf(count)) {
            await turn()
            yield chunk
          }
        } finally {
          seen.ended++
        }
      },
    },
  }
  return { client, seen }
}

/** A millisecond for each look. */
function clock(): () => number {
  let ms = 0
  return () => ++ms
}

it('calls alone transfer nothing', async () => {
  const { client, seen } = clientOf()
  const load = { calls: { inFlight: 3 }, transfer: 'echo', transfers: 0, seconds: 0.1 } as const
  const measured = await measureMixed(client, load, clock())
  expect(seen).toMatchObject({ mostCalls: 3, mostEchoes: 0, streams: 0 })
  expect(measured).toMatchObject({ calls: seen.calls, bytesPerSecond: 0 })
  expect(measured.p50).toBeGreaterThan(0)
})

it('transfers alone make no calls', async () => {
  const { client, seen } = clientOf()
  const measured = await measureMixed(client, { transfer: 'echo', transfers: 2, seconds: 0.1 }, clock())
  expect(seen).toMatchObject({ calls: 0, mostEchoes: 2 })
  expect(measured.calls).toBe(0)
  // Each echo of 3 MiB is looked at twice, and each look takes a millisecond.
  expect(measured.bytesPerSecond / (3 * MIB)).toBeGreaterThan(400)
  expect(measured.bytesPerSecond / (3 * MIB)).toBeLessThan(600)
})

it('calls and transfers go on at once, and streams are ended', async () => {
  const { client, seen } = clientOf()
  const load = { calls: { inFlight: 2 }, transfer: 'stream', transfers: 2, seconds: 0.1 } as const
  const measured = await measureMixed(client, load, clock())
  expect(seen).toMatchObject({ mostCalls: 2, streams: 2, ended: 2 })
  expect(measured.calls).toBeGreaterThan(0)
  expect(measured.bytesPerSecond).toBeGreaterThan(BYTES)
})

it('paced calls are as many as the time has room for, however late the timer is', async () => {
  const { client, seen } = clientOf()
  let ms = 0
  const late = () => {
    ms += 5 // of which the first look of a tick says how many are due
    return ms
  }
  const load = { calls: { perMs: 2 }, transfer: 'echo', transfers: 0, seconds: 0.05 } as const
  expect((await measureMixed(client, load, late)).calls).toBe(100)
  expect(seen.calls).toBe(100)
})

describe('an error', () => {
  const load = { calls: { inFlight: 1 }, transfer: 'stream', transfers: 1, seconds: 0.1 } as const

  it('is a reply to another call', async () => {
    const { client } = clientOf()
    const mixed: Client = { ...client, small: async ({ id }) => answer({ id: id + 1, name: '', tags: [], score: 0 }) }
    await expect(measureMixed(mixed, load, clock())).rejects.toThrow('call 0 got the reply of 1')
  })

  it('is an echo of another length', async () => {
    const { client } = clientOf()
    const short: Client = { ...client, bytes: async () => new Uint8Array(7) }
    const problem = `of ${3 * MIB} bytes 7 came back`
    await expect(measureMixed(short, { ...load, transfer: 'echo' }, clock())).rejects.toThrow(problem)
  })

  it('is a stream that there is not', async () => {
    const { client } = clientOf()
    const without: Client = { ...client, streams: undefined }
    await expect(measureMixed(without, load, clock())).rejects.toThrow('it has no stream of chunks to read')
  })
})
