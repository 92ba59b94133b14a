/**
 * NestJS as a microservice over TCP, whose messages are JSON. Its decorators are applied as the functions that they are,
 * because this project's sources have no decorators.
 */
import 'reflect-metadata'
import type { Socket } from 'node:net'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ClientProxyFactory,
  JsonSocket,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices'
import { firstValueFrom, map, type Observable, range } from 'rxjs'
import { freePort, fromBase64, toBase64 } from '../shared/net.ts'
import { answer, BYTES, bytesOf, type Client, itemOf, type Order, type SmallReply, type SmallRequest } from '../work.ts'

/** Without it, Nagle's algorithm and delayed acknowledgements hold small messages back for 40 ms. */
class PromptSocket extends JsonSocket {
  constructor(socket: Socket) {
    super(socket.setNoDelay(true))
  }
}

/**
 * Either end stops reading while its own writes wait, so two ends that send much wait for each other for ever; a client
 * that goes on reading lets both go on.
 */
class PatientSocket extends PromptSocket {}
Object.assign(PatientSocket.prototype, { applyBackpressure: () => {} }) // private in its types

class BenchController {
  small(request: SmallRequest): SmallReply {
    return answer(request)
  }
  record(order: Order): Order {
    return order
  }
  bytes(body: { data: string }): { data: string } {
    return body
  }
  items(count: number): Observable<SmallReply> {
    return range(0, count).pipe(map(itemOf))
  }
  chunks(count: number): Observable<{ data: string }> {
    return range(0, count).pipe(map(() => toBase64(chunk)))
  }
}

class BenchModule {}

const chunk = bytesOf(BYTES)

function decorate(): void {
  for (const name of ['small', 'record', 'bytes', 'items', 'chunks'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, name)
    if (descriptor !== undefined) MessagePattern(name)(BenchController.prototype, name, descriptor)
  }
  Controller()(BenchController)
  Module({ controllers: [BenchController] })(BenchModule)
}

export async function serve(): Promise<number> {
  decorate()
  const port = await freePort() // it tells nobody which port it was given
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port, socketClass: PromptSocket },
    logger: false,
  })
  await app.listen()
  return port
}

const each = <T>(items: Observable<T>, next: (item: T) => void): Promise<void> =>
  new Promise((complete, error) => {
    items.subscribe({ next, complete, error })
  })

export async function connect(port: number): Promise<Client> {
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port, socketClass: PatientSocket },
  })
  await client.connect()
  const call = <Q, A>(pattern: string, body: Q): Promise<A> => firstValueFrom(client.send<A, Q>(pattern, body))
  return {
    small: (request) => call('small', request),
    record: (order) => call('record', order),
    bytes: async (bytes) => fromBase64(await call('bytes', toBase64(bytes))),
    streams: {
      pushItems: (count, take) => each(client.send('items', count), take),
      pushChunks: (count, take) => each(client.send('chunks', count).pipe(map(fromBase64)), take),
    },
  }
}
