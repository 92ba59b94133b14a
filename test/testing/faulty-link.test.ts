/** `faultyLink`: the whole protocol over connections in memory that fail when a test says so. No time passes but by hand. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Connection, type ConnectOptions, connect, type NanowireError, router } from '../../src/index.ts'
import { type FaultyLink, type FaultyLinkOptions, faultyLink } from '../../src/testing/index.ts'
import { failureOf, Lab, lab } from '../rpc/lab.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { exampleOf, runExample } from '../support/testing-example.ts'

interface Linked {
  readonly link: FaultyLink
  readonly wire: Connection
  readonly clock: HandClock
  readonly runs: string[]
}

async function linked(options: FaultyLinkOptions = {}, client: ConnectOptions = {}): Promise<Linked> {
  const clock = new HandClock()
  const runs: string[] = []
  const echoing = lab({
    echo(request) {
      runs.push(request.text)
      return request
    },
  })
  const link = await faultyLink(router([echoing], { log: new RecordingLog() }), { clock, ...options })
  const wire = connect(link, { clock, ...client })
  onTestFinished(async () => {
    await passing(clock, wire.close({ drainMs: 0 }))
    await passing(clock, link.close({ drainMs: 0 }))
    expect(clock.timers).toBe(0)
    expect(link.connections).toEqual([])
  })
  return { link, wire, clock, runs }
}

/** Waits for what ends by itself as soon as time passes. */
async function passing<T>(clock: HandClock, work: Promise<T>): Promise<T> {
  let isDone = false
  const done = (): void => {
    isDone = true
  }
  work.then(done, done)
  for (; !isDone; await nextTurn()) clock.advance(10)
  return await work
}

/** So many turns that whatever can happen without time has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await nextTurn()
}

const request = { text: 'a' }
const ended = (work: Promise<unknown>): Promise<NanowireError> => failureOf(work)

describe('a faulty link', () => {
  it('carries calls when nothing goes wrong', async () => {
    const { link, wire } = await linked()
    expect(await wire.client(Lab).echo(request)).toEqual(request)
    expect(link.connections).toHaveLength(1)
    expect(link.connections[0]?.bytesToServer).toBe(wire.stats().bytesSent)
    expect(link.connections[0]?.bytesToClient).toBe(wire.stats().bytesReceived)
    expect(link.server.stats().connections).toBe(1)
  })

  it('takes its time both ways', async () => {
    const { wire, clock } = await linked({ faults: { latencyMs: 20, toClient: { latencyMs: 30 } } })
    await passing(clock, wire.ready())
    const sent = clock.now()
    let answered = 0
    const call = wire.client(Lab).echo(request)
    void call.then(() => {
      answered = clock.now()
    })
    await settle()
    while (answered === 0) {
      clock.advance(1)
      await nextTurn()
      await nextTurn()
    }
    expect(answered - sent).toBeGreaterThanOrEqual(50)
    expect(answered - sent).toBeLessThanOrEqual(53)
  })

  it.each([
    ['to the server', 'toServer'],
    ['to the client', 'toClient'],
  ] as const)('is cut at every byte %s, and each call is told the truth', async (_, direction) => {
    const whole = await linked()
    await whole.wire.client(Lab).echo(request)
    const [connection] = whole.link.connections
    const total = (direction === 'toServer' ? connection?.bytesToServer : connection?.bytesToClient) ?? 0
    expect(total).toBeGreaterThan(0)
    for (let limitBytes = 0; limitBytes < total; limitBytes++) {
      const { wire, runs, clock } = await linked({ faults: { [direction]: { limitBytes } } })
      const { code, processed } = await passing(clock, ended(wire.client(Lab).echo(request)))
      expect(code).toBe('unavailable')
      if (runs.length > 0) expect(processed).toBe('maybe')
      if (processed === 'no') expect(runs).toEqual([])
    }
  })

  it('carries large messages byte by byte, and joined', async () => {
    const { wire, link, clock } = await linked({ faults: { sliceBytes: 1 } })
    const text = 'x'.repeat(3_000)
    expect(await passing(clock, wire.client(Lab).echo({ text }))).toEqual({ text })
    link.setFaults({ joinMs: 100 })
    expect(await passing(clock, wire.client(Lab).echo({ text }))).toEqual({ text })
  })

  it('lets only one direction fall silent, and go on as if nothing had been', async () => {
    const { wire, link, clock, runs } = await linked()
    await wire.ready()
    link.setFaults({ toClient: { stall: true } })
    const call = wire.client(Lab).echo(request)
    await settle()
    expect(runs).toEqual(['a'])
    expect(wire.stats().inFlight).toBe(1)
    link.setFaults({})
    expect(await call).toEqual(request)
    expect(clock.now()).toBe(1_000)
  })

  it('that is half-open is given up by the silent side alone, until it hears of it', async () => {
    const limits = { pingAfterMs: 100, idleTimeoutMs: 300 }
    const { wire, link, clock } = await linked(
      { serve: { limits: { idleTimeoutMs: 2e9, pingAfterMs: 1e9 } } },
      { limits },
    )
    await wire.ready()
    link.setFaults({ stall: true })
    const failure = ended(wire.client(Lab).echo(request, { timeoutMs: 60_000 }))
    expect(await passing(clock, failure)).toMatchObject({ code: 'unavailable', processed: 'maybe' })
    await settle()
    expect(wire.stats().connections).toBe(0)
    expect(link.server.stats().connections).toBe(1)
    link.setFaults({})
    await until(() => link.server.stats().connections === 0)
  })

  it('ends for both sides when it is cut, and takes another connection', async () => {
    const { wire, link } = await linked()
    await wire.ready()
    const [first] = link.connections
    link.cut()
    await until(() => link.connections.length === 0 && link.server.stats().connections === 0)
    first?.cut() // says nothing any more
    expect(await wire.client(Lab).echo(request)).toEqual(request)
    expect(link.connections.map(({ index }) => index)).toEqual([1])
  })

  it('draws the faults of each connection from the seed', async () => {
    const draw = async (seed: number) => {
      const drawn: number[] = []
      const faults = (connection: number, random: () => number) => {
        drawn.push(random())
        return connection === 0 ? { toServer: { limitBytes: 5 } } : {}
      }
      const { wire } = await linked({ faults, seed })
      expect(await ended(wire.client(Lab).echo(request))).toMatchObject({ code: 'unavailable' })
      expect(await wire.client(Lab).echo(request)).toEqual(request)
      return drawn
    }
    const first = await draw(1)
    expect(first).toHaveLength(2)
    expect(await draw(1)).toEqual(first)
    expect(await draw(2)).not.toEqual(first)
  })

  it('refuses whoever connects while it is told to', async () => {
    const { wire, link } = await linked({ faults: { refuse: true } })
    const failure = await ended(wire.client(Lab).echo(request))
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(failure.message).toContain('refuse')
    link.setFaults({})
    expect(await wire.client(Lab).echo(request)).toEqual(request)
  })

  it('closes with its server, whatever is stalled', async () => {
    const { wire, link, clock } = await linked()
    await wire.ready()
    link.setFaults({ stall: true })
    await passing(clock, link.close({ drainMs: 0 }))
    expect(await ended(wire.client(Lab).echo(request))).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  it('passes on what serve takes', async () => {
    const { wire } = await linked({ serve: { authenticate: () => undefined } })
    expect(await ended(wire.client(Lab).echo(request))).toMatchObject({ code: 'unauthenticated', processed: 'no' })
  })

  it('is shown by a test that passes, and fails where replies are not lost', async () => {
    const example = exampleOf('faulty')
    expect(await runExample(example)).toBe(1)
    await expect(runExample(example.replace('limitBytes: 5', ''))).rejects.toThrow("expected 1 to be 'maybe'")
  })
})
