/** Writes what the ends of TCP connections sent as a capture file: Ethernet, IPv4, TCP with right sequence numbers. */

/** Bytes that one end sent, as one or more segments. */
export interface Sent {
  readonly from: 'client' | 'server'
  readonly bytes: Uint8Array
}

export interface CaptureOptions {
  readonly serverPort: number
  /** The longest segment. Default 1,460. */
  readonly segmentBytes?: number | undefined
}

const ADDRESS = [127, 0, 0, 1]
/** Of the first connection's client; the next ones follow. */
const FIRST_CLIENT_PORT = 20_000
const SYN = 0x02
const ACK = 0x10
const PUSH = 0x08
const FIN = 0x01

/** Connections one after the other, in the classic format of libpcap; each segment is a microsecond after the one before. */
export function capture(connections: readonly (readonly Sent[])[], options: CaptureOptions): Uint8Array {
  const segments = connections.flatMap((sent, index) => segmentsOf(sent, FIRST_CLIENT_PORT + index, options))
  return Buffer.concat([fileHeader(), ...segments.map((segment, index) => record(index, ethernet(ipv4(segment))))])
}

/** The segments of one connection, from its opening to its end. */
function segmentsOf(sent: readonly Sent[], clientPort: number, options: CaptureOptions): Uint8Array[] {
  const { serverPort, segmentBytes = 1_460 } = options
  const ports = { client: clientPort, server: serverPort }
  const next = { client: 1_000, server: 2_000 }
  const segments: Uint8Array[] = []
  const add = (from: Sent['from'], flags: number, payload: Uint8Array) => {
    const to = from === 'client' ? 'server' : 'client'
    const acknowledged = (flags & ACK) === 0 ? 0 : next[to]
    segments.push(tcp(ports[from], ports[to], next[from], acknowledged, flags, payload))
    next[from] += payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1)
  }
  const nothing = new Uint8Array(0)
  add('client', SYN, nothing)
  add('server', SYN | ACK, nothing)
  add('client', ACK, nothing)
  for (const { from, bytes } of sent) {
    for (let at = 0; at < bytes.length; at += segmentBytes)
      add(from, PUSH | ACK, bytes.subarray(at, Math.min(bytes.length, at + segmentBytes)))
  }
  add('client', FIN | ACK, nothing)
  add('server', FIN | ACK, nothing)
  return segments
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4) // version 2.4
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16) // the longest packet
  header.writeUInt32LE(1, 20) // Ethernet
  return header
}

function record(index: number, packet: Uint8Array): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(1_000_000_000, 0)
  header.writeUInt32LE(index, 4) // microseconds
  header.writeUInt32LE(packet.length, 8)
  header.writeUInt32LE(packet.length, 12)
  return Buffer.concat([header, packet])
}

function ethernet(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(12), Buffer.from([0x08, 0x00]), payload])
}

function ipv4(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(header.length + payload.length, 2)
  header[8] = 64 // hops
  header[9] = 6 // TCP
  header.set(ADDRESS, 12)
  header.set(ADDRESS, 16)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

function tcp(from: number, to: number, sequence: number, ack: number, flags: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(from, 0)
  header.writeUInt16BE(to, 2)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE(ack, 8)
  header[12] = 0x50
  header[13] = flags
  header.writeUInt16BE(65_535, 14)
  const segment = Buffer.concat([header, payload])
  const pseudo = Buffer.from([...ADDRESS, ...ADDRESS, 0, 6, segment.length >> 8, segment.length & 255])
  segment.writeUInt16BE(checksum(Buffer.concat([pseudo, segment])), 16)
  return segment
}

/** The internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
