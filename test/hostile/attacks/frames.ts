/** Lengths that lie, frames of nothing, bytes one by one, and frames that nobody allowed. */
import { pack } from '../../../src/wire/index.ts'
import {
  type Attack,
  again,
  behind,
  bytewise,
  cancel,
  credit,
  data,
  each,
  eachOf,
  flags,
  frame,
  header,
  hello,
  join,
  kinds,
  many,
  methods,
  NOTHING,
  open,
  ping,
  request,
} from './attack.ts'

const MOST = 0xff_ffff
const bitByBit = { text: 'x'.repeat(50_000) }
/** Some fifty MiB: systems take ten of one connection, and nobody notices. */
const MANY_PINGS = 3_000_000
/** Of which a million bytes are twenty. */
const requestsBitByBit = (share: number) => Math.max(1, Math.round(20 * share) - 1)

export const frames: readonly Attack[] = [
  {
    title: 'a length of 16 MiB before anything else',
    connections: [1_000, 10_000],
    script: () => ({ writes: [header(MOST, kinds.HELLO, 0, 0)] }),
    told: { rule: 'not_nanowire' },
  },
  {
    title: 'a length of 16 MiB behind the HELLO',
    connections: [1_000, 10_000],
    script: () => ({ writes: [join(hello(), header(MOST, kinds.REQUEST, 0, 1), new Uint8Array(100))] }),
    told: { rule: 'frame_size' },
  },
  {
    title: 'the longest frame that is allowed, announced and never sent',
    connections: [1_000, 9_900],
    script: () => ({ writes: [join(hello(), header(65_536, kinds.REQUEST, 0, 1), new Uint8Array(100))] }),
    told: {},
  },
  {
    title: 'a million writes of one byte',
    connections: [8, 20],
    script: (_, share) => {
      const whole = requestsBitByBit(share)
      const last = request(whole + 1, methods.echo, bitByBit).subarray(0, -1) // held while memory is looked at
      return {
        writes: behind(
          hello(),
          bytewise(
            join(
              each(whole, (id) => request(id, methods.echo, bitByBit)),
              last,
            ),
          ),
        ),
      }
    },
    told: { answers: (share) => ({ ok: requestsBitByBit(share) }) },
    holdsMiB: 4,
  },
  {
    title: 'frames of nothing, of a kind that may be skipped',
    connections: [4, 50],
    script: (_, share) => ({ writes: behind(hello(), again(1_000_000 * share, frame(99, 0, NOTHING, 0x80))) }),
    told: { isHeard: true },
  },
  {
    title: 'fragments of nothing',
    connections: [20, 200],
    script: () => ({
      writes: [
        join(
          hello(),
          request(1, methods.echo, null, { bytes: NOTHING, flags: flags.MORE }),
          many(5_000, frame(kinds.REQUEST, 1, NOTHING, flags.MORE)),
        ),
      ],
    }),
    told: { rule: 'fragment' },
  },
  {
    title: 'fragments of a byte',
    connections: [20, 200],
    script: () => ({
      writes: [
        join(
          hello(),
          request(1, methods.echo, null, { bytes: NOTHING, flags: flags.MORE }),
          many(5_000, frame(kinds.REQUEST, 1, Uint8Array.of(0), flags.MORE)),
        ),
      ],
    }),
    told: { rule: 'fragment' },
  },
  {
    title: 'DATA without items',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), open(1, methods.stuckUpload), many(5_000, data(1, NOTHING)))] }),
    told: { rule: 'limit' },
  },
  {
    title: 'PINGs of which no PONG is read',
    connections: [2, 100],
    script: () => ({ writes: behind(hello(), again(MANY_PINGS, ping)), reads: 'nothing' }),
    told: {},
    isUnheard: true,
  },
  {
    title: 'more items than there is credit for',
    connections: [20, 200],
    script: () => ({
      writes: [join(hello(), open(1, methods.stuckUpload), many(4, data(1, pack('x'.repeat(16_000)))))],
    }),
    told: { rule: 'credit' },
  },
  {
    title: 'more credit than can be',
    connections: [20, 200],
    script: () => ({
      writes: [
        join(hello(), open(1, methods.count, { count: 1_000_000_000, bytes: 1_000 }), many(3, credit(1, 0x7fff_ffff))),
      ],
    }),
    told: { rule: 'credit' },
  },
  {
    title: 'acknowledgements of what was never sent',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), credit(0, 0xffff_ffff))] }),
    told: { rule: 'credit' },
  },
  {
    title: 'credit of nothing',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), open(1, methods.count, { count: 9, bytes: 9 }), credit(1, 0))] }),
    told: { rule: 'credit' },
  },
  {
    title: 'ids of calls that others have made',
    connections: [10, 100],
    script: (_, share) => ({
      writes: behind(
        hello(),
        eachOf(100_000 * share, (id) => join(cancel(id), credit(id, 1), frame(kinds.END, id), data(id, NOTHING))),
      ),
    }),
    told: { isHeard: true },
    counts: (share) => ({ unknownIds: 4 * 100_000 * share }),
  },
  {
    title: 'an id that was used before',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), open(7, methods.stuck), open(7, methods.stuck))] }),
    told: { rule: 'frame_id' },
  },
  {
    title: 'ids that go backwards',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), open(9, methods.stuck), open(8, methods.stuck))] }),
    told: { rule: 'frame_id' },
  },
  {
    title: 'answers that only a server gives',
    connections: [20, 200],
    script: () => ({ writes: [join(hello(), open(1, methods.stuck), frame(kinds.RESPONSE, 1, pack(null)))] }),
    told: { rule: 'frame_order' },
  },
]
