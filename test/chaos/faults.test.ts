/** What is done to connections, at a real proxy whose time is moved by hand. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { faultyProxy } from '../../src/testing/index.ts'
import { Chance } from '../../src/testing/simulate/chance.ts'
import { listen } from '../bench/shared/net.ts'
import { HandClock, until } from '../support/hand-clock.ts'
import { delayEnd } from './faults.ts'

it.each<[string, (server: Socket) => void]>([
  ['in good order', (server) => server.end()],
  ['by a reset', (server) => server.resetAndDestroy()],
])('an end that is delayed comes, when a server ends %s and later', async (_, end) => {
  const clock = new HandClock()
  const accepted: Socket[] = []
  const server = createServer((socket) => accepted.push(socket.on('error', () => {})))
  const proxy = await faultyProxy({ target: `tcp://127.0.0.1:${await listen(server)}`, clock })
  const client = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  onTestFinished(async () => {
    client.destroy()
    await proxy.close()
    server.close()
  })
  client.on('error', () => {}).resume()
  await once(client, 'connect')
  await until(() => accepted.length === 1)
  for (const connection of proxy.connections) expect(delayEnd(connection, new Chance(1))).toBe('slowClose')
  expect(clock.timers).toBe(0) // nothing of it ends the connection by itself
  for (const socket of accepted) end(socket)
  await until(() => clock.timers === 1)
  expect(client.closed).toBe(false)
  clock.advance(300)
  await until(() => client.closed)
})
