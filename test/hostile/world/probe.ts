/** How soon somebody who breaks a rule is told so, sees the end, and is destroyed if it goes on. In milliseconds. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { FrameDecoder, kinds } from '../../../src/wire/index.ts'
import { pem } from '../../support/certificates.ts'
import type { Script } from './peers.ts'

export interface Probe {
  /** From the write of the last byte until the ERROR and the end of the server's direction. */
  readonly toldMs: number
  /** From the ERROR until it is destroyed, though it does not end its own direction and sends on. */
  readonly destroyedMs: number
}

const MORE = new Uint8Array(64)
const EACH_MS = 5

export async function probe(port: number, { writes, isSecure, from }: Script): Promise<Probe> {
  const where = { host: '127.0.0.1', port, allowHalfOpen: true, ...(from === undefined ? {} : { localAddress: from }) }
  const socket = isSecure
    ? connectSecure({ ...where, ca: pem('authority'), servername: 'localhost', ALPNProtocols: ['nanowire/1'] })
    : connect(where)
  socket.on('error', () => {}) // how it is destroyed
  await once(socket, isSecure ? 'secureConnect' : 'connect')
  socket.setNoDelay(true)
  const decoder = new FrameDecoder()
  let toldAt: number | undefined
  socket.on('data', (chunk: Buffer) => {
    for (const { kind, id } of decoder.frames(chunk)) if (kind === kinds.ERROR && id === 0) toldAt = performance.now()
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (const bytes of writes) if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), closed])
  const broken = performance.now()
  await Promise.race([once(socket, 'end'), closed])
  if (toldAt === undefined) throw new Error('it was told nothing')
  const ended = performance.now()
  const timer = setInterval(() => socket.write(MORE), EACH_MS)
  await closed
  clearInterval(timer)
  return { toldMs: ended - broken, destroyedMs: performance.now() - toldAt }
}
