/** What stands in bodies beside values: heads of requests, metadata, credentials, errors, gaps (P17 to P29, P37; streams.md, F4, F20). */
import { isDeepStrictEqual } from 'node:util'
import { defaultLimits } from '../../src/limits.ts'
import {
  itemsStart,
  metadataEnd,
  ProtocolError,
  pack,
  packCredentials,
  packError,
  readCredentials,
  readEnd,
  readError,
  readGap,
  readMetadata,
  readRequestHead,
  StrictError,
  saidBodyStart,
} from '../../src/wire/index.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { require, requireDeclared, type Target } from '../target.ts'

const HEADER = 9
const PADDING = 6

/** Reads a body of one kind, and checks what it made of it. */
type Reader = (bytes: Uint8Array, start: number, end: number, flags: number) => void

const readers: readonly Reader[] = [
  (bytes, start, end, flags) => {
    const head = readRequestHead(flags & 0x7f, bytes, start, end)
    require(head.bodyStart >= start + 8 && head.bodyStart <= end, () => `a body that begins at ${head.bodyStart}`)
    require(head.metadataStart <= head.bodyStart, 'metadata behind the body')
    readTexts(bytes, head.metadataStart, head.bodyStart)
  },
  (bytes, start, end) => {
    const bodyStart = metadataEnd(bytes, start, end)
    require(bodyStart >= start + 2 && bodyStart <= end, () => `a body that begins at ${bodyStart}`)
    require(saidBodyStart(0x02, bytes, start) === bodyStart, 'a body that begins in two places')
    readTexts(bytes, start, bodyStart)
  },
  (bytes, start, end) => {
    const said = readCredentials(bytes, start, end)
    const again = packCredentials(said)
    require(isDeepStrictEqual(readCredentials(again, 0, again.length), said), 'credentials that change')
  },
  (bytes, start, end) => {
    const error = readError(bytes, start, end, defaultLimits)
    require(error.code.length <= 128 && error.message.length <= 1_024, 'an error with long texts')
    const again = packError({ ...error, code: error.code.toWellFormed(), message: error.message.toWellFormed() })
    const twice = readError(again, 0, again.length, defaultLimits)
    require(twice.code === error.code.toWellFormed(), 'an error with another code')
    require(twice.processed === error.processed, 'an error with another processed')
  },
  (bytes, start, end, flags) => {
    readEnd(flags & 0x02, bytes, start, end, 8_192)
  },
  (bytes, start, end, flags) => {
    const at = itemsStart(flags & 0x02, start, end)
    require(at >= start && at <= end, 'items that begin elsewhere')
    readGap(flags & 0x02, bytes, start)
  },
]

export const bodies: Target = {
  about: 'heads of requests, metadata, credentials, errors and gaps: refused by a ProtocolError or read as they are',
  maxBytes: 2_048,
  dictionary: [
    'code',
    'message',
    'processed',
    'no',
    'maybe',
    'yes',
    'data',
    'rule',
    'lastId',
    'metadata',
    '__proto__',
    'toString',
  ],
  *seeds() {
    for (const { hex } of vectorsOf('bodies.json')) {
      const bytes = bytesOf(hex)
      const reader = [3, 4, 2, 7, 6, 5].indexOf(bytes[3] ?? 0)
      yield Uint8Array.of(Math.max(0, reader), bytes[4] ?? 0, ...bytes.subarray(HEADER))
    }
    yield Uint8Array.of(2, 0, ...pack({ user: 'ada', token: 'x' }))
  },
  judge(input) {
    const read = readers[(input[0] ?? 0) % readers.length]
    const body = input.subarray(2)
    const bytes = new Uint8Array(body.length + 2 * PADDING).fill(0xc0)
    bytes.set(body, PADDING)
    try {
      read?.(bytes, PADDING, PADDING + body.length, input[1] ?? 0)
    } catch (error) {
      requireDeclared(error, ProtocolError, StrictError)
    }
  },
}

function readTexts(bytes: Uint8Array, start: number, end: number): void {
  if (start === end) return
  const metadata = readMetadata(bytes, start, end, 8_192)
  require(Object.values(metadata).every((text) => typeof text === 'string'), 'metadata that is no text')
}
