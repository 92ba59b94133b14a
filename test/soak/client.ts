/**
 * A client of the soak, a process of its own: `client.js <url> <number>`. Its connections' first ids are near the last one there
 * is (prepare.ts), so that each connection soon crosses it.
 */
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { connect } from 'nanowire'
import { OutgoingCalls } from '../../src/session/outgoing.ts'
import { answer } from '../support/answer.ts'
import { Load } from './load.ts'
import { lookAtMemory, lookAtRest } from './look.ts'
import { Soak } from './service.ts'
import { tell } from './tally.ts'
import { countTimers } from './timers.ts'

countTimers()
const [url = '', number = '0'] = process.argv.slice(2)

const sockets = new Set<Socket>()
channel('net.client.socket').subscribe((message) => {
  const { socket } = message as { readonly socket: Socket } // as Node documents it
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
})

const wire = connect(url)
const client = wire.client(Soak)
let cuts = 0
const load = new Load({
  client,
  number: Number(number),
  cut() {
    const isReset = cuts++ % 2 === 0
    for (const socket of sockets) isReset ? socket.resetAndDestroy() : socket.destroy()
  },
})

const takeId = OutgoingCalls.prototype.takeId
OutgoingCalls.prototype.takeId = function () {
  const id = takeId.call(this)
  if (id === 1) load.tally.wraps++ // no connection begins with it
  return id
}

/** Of these calls, those that have run; a cut hits this call as any other. */
async function haveRun(nonces: number[]): Promise<readonly number[]> {
  for (;;) {
    const result = await client.judge.try({ client: Number(number), nonces })
    if (result.ok) return result.value
    if (result.error.code !== 'unavailable') throw result.error
  }
}

/** Looks for all that is known not to have run. */
async function judge(): Promise<void> {
  const nonces = load.notRun
  load.notRun = []
  for (let at = 0; at < nonces.length; at += 1_000) {
    for (const _ of await haveRun(nonces.slice(at, at + 1_000)))
      tell(load.tally.wrong, 'a call ran whose caller was told that it did not')
  }
}

await answer({
  measure: ({ inFlight, seconds }: { inFlight: number; seconds: number }) => load.measure(inFlight, seconds),
  start: ({ perSecond, cutMs }: { perSecond: number; cutMs: number }) => load.start(perSecond, cutMs),
  async look() {
    await judge()
    return { ...lookAtMemory(), ...load.takeLatencies(), tally: load.tally }
  },
  stop: () => load.stop(),
  async rest() {
    await judge()
    await haveRun([]) // where nobody has called since the last cut there is no connection, and at first there was one
    const { inFlight, waiting } = wire.stats()
    return { ...(await lookAtRest()), inFlight, waiting, tally: load.tally }
  },
  async close() {
    await wire.close()
  },
})
