/** The work as a contract of Nanowire, and its service. */
import { Bytes, clientStream, contract, serverStream, service, unary } from 'nanowire'
import Type from 'typebox'
import { schemas } from './schemas.ts'
import { ticksOf } from './shared/ticks.ts'
import { answer, chunksOf, itemsOf } from './work.ts'

export const Bench = contract('bench', {
  small: unary(schemas.request, schemas.reply),
  record: unary(schemas.order, schemas.order),
  bytes: unary(Bytes(), Bytes()),
  items: serverStream(schemas.count, schemas.reply),
  chunks: serverStream(schemas.count, Bytes()),
  ticks: serverStream(schemas.count, schemas.reply),
  flood: serverStream(schemas.count, schemas.reply, { slow: 'dropOldest' }),
  upload: clientStream(Bytes(), Type.Integer()),
})

export const bench = service(Bench, {
  small: answer,
  record: (order) => order,
  bytes: (bytes) => bytes,
  items: ({ count }) => itemsOf(count),
  chunks: ({ count }) => chunksOf(count),
  ticks: () => ticksOf(),
  flood: ({ count }) => itemsOf(count),
  async upload(chunks) {
    let length = 0
    for await (const chunk of chunks) length += chunk.length
    return length
  },
})
