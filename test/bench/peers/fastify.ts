/** Fastify with JSON and its JSON Schema validation of requests, called by undici over as many kept connections as calls. */
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { Pool } from 'undici'
import { schemas } from '../schemas.ts'
import { answer, type Client, chunksOf, type Order, type SmallReply, type SmallRequest } from '../work.ts'

export async function serve(): Promise<number> {
  const app = Fastify()
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  const small = { body: schemas.request, response: { 200: schemas.reply } }
  app.post<{ Body: SmallRequest }>('/small', { schema: small }, async ({ body }) => answer(body))
  const record = { body: schemas.order, response: { 200: schemas.order } }
  app.post<{ Body: Order }>('/record', { schema: record }, async ({ body }) => body)
  app.post<{ Body: Buffer }>('/bytes', async ({ body }, reply) => reply.type('application/octet-stream').send(body))
  app.get<{ Querystring: { count: string } }>('/chunks', async ({ query }, reply) =>
    reply.type('application/octet-stream').send(Readable.from(chunksOf(Number(query.count)))),
  )
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
}

export async function connect(port: number): Promise<Client> {
  const pool = new Pool(`http://127.0.0.1:${port}`) // no limit of connections
  const post = async (path: string, type: string, body: string | Uint8Array) => {
    const reply = await pool.request({ path, method: 'POST', headers: { 'content-type': type }, body })
    if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode} ${await reply.body.text()}`)
    return reply.body
  }
  const postJson = async (path: string, body: unknown) =>
    (await post(path, 'application/json', JSON.stringify(body))).json()
  return {
    small: (request) => postJson('/small', request) as Promise<SmallReply>, // its own server wrote it
    record: (order) => postJson('/record', order) as Promise<Order>, // likewise
    bytes: async (bytes) => (await post('/bytes', 'application/octet-stream', bytes)).bytes(),
    streams: {
      chunks: async function* (count) {
        const { body } = await pool.request({ path: `/chunks?count=${count}`, method: 'GET' })
        yield* body as AsyncIterable<Uint8Array> // its chunks are the socket's
      },
    },
  }
}
