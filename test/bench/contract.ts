/** The work as a contract of Nanowire, and its service. */
import { Bytes, contract, service, unary } from 'nanowire'
import { schemas } from './schemas.ts'
import { answer } from './work.ts'

export const Bench = contract('bench', {
  small: unary(schemas.request, schemas.reply),
  record: unary(schemas.order, schemas.order),
  bytes: unary(Bytes(), Bytes()),
})

export const bench = service(Bench, { small: answer, record: (order) => order, bytes: (bytes) => bytes })
