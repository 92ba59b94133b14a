/**
 * A server of Nanowire and, in the same process, a bare one that throws away what it reads. Its commands: `port`, `bare`,
 * `memory`.
 */
import { createServer } from 'node:net'
import { router, serve } from 'nanowire'
import type { Commands } from '../../support/answer.ts'
import { bench } from '../contract.ts'
import { listen } from '../shared/net.ts'
import { memory } from './server.ts'

const silent = () => {}
/** Hostile clients are told of in the log; here it would be all that is printed. */
const log = { debug: silent, info: silent, warn: silent, error: silent }

export async function start(): Promise<Commands> {
  const server = await serve(router([bench], { log }), 'tcp://127.0.0.1:0')
  const bare = await listen(createServer((socket) => socket.on('error', () => socket.destroy()).resume()))
  return { port: () => Number(new URL(server.url).port), bare: () => bare, memory }
}
