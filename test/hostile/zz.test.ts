import { expect, it } from 'vitest'
import { pack } from '../../src/wire/index.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { data, hold, open, streamVictim } from './streams.ts'

function used() {
  global.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
it('small', async () => {
  const attacked = await streamVictim()
  const peer = await RawPeer.greeted(attacked.url)
  await nextTurn()
  const before = used()
  const one = Buffer.alloc(0)
  const streams = 20
  for (let id = 1; id <= streams; id++) {
    peer.send(open(id, hold))
    const some = Buffer.concat(Array.from({ length: 1024 }, () => data(id, pack(1))))
    for (let n = 0; n < 16; n++) peer.send(some)
    await nextTurn()
  }
  const sent = streams * 16384 * 10
  await until(() => attacked.server.stats().bytesReceived >= sent)
  await nextTurn()
  console.log((used() - before) / streams / 16384, 'bytes per byte')
  peer.socket.destroy()
  await attacked.expectUnharmed()
})
