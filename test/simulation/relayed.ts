/**
 * Runs with several clients and three servers, one of which asks the two others over the network: calls, streams and events go
 * through it, and an order of two parts is remembered where it is made (spec/testing.md).
 */
import Type from 'typebox'
import { bidiStream, contract, event, type Service, serverStream, service, unary } from '../../src/index.ts'
import type { SimulateOptions, Simulation } from '../../src/testing/index.ts'
import { forgetStreams, forgotten } from './kept-flows.ts'

const Id = Type.Object({ id: Type.Integer({ minimum: 0, maximum: 1_000_000 }) })
const Count = Type.Object({ id: Type.Integer(), count: Type.Integer({ minimum: 0, maximum: 40 }) })
const Numbered = Type.Object({ id: Type.Integer(), n: Type.Integer() })

const Stock = contract('stock', {
  take: unary(Id, Id, { errors: { Gone: Id } }),
  list: serverStream(Count, Numbered),
  echo: bidiStream(Numbered, Numbered),
  taken: event(Id),
})

const Ledger = contract('ledger', { write: unary(Id, Type.Object({ line: Type.Integer() })) })

const Orders = contract('orders', {
  place: unary(Id, Type.Object({ line: Type.Integer() }), { errors: { Gone: Id }, timeoutMs: 3_000 }),
  peek: unary(Count, Type.Object({ n: Type.Optional(Type.Integer()) })),
  list: serverStream(Count, Numbered),
  echo: bidiStream(Numbered, Numbered),
})

/** What the servers have, wherever they crash. */
interface Books {
  readonly taken: Set<number>
  readonly lines: number[]
  /** Orders that were told to be placed. */
  readonly placed: number[]
}

function stock(books: Books): Service<typeof Stock> {
  const made: Service<typeof Stock> = service(Stock, {
    take({ id }, ctx) {
      if (id % 5 === 0) throw ctx.error('Gone', { id })
      books.taken.add(id)
      made.publish.taken({ id })
      return { id }
    },
    *list({ id, count }) {
      for (let n = 0; n < count; n++) yield { id, n }
    },
    echo: (items) => items,
  })
  return made
}

function orders(books: Books): Service {
  return service(
    Orders,
    {
      async place({ id }, ctx) {
        const taken = await ctx.uses.stock.take.try({ id })
        if (!taken.ok) throw taken.error.code === 'Gone' ? ctx.error('Gone', { id }) : taken.error
        const written = await ctx.uses.ledger.write({ id }, { timeoutMs: 1_000 })
        books.placed.push(id)
        return written
      },
      async peek(asked, ctx) {
        const { value } = await ctx.uses.stock.list(asked).next() // and what of it is not taken ends with this call
        return value ? { n: value.n } : {}
      },
      async *list(asked, ctx) {
        yield* ctx.uses.stock.list(asked)
      },
      echo: (items, ctx) => ctx.uses.stock.echo(items),
    },
    { uses: { stock: Stock, ledger: Ledger } },
  )
}

export function relayed(): { readonly options: SimulateOptions } {
  let books: Books
  const options: SimulateOptions = {
    services(sim: Simulation) {
      const { index, restarts } = sim
      forgetStreams(sim)
      if (index === 0 && restarts === 0) books = { taken: new Set(), lines: [], placed: [] }
      const { lines } = books
      const ledger = service(Ledger, { write: ({ id }) => ({ line: lines.push(id) }) })
      return [orders(books), stock(books), ledger]
    },
    servers: { front: ['orders'], store: ['stock'], 'back-office': ['ledger'] },
    state: 'lost',
    invariants: {
      ...forgotten,
      'what is placed was taken and written': () =>
        books.placed.every((id) => books.taken.has(id) && books.lines.includes(id)),
    },
  }
  return { options }
}
