/** The router of both tRPC systems. Its validators are TypeBox's compiled checks, the fastest that it takes. */
import { initTRPC } from '@trpc/server'
import { Compile } from 'typebox/compile'
import { schemas } from '../schemas.ts'
import { answer, type Client, itemsOf, type Order, type SmallRequest } from '../work.ts'
import { fromBase64, toBase64 } from './net.ts'

const { router, procedure } = initTRPC.create()

/** A function that throws is one of the kinds of validators that tRPC takes. */
function parserOf<T>(schema: (typeof schemas)['request' | 'order' | 'base64']): (input: unknown) => T {
  const check = Compile(schema)
  return (input) => {
    if (!check.Check(input)) throw new TypeError('not what the schema says')
    return input as T // checked
  }
}

export const appRouter = router({
  small: procedure.input(parserOf<SmallRequest>(schemas.request)).mutation(({ input }) => answer(input)),
  record: procedure.input(parserOf<Order>(schemas.order)).mutation(({ input }) => input),
  bytes: procedure.input(parserOf<{ data: string }>(schemas.base64)).mutation(({ input }) => input),
  items: procedure.input((count) => Number(count)).subscription(({ input }) => itemsOf(input)),
})

interface Mutation<Q, A> {
  mutate(input: Q): Promise<A>
}

export const clientOf = (trpc: {
  readonly small: Mutation<SmallRequest, ReturnType<typeof answer>>
  readonly record: Mutation<Order, Order>
  readonly bytes: Mutation<{ data: string }, { data: string }>
}): Client => ({
  small: (request) => trpc.small.mutate(request),
  record: (order) => trpc.record.mutate(order),
  bytes: async (bytes) => fromBase64(await trpc.bytes.mutate(toBase64(bytes))),
})
