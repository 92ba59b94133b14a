/** A user's own workload with streams and events: sim.client has them as any client has, and every item is judged. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  bidiStream,
  clientStream,
  contract,
  event,
  type Service,
  serverStream,
  service,
  unary,
} from '../../src/index.ts'
import { type SimulateOptions, type Simulation, simulate } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const Numbered = Type.Object({ n: Type.Integer() })
const Desk = contract('desk', {
  count: serverStream(Type.Object({ to: Type.Integer() }), Numbered),
  sum: clientStream(Numbered, Numbered),
  twice: bidiStream(Numbered, Numbered),
  say: unary(Type.Object({ room: Type.String(), n: Type.Integer() }), Type.Void()),
  said: event(Type.Object({ room: Type.String(), n: Type.Integer() }), { key: 'room' }),
})

function desk(): Service<typeof Desk> {
  const made: Service<typeof Desk> = service(Desk, {
    async *count({ to }) {
      for (let n = 0; n < to; n++) yield { n }
    },
    async sum(items) {
      let n = 0
      for await (const item of items) n += item.n
      return { n }
    },
    async *twice(items) {
      for await (const { n } of items) yield { n: 2 * n }
    },
    say(body) {
      made.publish.said(body)
    },
  })
  return made
}

const runOf = (workload: (simulation: Simulation) => Promise<void>, options: Partial<SimulateOptions> = {}) =>
  simulate({ services: desk, seeds: 20, faults: ['delay', 'split', 'join'], ...options, workload })

describe('streams in a workload', { timeout: PATIENCE_MS }, () => {
  it('are those of any client, and come whole however the network splits them', async () => {
    const { items, codes } = await runOf(async (sim) => {
      const { count, sum, twice } = sim.client(Desk)
      const seen: number[] = []
      for await (const { n } of count({ to: 100 })) seen.push(n)
      expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n))
      expect(await sum([{ n: 1 }, { n: 2 }])).toEqual({ n: 3 })
      expect(await sum.try([{ n: 4 }])).toEqual({ ok: true, value: { n: 4 } })
      for await (const { n } of twice([{ n: 5 }])) expect(n).toBe(10)
    })
    expect(codes).toEqual({ ok: 80 })
    expect(items).toBe(20 * (100 + 3 + 2))
  })

  it('may be long: what is checked of an item takes no longer for those before it', async () => {
    const { items } = await runOf(
      async (sim) => {
        let next = 0
        for await (const { n } of sim.client(Desk).count({ to: 100_000 }))
          if (n !== next++) throw new Error(`${n} came`)
      },
      { seeds: 1, faults: [] },
    )
    expect(items).toBe(100_000)
  })

  it('are left at the end where they were not read', async () => {
    const { codes } = await runOf(async (sim) => {
      const stream = sim.client(Desk).count({ to: 1_000_000 })
      expect(await stream.next()).toEqual({ done: false, value: { n: 0 } })
    })
    expect(codes).toEqual({ left: 20 })
  })

  it('end when their connection is lost, behind what has come', async () => {
    const { codes, faults } = await runOf(
      async (sim) => {
        let next = 0
        const read = async () => {
          for await (const { n } of sim.client(Desk).count({ to: 200 })) {
            expect(n).toBe(next++)
            await sim.sleep(10)
          }
        }
        await read().catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }))
      },
      { faults: ['cut'], seeds: 60 },
    )
    expect(faults.cut).toBeGreaterThan(5)
    expect(codes['unavailable']).toBeGreaterThan(5)
    expect(codes['ok']).toBeGreaterThan(5)
  })
})

describe('events in a workload', { timeout: PATIENCE_MS }, () => {
  it('come to who subscribed to their key, whoever publishes them', async () => {
    const { codes } = await runOf(async (sim) => {
      const { said, say } = sim.client(Desk)
      const own = said({ room: 'own' })
      const all = said()
      await Promise.all([own.ready, all.ready])
      await say({ room: 'other', n: 1 })
      await say({ room: 'own', n: 2 })
      expect(await own.next()).toMatchObject({ value: { n: 2 } })
      expect(await all.next()).toMatchObject({ value: { n: 1 } })
      expect(await all.next()).toMatchObject({ value: { n: 2 } })
      expect([own.sequence, all.sequence, all.dropped]).toEqual([1, 2, 0])
      await own.return()
    })
    expect(codes).toEqual({ ok: 40, left: 40 })
  })
})
