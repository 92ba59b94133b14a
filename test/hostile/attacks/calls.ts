/** Calls that are to fill slots, memory or a producer: cancelled, given up, unread, unacknowledged. */
import type { MethodRef } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { pack } from '../../../src/wire/index.ts'
import {
  type Attack,
  behind,
  cancel,
  credit,
  data,
  each,
  eachOf,
  flags,
  frame,
  hello,
  inFragments,
  join,
  kinds,
  methods,
  open,
  request,
  withMetadata,
} from './attack.ts'

const FOREVER = { count: 1_000_000_000, bytes: 1_000 }
const STREAMS = 200
/** What a connection may have on its way, and what waits for it in each of them: four of these items and the one that was too many. */
const UNREAD_ITEMS = 65_536 / FOREVER.bytes + 5 * STREAMS
const SLOTS = defaultLimits.maxCallsInFlight
const SOON_MS = 300
/** A hundred rounds of the wheel that deadlines wait in: the same slot of it. */
const LATER_MS = 100 * 256 * 8
const LONG_REQUESTS = 40
const long = pack({ text: 'x'.repeat(1_000_000) })
const ROOM_FOR_LONG = Math.floor(defaultLimits.maxReassemblyBytes / long.length)
/** So that what a server does not read is more than systems take. */
const padding = pack({ a: 'x'.repeat(8_000) })

export const calls: readonly Attack[] = [
  {
    title: 'rapid reset: calls cancelled as soon as they are made',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(100_000 * share, (id) => join(open(id, methods.stuck), cancel(id))),
      ),
    }),
    told: {},
    handlers: SLOTS,
    holdsMiB: 24,
  },
  {
    title: 'rapid reset of streams',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(50_000 * share, (id) =>
          join(open(id, id < 500 ? methods.count : methods.stuckUpload, FOREVER), cancel(id)),
        ),
      ),
    }),
    told: {},
    handlers: SLOTS,
    holdsMiB: 32,
  },
  {
    title: 'calls that the server itself gives up: deadlines of a millisecond',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(100_000 * share, (id) => open(id, methods.stuck, null, 1)),
      ),
    }),
    told: {},
    handlers: SLOTS,
    holdsMiB: 24,
  },
  {
    title: 'deadlines that come in one moment, beside as many that come later',
    connections: [4, 50],
    script: () => ({
      writes: [
        join(
          hello(),
          each(SLOTS, (id) => open(id, methods.stuck, null, id % 2 === 0 ? SOON_MS : SOON_MS + LATER_MS)),
        ),
      ],
    }),
    told: {},
    handlers: SLOTS,
    holdsMiB: 24,
  },
  {
    title: 'calls that the server itself gives up: items that are not theirs',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(20_000 * share, (id) =>
          join(open(id, methods.stuckTaking), data(id, pack('no item')), frame(kinds.END, id)),
        ),
      ),
    }),
    told: { answers: (share) => ({ invalid_argument: 20_000 * share }) },
  },
  {
    title: 'calls that the server itself gives up: its own items do not fit',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(40_000 * share, (id) => open(id, methods.stuckStream)),
      ),
    }),
    told: {},
    handlers: SLOTS,
    isLogged: true,
    holdsMiB: 36,
  },
  {
    title: 'calls that the server itself gives up: messages above the limit',
    connections: [4, 20],
    script: (_, share) => ({
      writes: behind(hello(), tooLong(Math.max(1, Math.round(100 * share)))),
    }),
    told: { answers: (share) => ({ resource_exhausted: Math.max(1, Math.round(100 * share)) }) },
    handlers: 0,
  },
  {
    title: 'notifies whose handlers never end',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(100_000 * share, (id) => withMetadata(id, padding, null, methods.stuckNote)),
      ),
    }),
    told: {},
    handlers: SLOTS,
    isUnheard: true,
    holdsMiB: 52,
  },
  {
    title: 'streams of which no byte is read: a window of zero',
    connections: [10, 50],
    script: () => ({
      writes: [
        join(
          hello(),
          each(STREAMS, (id) => open(id, methods.count, FOREVER)),
        ),
      ],
      reads: 'nothing',
    }),
    told: {},
    items: UNREAD_ITEMS,
    holdsMiB: 32,
  },
  {
    title: 'streams that get no credit',
    connections: [10, 50],
    script: () => ({
      writes: [
        join(
          hello(),
          each(STREAMS, (id) => open(id, methods.count, FOREVER)),
        ),
      ],
    }),
    told: {},
    items: UNREAD_ITEMS,
    holdsMiB: 32,
  },
  {
    title: 'streams with all the credit there is, and nothing acknowledged',
    connections: [10, 50],
    script: () => ({
      writes: [
        join(
          hello(),
          each(STREAMS, (id) => join(open(id, methods.count, FOREVER), credit(id, 0x7fff_ffff - 16_384))),
        ),
      ],
    }),
    told: {},
    items: UNREAD_ITEMS,
    holdsMiB: 32,
  },
  {
    title: 'streams with long requests, and no credit for what they answer',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), longRequests(methods.search)) }),
    told: { answers: () => ({ resource_exhausted: LONG_REQUESTS - ROOM_FOR_LONG }) },
    holdsMiB: 4 * 16 + 16,
  },
  {
    title: 'subscriptions with long keys',
    connections: [4, 20],
    script: () => ({ writes: behind(hello(), longRequests(methods.told)) }),
    told: { answers: () => ({ resource_exhausted: LONG_REQUESTS - ROOM_FOR_LONG }) },
    holdsMiB: 4 * 16 + 16,
  },
  {
    title: 'large replies that nobody reads',
    connections: [4, 20],
    script: () => ({
      writes: [
        join(
          hello(),
          each(100, (id) => open(id, methods.large, 4_000_000)),
        ),
      ],
      reads: 'nothing',
    }),
    told: {},
    holdsMiB: 100,
  },
  {
    title: 'uploads that no handler takes',
    connections: [4, 20],
    script: () => ({
      writes: behind(
        hello(),
        eachOf(500, (id) => join(open(id, methods.stuckUpload), data(id, pack({ n: id, text: 'x'.repeat(16_000) })))),
      ),
    }),
    told: {},
    handlers: 500,
    holdsMiB: 48,
  },
  {
    title: 'items that are begun and never finished',
    connections: [4, 20],
    script: () => ({
      writes: behind(
        hello(),
        eachOf(500, (id) =>
          join(open(id, methods.sum), data(id, pack('x'.repeat(16_000)).subarray(0, 16_000), flags.MORE)),
        ),
      ),
    }),
    told: {},
    holdsMiB: 48,
  },
]

/** Each is whole, and goes on. */
function* longRequests(method: MethodRef): Generator<Uint8Array> {
  for (let id = 1; id <= LONG_REQUESTS; id++) yield* inFragments(id, method, long)
}

/** Messages above what one may have, one after the other. */
function* tooLong(count: number): Generator<Uint8Array> {
  const part = new Uint8Array(65_000)
  for (let id = 1; id <= count; id++) {
    yield request(id, methods.stuck, null, { bytes: part, flags: flags.MORE })
    for (let n = 0; n < 65; n++) yield frame(kinds.REQUEST, id, part, n < 64 ? flags.MORE : 0)
  }
}
