/**
 * Peers that send frames of streams in any order, lawful or not: what comes of it is a reply, a typed error or a rule of the protocol;
 * all calls and handlers end, nothing throws, and the honest client beside them goes on.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NanowireError } from '../../src/index.ts'
import { flags, kinds, type ProtocolRule, pack } from '../../src/wire/index.ts'
import { until } from '../support/hand-clock.ts'
import { frame, RawPeer } from '../support/raw-peer.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { all, close, facing } from './facing.ts'
import {
  cancel,
  chat,
  count,
  credit,
  data,
  end,
  hold,
  itemOf,
  large,
  open,
  placed,
  streamVictim,
  stuck,
  sum,
} from './streams.ts'

const { MORE, GAP, WAIT, METADATA } = flags
/** What a peer may be told that sends only what can be read. */
const rules: readonly ProtocolRule[] = [
  'stream',
  'credit',
  'fragment',
  'body',
  'limit',
  'frame_id',
  'frame_order',
  'frame_flags',
]

const id = fc.integer({ min: 1, max: 4 })
const bytes = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1, max: 5 }).map((n) => Buffer.concat(Array<Uint8Array>(n).fill(itemOf(n)))),
  },
  { weight: 2, arbitrary: fc.constant(new Uint8Array(0)) },
  fc.constant(itemOf(1, 'x'.repeat(9_000))),
  fc.constant(itemOf(1, 'xyz').subarray(0, 7)),
  fc.constant(itemOf(1, 'xyz').subarray(7)),
  fc.constant(pack(7)),
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 0, max: 17_000 }).map((length) => new Uint8Array(length)),
)
const flagBits = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  fc.constantFrom(MORE, WAIT, GAP, MORE | WAIT, MORE | GAP),
)
const increment = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(0, 2 ** 31 - 1, 2 ** 32 - 1))

/** Frames that both sides may send. */
const shared = [
  { weight: 6, arbitrary: fc.tuple(id, bytes, flagBits).map(([at, body, bits]) => data(at, body, bits)) },
  { weight: 2, arbitrary: id.map(end) },
  { weight: 2, arbitrary: fc.tuple(id, increment).map(([at, more]) => credit(at, more)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9_000 }).map((more) => credit(0, more)) },
] as const

const methods = [stuck, large, count, sum, hold, chat, placed] as const
const asked: Readonly<Record<string, unknown>> = {
  [stuck.name]: null,
  [large.name]: 100_000,
  [count.name]: { count: 40, bytes: 900 },
  [placed.name]: {},
}

describe('frames of streams in any order', () => {
  it('from a client end its calls, or its connection by a rule', { timeout: PATIENCE_MS }, async () => {
    const attacked = await streamVictim()
    /** Ids rise by one, so requests are numbered when they are sent. */
    const fromClient = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...methods) },
      ...shared,
      { weight: 2, arbitrary: id.map(cancel) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(id, fc.integer({ min: 0, max: 3 }))
          .map(([at, n]) => frame(kinds.PRIORITY, at, Uint8Array.of(n))),
      },
      { weight: 1, arbitrary: id.map((at) => frame(kinds.REQUEST, at, new Uint8Array(9), MORE)) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fromClient, { maxLength: 40 }), fc.boolean(), async (sends, isCut) => {
        const peer = await RawPeer.greeted(attacked.url)
        let next = 1
        for (const one of sends) peer.send(one instanceof Uint8Array ? one : open(next++, one, asked[one.name]))
        if (isCut) peer.socket.resetAndDestroy()
        else peer.socket.end()
        await peer.closed
        const last = peer.frames.filter(({ kind, id: at }) => kind === kinds.ERROR && at === 0)
        expect(last.length).toBeLessThanOrEqual(1)
        if (last.length > 0 && !isCut) expect(rules).toContain((await peer.lastWords()).rule)
        await until(() => attacked.server.stats().inFlight === 1)
      }),
      runs(150),
    )
    expect(attacked.log.at('error')).toEqual([])
    await attacked.expectUnharmed()
  })

  it('from a server end the calls of its client, each once and typed', { timeout: PATIENCE_MS }, async () => {
    const fromServer = fc.oneof(
      ...shared,
      { weight: 1, arbitrary: fc.tuple(id, bytes).map(([at, body]) => frame(kinds.END, at, body, METADATA)) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(id, bytes, fc.constantFrom(0, MORE))
          .map(([at, body, bits]) => frame(kinds.RESPONSE, at, body, bits)),
      },
      { weight: 1, arbitrary: id.map((at) => frame(kinds.ERROR, at, pack({ code: 'aborted', message: 'no' }))) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fromServer, { maxLength: 25 }), async (sends) => {
        const { client, wire, clock, peer } = await facing()
        let ended = 0
        const items = async function* () {
          try {
            for (let n = 0; n < 200; n++) yield { n, text: 'x'.repeat(200) }
          } finally {
            ended++
          }
        }
        const calls = [
          all(client.count({ count: 1, bytes: 1 })),
          client.sum(items()).catch((error: unknown) => ({ error })),
          all(client.chat(items())),
          client.stuck(null).catch((error: unknown) => ({ error })),
        ]
        await peer.next(kinds.REQUEST, 4)
        peer.send(...sends)
        peer.socket.end()
        await peer.closed
        for (const outcome of await Promise.all(calls)) {
          const { error } = Object(outcome) as { readonly error?: unknown }
          if (error !== undefined) expect(error).toBeInstanceOf(NanowireError)
        }
        await until(() => ended === 2)
        expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
        await close(wire, clock)
      }),
      runs(100),
    )
  })
})
