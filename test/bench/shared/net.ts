/** What several peers need: a port to listen at, one write for a batch of messages, bytes in JSON. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** Listens on any free port of 127.0.0.1. */
export const listen = (server: Pick<Server, 'listen' | 'address' | 'once'>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)) // it listens on TCP
  })

/** 64 KiB of bytes have to be text where messages are JSON. */
export const toBase64 = (bytes: Uint8Array): { data: string } => ({
  data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
})
export const fromBase64 = ({ data }: { readonly data: string }): Uint8Array => Buffer.from(data, 'base64')

const SLAB_BYTES = 65_536
/** The best of 512 to 16,384 over all loads, measured on two cores: smaller is better for few calls, larger for many. */
const FLUSH_BYTES = 2_048

/** The best for items of a stream, which nobody waits for one by one: the loop loses a sixth with the other. */
export const STREAM_FLUSH_BYTES = 32_768

/**
 * A writer that copies messages into a slab, and writes it past `flushBytes` or at the end of the turn. Slabs are taken
 * back in the write's callback: a fresh one for each flush would cost more than all the rest.
 */
export function batch(socket: Socket, flushBytes: number = FLUSH_BYTES): (...parts: Uint8Array[]) => void {
  const free: Buffer[] = []
  let slab: Buffer = Buffer.allocUnsafe(SLAB_BYTES)
  let length = 0
  let isDue = false
  const flush = () => {
    isDue = false
    if (length === 0) return
    const sent = slab
    socket.write(sent.subarray(0, length), () => free.push(sent))
    slab = free.pop() ?? Buffer.allocUnsafe(SLAB_BYTES)
    length = 0
  }
  return (...parts) => {
    for (const part of parts) {
      if (length + part.length > SLAB_BYTES) flush()
      if (part.length > SLAB_BYTES / 2) {
        flush()
        socket.write(part)
        continue
      }
      slab.set(part, length)
      length += part.length
    }
    if (length >= flushBytes) flush()
    else if (!isDue) {
      isDue = true
      setImmediate(flush)
    }
  }
}

/** A port that was free a moment ago, for a peer that does not tell which port it was given. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
