/** What a port with TLS meets: handshakes that stall, garbage before, in and instead of them. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { kinds } from '../../../src/wire/index.ts'
import { type Attack, again, behind, bytewise, frame, header, hello, join, methods, ping, request } from './attack.ts'

/** What a client of TLS says first. */
const first = await clientHello()
const NOISE = Uint8Array.from({ length: 4_096 }, (_, n) => (n * 2_654_435_761) >>> 24)
const shaking = Uint8Array.of(0x16, 3, 1, 0, 200, 1)

/** The bytes with one of them changed, behind the five of the record's header. */
function flipped(n: number): Uint8Array {
  const at = 5 + (n % (first.length - 5))
  return first.map((byte, index) => (index === at ? byte ^ 0xff : byte))
}

const stalled = (title: string, bytes: Uint8Array): Attack => ({
  title: `TLS stalls: ${title}`,
  door: 'hastyTls',
  connections: [300, 9_900],
  script: () => ({ writes: bytes.length > 0 ? [bytes] : [] }),
  told: { isClosed: true },
})

export const tls: readonly Attack[] = [
  stalled('not a byte', new Uint8Array(0)),
  stalled('half a record', shaking),
  stalled('half a ClientHello', first.subarray(0, first.length >> 1)),
  {
    title: 'TLS stalls: a whole ClientHello, and nothing more',
    door: 'hastyTls',
    connections: [200, 2_000],
    script: () => ({ writes: [first] }),
    told: { isClosed: true },
  },
  {
    title: 'TLS stalls: nothing behind a good handshake',
    door: 'hastyTls',
    connections: [100, 1_000],
    script: () => ({ writes: [], isSecure: true }),
    told: { rule: 'timeout', isLate: true },
  },
  {
    title: 'garbage that begins like TLS',
    door: 'tls',
    connections: [100, 1_000],
    script: (n) => ({ writes: [join(shaking, NOISE.subarray(n % 1_000))] }),
    told: { isClosed: true },
  },
  {
    title: 'garbage at a port with TLS',
    door: 'tls',
    connections: [100, 1_000],
    script: (n) => ({ writes: [NOISE.subarray(1 + (n % 1_000))] }),
    told: { isClosed: true },
  },
  {
    title: 'a ClientHello with any byte changed',
    door: 'tls',
    connections: [first.length - 5, first.length - 5],
    script: (n) => ({ writes: [flipped(n)], last: 'end' }),
    told: { isClosed: true },
  },
  {
    title: 'resets at every byte of a ClientHello',
    door: 'tls',
    connections: [first.length + 1, first.length + 1],
    script: (n) => ({ writes: n > 0 ? [first.subarray(0, n)] : [], last: 'reset' }),
    told: { isClosed: true },
  },
  {
    title: 'a length of 16 MiB within TLS',
    door: 'tls',
    connections: [50, 500],
    script: () => ({ writes: [join(hello(), header(0xff_ffff, kinds.REQUEST, 0, 1))], isSecure: true }),
    told: { rule: 'frame_size' },
  },
  {
    title: 'PINGs within TLS of which no PONG is read',
    door: 'tls',
    connections: [2, 50],
    script: () => ({ writes: behind(hello(), again(1_500_000, ping)), reads: 'nothing', isSecure: true }),
    told: {},
    isUnheard: true,
    holdsMiB: 32,
  },
  {
    title: 'a byte in each record',
    door: 'tls',
    connections: [4, 50],
    script: () => ({
      writes: behind(hello(), bytewise(request(1, methods.echo, { text: 'x'.repeat(20_000) }))),
      isSecure: true,
    }),
    told: { answers: () => ({ ok: 1 }) },
  },
  {
    title: 'no certificate where one is asked for',
    door: 'asking',
    connections: [50, 500],
    script: () => ({ writes: [join(hello(), frame(kinds.PING, 0, new Uint8Array(8)))], isSecure: true }),
    told: { rule: 'auth' },
  },
]

/** As this Node says it. */
async function clientHello(): Promise<Uint8Array> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens at a port
  const client = connect({ port, host: '127.0.0.1', ALPNProtocols: ['nanowire/1'] }).on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Uint8Array]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}
