/** Two packages: a kernel that exports a contract and what is made of it, and another that knows only its declarations. */
import { join } from 'node:path'
import type ts from 'typescript'
import { type Compiled, compile } from './compiler.ts'

const many = Array.from({ length: 12 }, (_, n) => {
  return `  method${n}: unary(Order, Type.Array(Order), { errors: { Gone${n}: Type.Object({ at: Timestamp() }) } }),`
})

/** The kernel's sources: every kind of thing that a package may export, by inference alone. */
const kernel = {
  'contracts.ts': `
import { bidiStream, Bytes, clientStream, contract, event, notify, serverStream, Timestamp, unary } from 'nanowire'
import Type from 'typebox'

export const Order = Type.Object({
  id: Type.String(),
  lines: Type.Array(Type.Object({ sku: Type.String(), count: Type.Integer({ minimum: 1 }) })),
  note: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  placed: Timestamp(),
  scan: Bytes({ maxBytes: 1_024 }),
  total: Type.BigInt(),
  tags: Type.Record(Type.String(), Type.Enum(['new', 'old'])),
})
export type Order = Type.Static<typeof Order>
export const Tree = Type.Cyclic(
  { Node: Type.Object({ value: Type.Number(), children: Type.Array(Type.Ref('Node')) }) },
  'Node',
)
export const Orders = contract('orders', {
  place: unary(Order, Type.Object({ id: Type.String() }), {
    errors: { SoldOut: Type.Object({ sku: Type.String() }), Closed: Type.Void() },
    idempotent: true,
  }),
  tree: unary(Tree, Tree),
  seen: notify(Type.Object({ id: Type.String() })),
  ping: unary(Type.Void(), Type.Void()),
  follow: serverStream(Type.Object({ id: Type.String() }), Order, { errors: { Lost: Type.Void() }, slow: 'latest' }),
  load: clientStream(Order, Type.Object({ count: Type.Integer() })),
  edit: bidiStream(Order, Type.Object({ total: Type.BigInt() })),
  placed: event(Order, { key: 'id' }),
  opened: event(Type.Object({ at: Timestamp() })),
})
export const Many = contract('many', {
${many.join('\n')}
})
export const methods = { place: Orders.methods.place, tag: Orders.tags.place }
export const { Request, Response, message } = Orders
`,
  'services.ts': `
import { connect, router, service, serve, stub } from 'nanowire'
import { codec } from 'nanowire/codec'
import { Many, Orders } from './contracts.js'

export const orders = service(Orders, {
  place({ id }, ctx) {
    if (id === '') throw ctx.error('SoldOut', { sku: 'x' })
    return { id }
  },
  tree: (tree) => tree,
  seen() {},
  ping() {},
  async *follow() {},
  load: async () => ({ count: 0 }),
  edit: () => [],
})
export const many = stub(Many)
export const routed = router([orders, many], { limits: { maxDepth: 8 } })
export const wire = connect(routed)
export const client = wire.client(Orders)
export const { place, ping, follow, load, placed } = client
export const following = follow({ id: 'a' })
export const subscribed = client.opened()
export const serving = () => serve(routed, 'tcp://127.0.0.1:0')
export const attempt = () => place.try({} as never)
export const orderCodec = codec(Orders)
`,
}

/** The other package: it uses what the kernel declares, and its mistakes are found. */
const user = `
import { connect, service, type ClientOf, type ErrorOf, type MessageOf } from 'nanowire'
import { Many, Orders, type Order, message } from 'kernel/contracts.js'
import { client, following, orders, place, placed, routed, attempt, orderCodec } from 'kernel/services.js'

const order: Order = {
  id: 'a', lines: [{ sku: 'x', count: 1 }], placed: new Date(), scan: new Uint8Array(1), total: 5n, tags: { a: 'new' },
}
export async function use(): Promise<void> {
  const { id } = await place(order)
  const text: string = id
  const result = await attempt()
  if (!result.ok && result.error.code === 'SoldOut') console.log(result.error.data.sku.toUpperCase(), text)
  const same: ClientOf<typeof Orders> = client
  await same.seen({ id })
  const [first] = await connect(routed).client(Many).method11(order)
  console.log(first?.total.toString(), orderCodec.encode(message.place(order)).length)
  await connect(orders).client(Orders).ping()
  for await (const { total } of following) console.log(total + 1n)
  for await (const { placed: at } of placed({ id: 'a' })) console.log(at.getTime())
  const { count } = await client.load((async function* () { yield order })())
  console.log(count + 1)
}
export const mine = service(Orders, {
  place: ({ total }, ctx) => { throw total > 0n ? ctx.error('Closed', undefined) : ctx.error('SoldOut', { sku: 'x' }) },
  tree: ({ value, children }) => ({ value: value + 1, children }),
  seen: () => {},
  ping: () => {},
  async *follow({ id }, ctx) { if (id === '') throw ctx.error('Lost', undefined); yield order },
  async load(items) { let count = 0; for await (const { total } of items) count += Number(total); return { count } },
  async *edit(items) { for await (const { total } of items) yield { total } },
})
export const tell = (some: MessageOf<typeof Orders>) => some.tag === 'orders/place' ? some.body.total : some.tag === 'orders/follow' ? BigInt(some.body.id) : 0n
export const data = (error: ErrorOf<typeof Orders, 'place'>) => error.code === 'SoldOut' ? error.data.sku : ''
// mistakes
export const wrong = place({ ...order, total: 5 })
const rest = { follow: () => [], load: () => ({ count: 0 }), edit: () => [] }
export const few = service(Orders, { ...rest, place: ({ id }) => ({ id }), tree: (tree) => tree, seen: () => {} })
`

export interface Kernel {
  readonly declared: Compiled
  readonly used: Compiled
}

/** Builds the kernel with declarations in `folder`, and then the package that uses them. */
export function buildKernel(folder: string, options: ts.CompilerOptions): Kernel {
  const home = join(folder, 'node_modules/kernel')
  const manifest = JSON.stringify({
    name: 'kernel',
    type: 'module',
    exports: { './*.js': { types: './*.d.ts', default: './*.js' } },
  })
  const sources = Object.fromEntries(Object.entries(kernel).map(([name, text]) => [join(home, name), text]))
  const declared = compile(sources, { ...options, declaration: true, emitDeclarationOnly: true, noEmit: false })
  const declarations = Object.fromEntries([...declared.emitted].filter(([path]) => path.startsWith(home)))
  const used = compile({ [join(folder, 'user.ts')]: user }, options, {
    [join(home, 'package.json')]: manifest,
    ...declarations,
  })
  return { declared: { ...declared, emitted: new Map(Object.entries(declarations)) }, used }
}
