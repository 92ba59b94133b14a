/**
 * Peers that vanish, flood, do not read or talk nonsense (spec/session.md S17, spec/protocol.md P25): over TCP, with and
 * without TLS, and over a unix socket.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import type { LinkListener } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { listenTcp, type SocketLink } from '../../src/transport/index.ts'
import type { FrameDecoder } from '../../src/wire/index.ts'
import { flags, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, joined, requestBody } from '../support/slow-frames.ts'
import { errorIn, helloBytes } from '../support/tapped.ts'
import { anywhere, carriers, portOf, RawSocket, type Served, until } from './sockets.ts'

const request = (id: number, flagBits = 0, body = requestBody(7)) => frameBytes(kinds.REQUEST, flagBits, id, body)

const echo = ({ session, effects }: Served) => {
  effects.onRequest = ({ call, body }) => session.respond(call, undefined, body)
}

/** Handlers that run until they are cancelled. */
const waiting =
  (cancelled: number[]) =>
  ({ effects }: Served) => {
    effects.onRequest = ({ call }) => {
      call.runner = { callerGone: () => void cancelled.push(call.id) }
    }
  }

async function called(client: Served, body?: Uint8Array): Promise<RecordedCall> {
  const call = new RecordedCall(body ? { body } : {})
  client.session.start(call)
  await until(() => call.outcomes.length > 0)
  return call
}

const end = (raw: RawSocket) => void raw.socket.end()
const vanish = (raw: RawSocket) => raw.vanish()
const ways = [
  ['saying so', end],
  ['a cut', vanish],
] as const

describe.each(carriers)('over $name', (carrier) => {
  describe('a connection', () => {
    it('carries calls of any size, and ends in peace', async () => {
      const { at, served } = await carrier.listening({}, echo)
      const client = await carrier.dialled(at)
      for (const size of [0, 5, 70_000, 3_000_000]) {
        const body = new Uint8Array(size).map((_, index) => index % 251)
        const call = await called(client, body)
        expect(call.fate).toBe('replied')
        const [outcome] = call.outcomes
        expect(outcome?.how === 'replied' && Buffer.compare(outcome.body, body) === 0).toBe(true)
      }
      served[0]?.session.drain(5_000, 'bye')
      await until(() => client.session.state === 'closed' && served[0]?.session.state === 'closed')
      expect(client.effects.closings).toEqual([undefined])
      expect(served[0]?.effects.closings).toEqual([undefined])
    })

    it('is not congested by what the other side reads, and says what was taken', async () => {
      const { at, served } = await carrier.listening({ maxBacklogBytes: 16_384 }, echo)
      const client = await carrier.dialled(at)
      expect((await called(client, new Uint8Array(2_000_000))).fate).toBe('replied')
      const isQuiet = ({ link }: Served, other: Served) =>
        link.takenBytes === link.writtenBytes && other.link.receivedBytes === link.flushedBytes
      await until(() => served[0] !== undefined && isQuiet(served[0], client) && isQuiet(client, served[0]))
      expect([served[0]?.link.isCongested, client.link.isCongested]).toEqual([false, false])
    })

    it('takes frames one byte at a time', async () => {
      const { at } = await carrier.listening({}, echo)
      const raw = await carrier.raw(at, { noDelay: true })
      for (const byte of [...helloBytes(), ...request(1)]) {
        await new Promise<void>((resolve) => raw.socket.write(Uint8Array.of(byte), () => resolve()))
      }
      await until(() => raw.bytes.length > 0 && raw.frames.length === 2)
      expect(raw.frames.map(({ kind }) => kind)).toEqual([kinds.HELLO, kinds.RESPONSE])
    })
  })

  describe('a client that goes away', () => {
    it.each(ways)('by %s has its handlers cancelled, and leaves nothing', async (_, leave) => {
      const cancelled: number[] = []
      const { at, served } = await carrier.listening({}, waiting(cancelled))
      const raw = await carrier.raw(at)
      raw.socket.write(joined([helloBytes(), request(1), request(2)]))
      await until(() => served[0]?.effects.requests.length === 2)
      leave(raw)
      await until(() => served[0]?.session.state === 'closed')
      expect(cancelled).toEqual([1, 2])
      expect(served[0]?.effects.closings).toHaveLength(1)
      await until(() => raw.isClosed)
    })

    it('before it has said anything is no trouble', async () => {
      const { at, served } = await carrier.listening()
      for (let count = 0; count < 5; count++) {
        const raw = await carrier.raw(at)
        await until(
          () => served[count] !== undefined && (carrier.name === 'TLS') === (served[count]?.link.tls !== undefined),
        )
        raw.vanish()
      }
      await until(() => served.length === 5 && served.every(({ session }) => session.state === 'closed'))
      expect(served.flatMap(({ effects }) => effects.violations)).toEqual([])
    })
  })

  describe('a server that goes away', () => {
    it.each(ways)('by %s loses the calls of its client, which says so', async (_, leave) => {
      const at = await carrier.rawServer((raw) => {
        raw.socket.write(helloBytes())
        raw.socket.once('data', () => leave(raw))
      })
      const client = await carrier.dialled(at)
      const call = await called(client)
      await until(() => client.session.state === 'closed')
      expect(call.fate).toBe('lost unavailable maybe')
      expect(call.message).toMatch(/was cut( by the peer|: .+ cut the connection \(ECONNRESET\))$/)
    })
  })

  describe('P25: a peer that breaks a rule', () => {
    it('reads one ERROR and a clean end, though it goes on talking', async () => {
      const { at, served } = await carrier.listening({ lingerMs: 60_000 })
      const raw = await carrier.raw(at, { allowHalfOpen: true })
      raw.socket.write(joined([helloBytes(), request(5), request(5), new Uint8Array(300_000)]))
      await until(() => raw.events.includes('end'))
      const [hello, error, ...others] = raw.frames
      expect([hello?.kind, others]).toEqual([kinds.HELLO, []])
      expect(errorIn(error)).toMatchObject({ code: 'internal', rule: 'frame_id', lastId: 5 })
      await new Promise<void>((resolve) => raw.socket.write(new Uint8Array(300_000), () => resolve()))
      expect([raw.events, served[0]?.session.state]).toEqual([['end'], 'closing'])
      raw.socket.end()
      await until(() => served[0]?.session.state === 'closed')
      expect(raw.events).not.toContain('error ECONNRESET')
    })

    it('and does not close is destroyed after lingerMs', async () => {
      const { at, served } = await carrier.listening({ lingerMs: 1 })
      const raw = await carrier.raw(at, { allowHalfOpen: true })
      raw.socket.write('GET / HTTP/1.1\r\n\r\n')
      await until(() => served[0]?.session.state === 'closed')
      expect(raw.frames.map((frame) => errorIn(frame).rule)).toEqual(['not_nanowire'])
    })
  })

  describe('S17: a client that does not read', () => {
    it('stops its server from reading, and has everything when it reads again', async () => {
      const reply = new Uint8Array(60_000) // in one frame, which needs no credit
      const { at, served } = await carrier.listening({ maxBacklogBytes: 16_384 }, ({ session, effects }) => {
        effects.onRequest = ({ call }) => session.respond(call, undefined, reply)
      })
      const raw = await carrier.raw(at)
      raw.socket.pause()
      const count = 1_000
      raw.socket.write(joined([helloBytes(), ...Array.from({ length: count }, (_, index) => request(index + 1))]))
      await until(() => served[0]?.link.isCongested === true)
      const handled = served[0]?.effects.requests.length ?? 0
      expect(handled).toBeLessThan(count)
      // Whatever it holds, it holds for one reply and the limit; the system's buffers are not ours.
      const link = served[0]?.link
      expect((link?.flushedBytes ?? 0) - (link?.takenBytes ?? 0)).toBeLessThan(16_384 + 2 * reply.length)
      raw.socket.resume()
      await until(() => served[0]?.effects.requests.length === count)
      await until(() => raw.bytes.length === link?.flushedBytes)
      expect(raw.frames).toHaveLength(count + 1)
    })
  })

  describe('what one connection has done for it in a turn', () => {
    it('leaves an honest neighbour its turn, whatever is sent', async () => {
      const maxTurnFrames = 16
      const { at, served } = await carrier.listening({ maxTurnFrames }, echo)
      const flood = await carrier.raw(at)
      const junk = joined(Array.from({ length: 7_000 }, () => frameBytes(kinds.CANCEL, 0, 9)))
      flood.socket.write(helloBytes())
      const pour = () => {
        while (!flood.socket.destroyed && flood.socket.write(junk));
      }
      flood.socket.on('drain', pour)
      pour()
      const client = await carrier.dialled(at)
      await until(() => served.length === 2 && (served[0]?.session.counters.framesReceived ?? 0) > 100)
      const framesOfFlood = () => served[0]?.session.counters.framesReceived ?? 0
      for (let count = 0; count < 30; count++) {
        const call = new RecordedCall()
        client.session.start(call)
        const before = framesOfFlood()
        let turns = 1
        for (; call.outcomes.length === 0; turns++) await nextTurn()
        expect(call.fate).toBe('replied')
        // However many turns of the loop a call takes, the flood has so many frames of each.
        expect(framesOfFlood() - before).toBeLessThanOrEqual(turns * maxTurnFrames)
      }
    })

    it('leaves an honest neighbour alone when it breaks the protocol', async () => {
      const { at, served } = await carrier.listening({}, echo)
      const client = await carrier.dialled(at)
      const junk = [
        new TextEncoder().encode('GET /'),
        new Uint8Array(70_000).fill(0xff),
        joined([helloBytes(), helloBytes()]),
      ]
      for (const bytes of junk) {
        const raw = await carrier.raw(at)
        raw.socket.write(bytes)
        const call = await called(client)
        await until(() => raw.isClosed)
        expect(call.fate).toBe('replied')
        expect(raw.frames.filter(({ kind }) => kind === kinds.ERROR)).toHaveLength(1)
      }
      expect(client.session.state).toBe('open')
      expect(served.map(({ effects }) => effects.violations.length)).toEqual([0, 1, 1, 1])
    })
  })

  it('P3: frames to be skipped do not count, and do not stop others', async () => {
    const { at, served } = await carrier.listening({ maxTurnFrames: 2 })
    const raw = await carrier.raw(at)
    const skipped = frameBytes(200, flags.IGNORE, 0, new Uint8Array(50))
    raw.socket.write(joined([helloBytes(), ...Array<Uint8Array>(500).fill(skipped), request(1)]))
    await until(() => served[0]?.effects.requests.length === 1)
    expect(served[0]?.session.counters.framesReceived).toBe(2)
  })
})

it.each([
  ['of frames that are PONGs', frameBytes(kinds.PONG, 0, 0, new Uint8Array(8)), [10, 20, 25, 25, 25]],
  ['of streams begun, which weigh more', request(1, flags.OUTPUT), [2, 3, 4, 5, 6]],
  ['of calls cancelled, which weigh more', frameBytes(kinds.CANCEL, 0, 1), [2, 3, 4, 5, 6]],
])('what is done in a turn is bounded, and the socket is paused until the next: %s', async (_, one, expected) => {
  const clock = new VirtualClock()
  const limits = resolveLimits({ maxTurnFrames: 10 })
  const ids: number[] = []
  const links: SocketLink[] = []
  const ear: LinkListener = {
    frameReceived: ({ id }: FrameDecoder) => void ids.push(id),
    bytesReceived() {},
    streamBroken() {},
    linkDrained() {},
    linkClosed() {},
  }
  const listener = await listenTcp(anywhere, { clock, limits }, (link) => {
    links.push(link)
    link.attach(ear)
  })
  const raw = await RawSocket.connect(portOf(listener.url))
  const sent = joined([helloBytes(), ...Array<Uint8Array>(24).fill(one)])
  raw.socket.write(sent)
  await until(() => links[0]?.receivedBytes === sent.length)
  const handled = [ids.length]
  for (let turn = 0; turn < 4; turn++) {
    clock.runTurn()
    handled.push(ids.length)
  }
  expect(handled).toEqual(expected)
  links[0]?.destroy()
  await listener.close()
})
