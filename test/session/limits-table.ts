/**
 * What makes each limit of src/limits.ts fire, just below and just above (spec/limits.md). A limit without a case does
 * not compile.
 */
import Type from 'typebox'
import { expect } from 'vitest'
import { NanowireError } from '../../src/errors.ts'
import { connect, contract, service, unary } from '../../src/index.ts'
import { defaultLimits, type LimitName, type LimitOptions, resolveLimits } from '../../src/limits.ts'
import { serveWith } from '../../src/rpc/index.ts'
import { Lane } from '../../src/testing/simulate/lane.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { MemoryLink } from '../../src/transport/memory.ts'
import { codec, flags, kinds, pack } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, joined, requestBody } from '../support/slow-frames.ts'
import { TapLink } from '../support/tap-link.ts'
import { errorIn, helloBytes, opened, type Tapped, tapped } from '../support/tapped.ts'
import { data, streamRequest } from './streams-kit.ts'

const { MORE, METADATA } = flags
export const PEER = '10.0.0.1:5'

interface Fired {
  readonly fired: boolean
  /** What was said, and which limits were counted. */
  readonly words?: string | undefined
  readonly counted?: readonly string[]
}

interface Case {
  readonly value: number
  /** The largest that is let through. Default: the value. */
  readonly fits?: number
  /** Does so much; the limits are `{ [name]: value }`. */
  readonly act: (amount: number, limits: LimitOptions) => Fired | Promise<Fired>
  /** Why nothing is said. */
  readonly silent?: string
  /** Why no peer is named. */
  readonly peerless?: string
}

/** What a session's effects tell of limits. */
export const told = ({ effects }: Tapped) => ({
  words: effects.limits.map(({ message }) => message).join() || undefined,
  counted: effects.limits.map(({ name }) => name),
})

export const open = (role: 'client' | 'server', limits: LimitOptions, peerLimits: LimitOptions = {}) =>
  opened({ role, limits, peerLimits, peer: PEER })

export function feed(made: Tapped, ...frames: Uint8Array[]): Fired & { readonly made: Tapped } {
  made.link.feed(...frames)
  made.clock.runTurns()
  return { fired: made.effects.limits.length > 0 || made.session.state === 'closing', ...told(made), made }
}

export const request = (id: number, flagBits: number, body: Uint8Array) => frameBytes(kinds.REQUEST, flagBits, id, body)
export const bodyOf = (bytes: number) => requestBody(7, 0, Array<number>(bytes).fill(0xc0))

/** Bytes that pack to exactly so many. */
function packedTo(bytes: number, value: (padding: string) => unknown): Uint8Array {
  for (let length = 0; ; length++) {
    const packed = pack(value('x'.repeat(length)))
    if (packed.length === bytes) return packed
    if (packed.length > bytes) throw new Error(`nothing packs to ${bytes} bytes`)
  }
}

function helloOf(bytes: number): Uint8Array {
  const hello = helloBytes().subarray(9)
  const { length } = hello
  // One entry more: the map's head stays a byte, and the entry's key takes four.
  const rest = packedTo(bytes - length - 4, (padding) => padding)
  const map = joined([hello.subarray(0, 5), Uint8Array.of((hello[5] ?? 0) + 1), hello.subarray(6), pack('pad'), rest])
  return frameBytes(kinds.HELLO, 0, 0, map)
}

const Slow = contract('slow', { forEver: unary(Type.Null(), Type.Null()) })

export const limitCases: Readonly<Record<LimitName, Case>> = {
  maxConnections: {
    value: 2,
    async act(count, limits) {
      const clock = new VirtualClock()
      const links = Array.from({ length: count }, () => new TapLink(clock, defaultLimits, PEER))
      const serve = serveWith({
        tap: {
          form: 'tap://anything',
          takesTls: false,
          load: async () => ({
            placeOf: () => Promise.reject(new Error('nobody dials')) as never, // only listens
            async listen(_, __, accept) {
              for (const link of links) accept(link)
              return { url: 'tap:', isLocal: true, close: async () => {} }
            },
          }),
        },
      })
      const slow = service(Slow, { forEver: () => new Promise(() => {}) })
      const server = await serve(slow, 'tap://x', { limits, clock })
      clock.runTurns()
      const errors = links.flatMap(({ sent }) => sent).filter(({ kind }) => kind === kinds.ERROR)
      return {
        fired: errors.length > 0,
        words: errors.map(errorIn)[0]?.message,
        counted: Object.keys(server.stats().refused),
      }
    },
  },
  handshakeTimeoutMs: {
    value: 900,
    fits: 899,
    act(ms, limits) {
      const made = tapped({ role: 'client', limits, peer: PEER })
      made.clock.advance(ms)
      return feed(made)
    },
  },
  maxHelloBytes: { value: 1_024, act: (bytes, limits) => feed(tapped({ limits, peer: PEER }), helloOf(bytes)) },
  maxFrameBytes: {
    value: 70_000,
    act: (bytes, limits) => feed(open('server', limits), request(1, 0, new Uint8Array(bytes))),
  },
  maxMessageBytes: { value: 2_000, act: (bytes, limits) => feed(open('server', limits), request(1, 0, bodyOf(bytes))) },
  maxReassemblyBytes: {
    value: 100_000,
    act(bytes, limits) {
      const half = new Uint8Array(50_000)
      return feed(open('server', limits), request(1, MORE, half), request(1, 0, new Uint8Array(bytes - half.length)))
    },
  },
  maxStreamBytes: {
    value: 2 * defaultLimits.maxMessageBytes,
    fits: 2,
    silent: 'an item that is longer than its window waits for room; nothing fails',
    act(streams, limits) {
      const made = open('server', limits)
      for (let id = 1; id <= streams; id++) {
        feed(made, streamRequest(id, flags.INPUT))
        feed(made, data(id, new Uint8Array(16_000), MORE))
      }
      const given = new Set(
        made.link.takeSent().flatMap(({ kind, id }) => (kind === kinds.CREDIT && id > 0 ? [id] : [])),
      )
      return { fired: given.size < streams }
    },
  },
  maxMetadataBytes: {
    value: 500,
    act(bytes, limits) {
      const metadata = packedTo(bytes, (padding) => ({ a: 'b'.repeat(240), c: padding }))
      const body = [...bodyOf(0), bytes >> 8, bytes & 0xff, ...metadata, 0xc0]
      return feed(open('server', limits), request(1, METADATA, Uint8Array.from(body)))
    },
  },
  maxErrorBytes: {
    value: 1_024,
    act(bytes, limits) {
      const made = open('server', limits)
      const about = { code: 'Failed', message: 'as told', processed: 'yes' } as const
      let data = ''
      packedTo(bytes, (padding) => {
        data = padding
        return { ...about, data }
      })
      made.effects.onRequest = ({ call }) => made.session.refuse(call, { ...about, data })
      feed(made, request(1, 0, bodyOf(1)))
      const error = errorIn(made.link.takeSent()[0])
      if (error.code === 'resource_exhausted') expect(error.processed).toBe('yes')
      return { fired: error.code !== 'Failed', words: error.message, counted: told(made).counted }
    },
  },
  maxDepth: {
    value: 5,
    peerless: 'a codec has no peer',
    act: (depth, limits) => decode(joined([new Uint8Array(depth).fill(0x91), pack(1)]), limits),
  },
  maxNodes: {
    value: 9,
    peerless: 'a codec has no peer',
    act: (nodes, limits) => decode(pack(Array(nodes - 1).fill(0)), limits),
  },
  maxCallsInFlight: {
    value: 130,
    act: (calls, limits) =>
      feed(open('server', limits), ...Array.from({ length: calls }, (_, at) => request(at + 1, 0, bodyOf(1)))),
  },
  maxCallsQueued: {
    value: 3,
    act(waiting, limits) {
      const made = open('client', limits, { maxCallsInFlight: 1 })
      const calls = Array.from({ length: 1 + waiting }, () => new RecordedCall())
      for (const call of calls) made.session.start(call)
      const last = calls.at(-1)
      expect(last?.fate).toBe(waiting > 3 ? 'refused resource_exhausted no' : '')
      return { ...feed(made), words: last?.message }
    },
  },
  maxBacklogBytes: {
    value: 16_384,
    silent: 'a server stops reading, a client queues its calls; nothing fails',
    act(bytes, limits) {
      const clock = new VirtualClock()
      const lane = new Lane(clock)
      const link = new MemoryLink({ clock, limits: resolveLimits(limits), peer: PEER }, lane.carry)
      link.writer.large(new Uint8Array(bytes))
      link.flush()
      return { fired: link.isCongested }
    },
  },
  maxTurnBytes: {
    value: 3_000,
    fits: 2_999,
    silent: 'the rest waits for the next turn; nothing fails',
    act: (bytes, limits) => ({ fired: waits(open('server', limits), request(1, 0, bodyOf(bytes - 9 - 8))) }),
  },
  maxTurnFrames: {
    value: 5,
    fits: 4,
    silent: 'the rest waits for the next turn; nothing fails',
    act(frames, limits) {
      const all = Array.from({ length: frames }, (_, at) => request(at + 1, 0, bodyOf(1)))
      return { fired: waits(open('server', limits), joined(all)) }
    },
  },
  pingAfterMs: {
    value: 40,
    fits: 39,
    silent: 'a PING says it',
    act(ms, limits) {
      const made = open('server', limits)
      made.clock.advance(ms)
      return { fired: made.link.takeSent().some(({ kind }) => kind === kinds.PING) }
    },
  },
  idleTimeoutMs: {
    value: 25_000,
    fits: 24_999,
    act(ms, limits) {
      const made = open('client', limits)
      made.clock.advance(ms)
      return feed(made)
    },
  },
  callTimeoutMs: {
    value: 300,
    fits: 299,
    silent: 'the call says that its deadline has passed, as with a deadline of its own',
    async act(ms, limits) {
      const clock = new VirtualClock()
      const slow = service(Slow, { forEver: () => new Promise(() => {}) })
      const { forEver } = connect(slow, { clock, limits }).client(Slow)
      let code = ''
      const call = forEver(null).catch((error: unknown) => {
        code = error instanceof NanowireError ? error.code : String(error)
      })
      // A deadline may be late by one tick of the wheel.
      clock.advance(ms > 299 ? ms + 8 : ms)
      if (ms > 299) await call
      return { fired: code === 'deadline_exceeded' }
    },
  },
  startTimeoutMs: {
    value: 400,
    fits: 399,
    peerless: 'a service starts in this process',
    async act(ms, limits) {
      const clock = new VirtualClock()
      const handlers = { forEver: () => new Promise<null>(() => {}) }
      const wire = connect(service(Slow, handlers, { start: () => new Promise(() => {}) }), { clock, limits })
      let words: string | undefined
      const ready = wire.ready().catch((error: unknown) => {
        words = error instanceof NanowireError ? `${error.code} ${error.processed}: ${error.message}` : String(error)
      })
      for (let turn = 0; turn < 20; turn++) await Promise.resolve() // until the start has been called
      clock.advance(ms)
      if (ms > 399) await ready
      return { fired: words?.startsWith('unavailable no: ') ?? false, words }
    },
  },
  lingerMs: {
    value: 70,
    fits: 69,
    silent: 'the connection is over, and its cause was told',
    act(ms, limits) {
      const made = open('server', limits)
      made.session.end()
      made.clock.advance(ms)
      return { fired: made.link.asked.includes('destroy') }
    },
  },
}

/** Whether the link leaves some of the input for another turn. */
function waits({ link }: Tapped, input: Uint8Array): boolean {
  link.feed(input, frameBytes(kinds.PING, 0, 0, new Uint8Array(8))) // what comes behind it waits, and the source with it
  return link.asked.includes('pause')
}

function decode(bytes: Uint8Array, limits: LimitOptions): Fired {
  try {
    codec(Type.Unknown(), limits).decode(bytes)
    return { fired: false }
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    return { fired: true, words: error.message }
  }
}
