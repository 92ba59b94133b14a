/** Starts and stops of services that use each other in any way. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connect, type Service } from '../../src/index.ts'
import { lifecycleOf, noted } from '../support/noted.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

/** A graph without circles: each service uses some of those before it. */
const graphs = fc.integer({ min: 1, max: 9 }).chain((size) =>
  fc.record({
    edges: fc.tuple(...Array.from({ length: size }, (_, at) => fc.subarray(Array.from({ length: at }, (_, i) => i)))),
    order: fc.shuffledSubarray(
      Array.from({ length: size }, (_, at) => at),
      { minLength: size },
    ),
    failing: fc.option(fc.nat({ max: size - 1 }), { nil: undefined }),
    encoded: fc.boolean(),
  }),
)

describe('whatever uses what', () => {
  it('starts follow the uses, stops are the exact reverse, and a failing start stops exactly what had started', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async ({ edges, order, failing, encoded }) => {
        const log: string[] = []
        const services: Service[] = []
        edges.forEach((used, at) => {
          const uses = used.map((one) => services[one] as Service) // earlier ones
          const start = (): void => {
            if (at === failing) throw new Error('no')
          }
          services.push(noted(`s${at}`, log, uses, { start }))
        })
        const wire = connect(
          order.map((at) => services[at] as Service), // all of them
          { encoded },
        )
        const failure = await wire.ready().catch((error: unknown) => error)
        await wire.close()
        const hooks = lifecycleOf(log)
        const starts = hooks.filter((line) => line.startsWith('start')).map((line) => Number(line.slice(7)))
        expect(hooks.slice(starts.length)).toEqual([...starts].reverse().map((at) => `stop s${at}`))
        for (const [position, at] of starts.entries())
          for (const used of edges[at] ?? []) expect(starts.indexOf(used)).toBeLessThan(position)
        for (const used of starts) expect(starts.indexOf(used)).toBeGreaterThanOrEqual(0)
        if (failing === undefined) expect([failure, starts.length]).toEqual([undefined, edges.length])
        else {
          expect(failure).toMatchObject({ message: `the service s${failing} did not start: Error: no` })
          expect(starts).not.toContain(failing)
        }
      }),
      runs(150),
    )
  })
})
