/** Connections by the thousand: silent, slow, cut, refused, and HELLOs and AUTHs that say too much. */
import { pack } from '../../../src/wire/index.ts'
import { SMALL_DOOR } from '../world/doors.ts'
import {
  type Attack,
  again,
  behind,
  flags,
  frame,
  header,
  hello,
  helloWith,
  join,
  kinds,
  many,
  methods,
  open,
  request,
} from './attack.ts'

const NONE = new Uint8Array(0)
const credentials = (said: unknown) => helloWith(join(pack('credentials'), pack(said)))
const half = (bytes: Uint8Array) => bytes.subarray(0, Math.floor(bytes.length / 2))
const known = credentials('let me in')

/** What a client does before its first call is answered, in order. */
const handshake = join(hello(), open(1, methods.echo, { text: 'x' }), frame(kinds.CANCEL, 1))
const guarded = join(known, open(1, methods.echo, { text: 'x' }), frame(kinds.AUTH, 0, pack('let me in')))

/** A HELLO with as much as fits, in an entry that a receiver does not know. */
const UNASKED = helloWith(join(pack('unknown'), pack('x'.repeat(64_000))))

/** A HELLO with so many entries that nobody knows. */
function crowded(entries: number): Uint8Array {
  const plain = hello().subarray(9)
  const known = (plain[5] ?? 0) & 0x0f
  const more = Array.from({ length: entries - known }, (_, n) => join(pack(`k${n}`), pack(n)))
  return frame(
    kinds.HELLO,
    0,
    join(plain.subarray(0, 5), Uint8Array.of(0xde, entries >> 8, entries), plain.subarray(6), ...more),
  )
}

/** One address of this machine for each connection. */
const address = (n: number) => `127.${(n >> 14) & 0x7f}.${(n >> 7) & 0x7f}.${(n & 0x7f) + 1}`

const slow = (title: string, bytes: Uint8Array, door: 'hasty' | 'hastyGuarded' = 'hasty'): Attack => ({
  title: `slowloris: ${title}`,
  door,
  connections: [1_000, 9_900],
  script: () => ({ writes: bytes.length > 0 ? [bytes] : [] }),
  told: { rule: 'timeout' },
})

/** Behind a HELLO, where a peer that is silent is asked, and then given up. */
const silent = (title: string, bytes: Uint8Array): Attack => ({
  title: `slowloris: ${title}`,
  door: 'hasty',
  connections: [500, 9_900],
  script: () => ({ writes: [join(hello(), bytes)] }),
  told: { isClosed: true },
})

export const openings: readonly Attack[] = [
  slow('not a byte', NONE),
  slow('one byte of a header', hello().subarray(0, 1)),
  slow('half a header', hello().subarray(0, 5)),
  slow('half a HELLO', half(hello())),
  slow('a HELLO of 64 KiB that is announced', join(header(65_536, kinds.HELLO, 0, 0), Buffer.from('NWIR'))),
  slow(
    'credentials that take for ever to judge',
    join(credentials('let me wait'), open(1, methods.stuck)),
    'hastyGuarded',
  ),
  silent('nothing behind the HELLO', NONE),
  silent('half a header of a request', open(1, methods.echo).subarray(0, 5)),
  silent('half a request', half(open(1, methods.echo, { text: 'x'.repeat(100) }))),
  silent(
    'half a message in fragments',
    request(1, methods.echo, null, { bytes: new Uint8Array(100), flags: flags.MORE }),
  ),
  silent('half a stream', open(1, methods.sum)),
  {
    title: 'a flood of connections from one address',
    door: 'small',
    connections: [600, 9_900],
    script: () => ({ writes: [hello()] }),
    told: { rule: 'limit', stay: SMALL_DOOR },
  },
  {
    title: 'a flood of connections from many addresses',
    door: 'small',
    connections: [600, 9_900],
    script: (n) => ({ writes: [hello()], from: address(n) }),
    told: { rule: 'limit', stay: SMALL_DOOR },
  },
  {
    title: 'connections that come and go, each for a call',
    connections: [2_000, 9_900],
    script: () => ({ writes: [join(hello(), open(1, methods.echo, { text: 'x' }))], last: 'end' }),
    told: { isClosed: true },
  },
  {
    title: 'resets at every byte of the handshake',
    connections: [handshake.length + 1, handshake.length + 1],
    script: (n) => ({ writes: n > 0 ? [handshake.subarray(0, n)] : [], last: 'reset' }),
    told: { isClosed: true },
  },
  {
    title: 'ends at every byte of the handshake',
    connections: [handshake.length + 1, handshake.length + 1],
    script: (n) => ({ writes: n > 0 ? [handshake.subarray(0, n)] : [], last: 'end' }),
    told: { isClosed: true },
  },
  {
    title: 'resets at every byte of a handshake with credentials',
    door: 'guarded',
    connections: [guarded.length + 1, guarded.length + 1],
    script: (n) => ({ writes: n > 0 ? [guarded.subarray(0, n)] : [], last: 'reset' }),
    told: { isClosed: true },
  },
  {
    title: 'HELLOs with more entries than may be',
    connections: [200, 2_000],
    script: () => ({ writes: [crowded(3_000)] }),
    told: { rule: 'hello' },
  },
  {
    title: 'HELLOs of 64 KiB that say what nobody asked for',
    connections: [1_000, 2_000],
    script: () => ({ writes: [UNASKED] }),
    told: { isHeard: true },
  },
  {
    title: 'HELLOs one behind the other',
    connections: [200, 2_000],
    script: () => ({ writes: [many(100, hello())] }),
    told: { rule: 'second_hello' },
  },
  {
    title: 'AUTHs where nobody asks for them',
    connections: [4, 50],
    script: (_, share) => ({
      writes: behind(hello(), again(20_000 * share, frame(kinds.AUTH, 0, pack('x'.repeat(8_000))))),
    }),
    told: { isHeard: true },
  },
  {
    title: 'AUTHs that are each to be judged',
    door: 'guarded',
    connections: [4, 50],
    script: (_, share) => ({ writes: behind(known, again(20_000 * share, frame(kinds.AUTH, 0, pack('let me in')))) }),
    told: { isHeard: true },
    counts: (share) => ({ judged: 1 + 20_000 * share }),
  },
  {
    title: 'AUTHs that take for ever to judge',
    door: 'hastyGuarded',
    connections: [100, 1_000],
    script: () => ({ writes: [join(known, many(1_000, frame(kinds.AUTH, 0, pack('let me wait'))))] }),
    told: { rule: 'timeout' },
  },
  {
    title: 'AUTHs above their limit',
    door: 'guarded',
    connections: [20, 200],
    script: () => ({ writes: [join(known, frame(kinds.AUTH, 0, pack('x'.repeat(9_000))))] }),
    told: { rule: 'frame_size' },
  },
  {
    title: 'credentials that are forged',
    door: 'guarded',
    connections: [200, 2_000],
    script: (n) => ({
      writes: [
        join(
          credentials(n % 2 ? 'tell me why' : { name: 'admin', __proto: 'x' }),
          open(1, methods.echo, { text: 'x' }),
        ),
      ],
    }),
    told: { rule: 'auth' },
  },
  {
    title: 'other protocols',
    connections: [20, 200],
    script: () => ({ writes: ['GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(1_000)].map((text) => Buffer.from(text)) }),
    told: { rule: 'not_nanowire' },
  },
]
