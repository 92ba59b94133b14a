/**
 * The vocabulary of the wire: kinds, flags, the nine bytes of a header, and what a header may say (spec/protocol.md,
 * chapter "Frames"). Invariant: a length is judged before a byte of the body is buffered.
 */
import type { LimitName } from '../limits.ts'

/** `u24 length, u8 kind, u8 flags, u32 id`, big-endian, before each body. */
export const HEADER_BYTES = 9

export const kinds = {
  HELLO: 1,
  AUTH: 2,
  REQUEST: 3,
  RESPONSE: 4,
  DATA: 5,
  END: 6,
  ERROR: 7,
  CANCEL: 8,
  CREDIT: 9,
  PING: 10,
  PONG: 11,
  GOAWAY: 12,
  PRIORITY: 13,
} as const

export type KindName = keyof typeof kinds
export type Kind = (typeof kinds)[KindName]

export const flags = {
  /** REQUEST, RESPONSE, DATA: further fragments of this message follow. */
  MORE: 0x01,
  /** GOAWAY: the last id is settled; without it, only new calls should stop. */
  FINAL: 0x01,
  /** REQUEST, RESPONSE, END: metadata stands before the body. */
  METADATA: 0x02,
  /** REQUEST: nobody waits for an answer (a notify). */
  ONE_WAY: 0x04,
  /** REQUEST: the client's hash of the contract stands before metadata and body. */
  HASH: 0x08,
  /** REQUEST: the client has judged the method's schemas and found them compatible. */
  JUDGED: 0x10,
  /** DATA: how many items were left out stands before the items. */
  GAP: 0x02,
  /** DATA: the sender would send more, and has no credit. */
  WAIT: 0x04,
  /** REQUEST: the request's items follow in DATA. */
  INPUT: 0x20,
  /** REQUEST: the answer is to be a stream. */
  OUTPUT: 0x40,
  /** Any kind that the receiver may not know: skip the frame then. */
  IGNORE: 0x80,
} as const

const { MORE, FINAL, METADATA, ONE_WAY, HASH, JUDGED, GAP, WAIT, INPUT, OUTPUT, IGNORE } = flags

interface KindRule {
  readonly name: KindName
  /** Flags that have a meaning here; any other is a violation. */
  readonly flags: number
  /** Whether the id is a call's, always 0, or either. */
  readonly id: 'call' | 'zero' | 'either'
  readonly minBytes: number
  readonly maxBytes: number
}

const ANY = Number.POSITIVE_INFINITY

/** What each kind's header may say; `maxFrameBytes` and `maxHelloBytes` bound what is without a bound here. */
export const kindRules: Readonly<Record<number, KindRule>> = {
  [kinds.HELLO]: { name: 'HELLO', flags: 0, id: 'zero', minBytes: 6, maxBytes: 65_536 },
  [kinds.AUTH]: { name: 'AUTH', flags: 0, id: 'zero', minBytes: 1, maxBytes: 8_192 },
  [kinds.REQUEST]: {
    name: 'REQUEST',
    flags: MORE | METADATA | ONE_WAY | HASH | JUDGED | INPUT | OUTPUT,
    id: 'call',
    minBytes: 0,
    maxBytes: ANY,
  },
  [kinds.RESPONSE]: { name: 'RESPONSE', flags: MORE | METADATA, id: 'call', minBytes: 0, maxBytes: ANY },
  [kinds.DATA]: { name: 'DATA', flags: MORE | GAP | WAIT, id: 'call', minBytes: 0, maxBytes: ANY },
  [kinds.END]: { name: 'END', flags: METADATA, id: 'call', minBytes: 0, maxBytes: ANY },
  [kinds.ERROR]: { name: 'ERROR', flags: 0, id: 'either', minBytes: 1, maxBytes: 65_536 },
  [kinds.CANCEL]: { name: 'CANCEL', flags: 0, id: 'call', minBytes: 0, maxBytes: 0 },
  [kinds.CREDIT]: { name: 'CREDIT', flags: 0, id: 'either', minBytes: 4, maxBytes: 4 },
  [kinds.PING]: { name: 'PING', flags: 0, id: 'zero', minBytes: 8, maxBytes: 8 },
  [kinds.PONG]: { name: 'PONG', flags: 0, id: 'zero', minBytes: 8, maxBytes: 8 },
  [kinds.GOAWAY]: { name: 'GOAWAY', flags: FINAL, id: 'zero', minBytes: 4, maxBytes: 1_028 },
  [kinds.PRIORITY]: { name: 'PRIORITY', flags: 0, id: 'call', minBytes: 1, maxBytes: 1 },
}

/** The rules of the protocol that a peer can break, as an ERROR for the connection names them (spec/protocol.md). */
export type ProtocolRule =
  | 'not_nanowire'
  | 'version'
  | 'hello'
  | 'second_hello'
  | 'frame_size'
  | 'frame_kind'
  | 'frame_flags'
  | 'frame_id'
  | 'frame_order'
  | 'body'
  | 'fragment'
  | 'stream'
  | 'credit'
  | 'limit'
  | 'timeout'
  | 'auth'

/** The peer broke the protocol: the connection ends, and an ERROR frame says by which rule. */
export class ProtocolError extends Error {
  readonly rule: ProtocolRule
  /** The limit that fired, where one did. */
  readonly limit: LimitName | undefined

  constructor(rule: ProtocolRule, message: string, limit?: LimitName, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.rule = rule
    this.limit = limit
  }
}
ProtocolError.prototype.name = 'ProtocolError' // not within the class, which a bundler would then rename

/**
 * Judges a header by itself, before its body is there.
 * @returns the kind's rule, or `undefined` for a frame that is to be skipped.
 * @throws ProtocolError
 */
export function judgeHeader(
  kind: number,
  length: number,
  flagBits: number,
  id: number,
  maxFrameBytes: number,
): KindRule | undefined {
  if (length > maxFrameBytes) {
    throw new ProtocolError(
      'frame_size',
      `a frame of ${length} bytes: maxFrameBytes is ${maxFrameBytes} (option limits.maxFrameBytes)`,
      'maxFrameBytes',
    )
  }
  const rule = kindRules[kind]
  if (!rule) {
    if ((flagBits & IGNORE) !== 0) return undefined
    throw new ProtocolError('frame_kind', `frame kind ${kind} is not known and not marked as ignorable`)
  }
  if (length < rule.minBytes || length > rule.maxBytes) {
    throw new ProtocolError(
      'frame_size',
      `a ${rule.name} of ${length} bytes; it has ${rule.minBytes} to ${rule.maxBytes}`,
    )
  }
  if ((flagBits & ~(rule.flags | IGNORE)) !== 0 || excludeEachOther(kind, flagBits)) {
    throw new ProtocolError('frame_flags', `a ${rule.name} with flags 0x${flagBits.toString(16)}`)
  }
  if (rule.id !== 'either' && (id === 0) !== (rule.id === 'zero')) {
    throw new ProtocolError('frame_id', `a ${rule.name} with id ${id}`)
  }
  return rule
}

/** Of a REQUEST: a notify has no streams, and what has items as its request has no body that goes on. */
function excludeEachOther(kind: number, flagBits: number): boolean {
  if ((flagBits & (INPUT | OUTPUT)) === 0 || kind !== kinds.REQUEST) return false
  return (flagBits & ONE_WAY) !== 0 || ((flagBits & INPUT) !== 0 && (flagBits & MORE) !== 0)
}

/** To begin a stream, and to end one, costs as much as so many calls. */
const STREAM_WEIGHT = 16

/** How many frames a frame counts for in a turn. */
export function weightOf({ kind, flags }: { readonly kind: Kind; readonly flags: number }): number {
  if (kind === kinds.CANCEL) return STREAM_WEIGHT
  return kind === kinds.REQUEST && (flags & (INPUT | OUTPUT)) !== 0 ? STREAM_WEIGHT : 1
}
