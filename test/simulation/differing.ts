/** Runs in which the client's contract is older than the server's: each method is judged before its calls go (spec/session.md, S32). */
import Type from 'typebox'
import { clientStream, contract, serverStream, service, unary } from '../../src/index.ts'
import type { SimulateOptions, Simulation } from '../../src/testing/index.ts'
import { forgetStreams, forgotten } from './kept-flows.ts'

export const CALLS = 24

const Old = contract('stock', {
  count: unary(Type.Object({ item: Type.String({ maxLength: 10 }) }), Type.Integer({ maximum: 1_000 })),
  move: unary(Type.Object({ item: Type.String(), to: Type.String() }), Type.Null()),
  audit: unary(Type.Object({}), Type.Null()),
  list: serverStream(Type.Object({ item: Type.String({ maxLength: 10 }) }), Type.Integer({ maximum: 1_000 })),
  fill: clientStream(Type.Object({ item: Type.String() }), Type.Null()),
})

const New = contract('stock', {
  count: unary(Type.Object({ item: Type.String({ maxLength: 20 }) }), Type.Integer({ maximum: 100 })), // compatible
  move: unary(Type.Object({ item: Type.String(), to: Type.Integer() }), Type.Null()), // breaking
  list: serverStream(Type.Object({ item: Type.String({ maxLength: 20 }) }), Type.Integer({ maximum: 100 })), // compatible
  fill: clientStream(Type.Object({ item: Type.Integer() }), Type.Null()), // breaking
})

/** What became of the calls of each method. */
export interface Outcomes {
  /** Calls that ended well although the contracts differ. */
  judged: number
  /** Calls that the client refused as breaking. */
  refused: number
  /** Calls of a method that the server lacks. */
  lacking: number
  /** Breaking or lacking calls that ended in any way that they may not, and handlers of them that ran. */
  wrong: number
}

export function differing(): { readonly options: SimulateOptions; readonly outcomes: Outcomes } {
  const outcomes: Outcomes = { judged: 0, refused: 0, lacking: 0, wrong: 0 }
  const options: SimulateOptions = {
    services(sim: Simulation) {
      forgetStreams(sim)
      return service(New, {
        count: ({ item }) => item.length,
        move() {
          outcomes.wrong++
          return null
        },
        list: ({ item }) => Array.from({ length: item.length }, (_, index) => index),
        async fill(items) {
          for await (const _ of items) outcomes.wrong++ // where nobody could judge, it runs, and meets no item that does not fit
          return null
        },
      })
    },
    async workload(sim: Simulation) {
      const { count, move, audit, list, fill } = sim.client(Old)
      const listed = async (item: string) => {
        try {
          let next = 0
          for await (const number of list({ item })) if (number !== next++) outcomes.wrong++
          return { ok: next === item.length, error: { code: 'lost' } }
        } catch (error) {
          return { ok: false, error }
        }
      }
      const calls: Promise<void>[] = []
      const add = (ending: Promise<{ readonly ok: boolean; readonly error?: unknown }>, seen: (code: string) => void) =>
        calls.push(
          ending.then(({ ok, error }) => seen(ok ? 'ok' : (error as { code: string }).code)), // as .try says
        )
      for (let index = 0; index < CALLS; index++) {
        await sim.sleep(Math.floor(sim.random() * 120))
        const kind = sim.random()
        if (kind < 0.15)
          add(listed('x'.repeat(index % 10)), (code) => {
            if (code === 'ok') outcomes.judged++
            if (code === 'failed_precondition' || code === 'lost') outcomes.wrong++
          })
        else if (kind < 0.25)
          add(fill.try([{ item: 'x' }, { item: 'y' }]), (code) => {
            if (code === 'failed_precondition') outcomes.refused++
            if (code === 'ok') outcomes.wrong++
          })
        else if (kind < 0.6)
          add(count.try({ item: 'x'.repeat(index % 10) }), (code) => {
            if (code === 'ok') outcomes.judged++
            if (code === 'failed_precondition') outcomes.wrong++
          })
        else if (kind < 0.83)
          add(move.try({ item: 'x', to: 'y' }), (code) => {
            if (code === 'failed_precondition') outcomes.refused++
            if (code === 'ok') outcomes.wrong++
          })
        else
          add(audit.try({}), (code) => {
            if (code === 'unimplemented' || code === 'failed_precondition') outcomes.lacking++
            if (code === 'ok') outcomes.wrong++
          })
      }
      await Promise.all(calls)
    },
    invariants: {
      ...forgotten,
      'a breaking call never runs, and a compatible one is not refused': () => outcomes.wrong === 0,
    },
  }
  return { options, outcomes }
}
