/**
 * Every limit with its default and its reason (spec/limits.md). A limit that fires names itself, its value, the peer
 * and the option that changes it.
 */
import { misuse } from './errors.ts'

interface LimitRule {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly reason: string
}

const KIB = 1024
const MIB = 1024 * KIB
const MAX_TIMER_MS = 2 ** 31 - 1

/** The rules of `Limits`, in the order in which a connection meets them. */
export const limitRules = {
  maxConnections: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    reason: 'open connections of one server; one more is answered with an ERROR and closed',
  },
  handshakeTimeoutMs: {
    default: 5_000,
    min: 1,
    max: MAX_TIMER_MS,
    reason: 'from the connection to the whole HELLO of the peer; a silent peer holds nothing longer',
  },
  maxHelloBytes: {
    default: 64 * KIB,
    min: KIB,
    max: 64 * KIB,
    reason: 'the body of a HELLO; the one frame that is read before anything is known of the peer',
  },
  maxFrameBytes: {
    default: 64 * KIB,
    min: 64 * KIB,
    max: 16 * MIB - 1,
    reason: 'the body of one frame; every peer may send 64 KiB before the HELLO of the other has come',
  },
  maxMessageBytes: {
    default: 4 * MIB,
    min: KIB,
    max: 256 * MIB,
    reason: 'a request or reply in all its fragments, as MessagePack',
  },
  maxReassemblyBytes: {
    default: 16 * MIB,
    min: KIB,
    max: 4096 * MIB,
    reason:
      'all unfinished messages of one connection; a peer that never finishes them holds no more. Unless it is named, it ' +
      'is at least four times maxMessageBytes, so that such messages can be taken at all',
  },
  maxStreamBytes: {
    default: 16 * MIB,
    min: 0,
    max: 4096 * MIB,
    reason: 'items that wait to be taken, of all streams of one connection together, above 16 KiB for each of them',
  },
  maxMetadataBytes: {
    default: 8 * KIB,
    min: 0,
    max: 60 * KIB,
    reason: 'metadata of one request or reply, as MessagePack; it travels in the first frame',
  },
  maxErrorBytes: {
    default: 16 * KIB,
    min: KIB,
    max: 60 * KIB,
    reason: 'an error with its data, as MessagePack; it travels in one frame',
  },
  maxDepth: {
    default: 64,
    min: 1,
    max: 512,
    reason: 'maps and arrays inside each other; checked before anything recurses',
  },
  maxNodes: {
    default: 524_288,
    min: 1,
    max: 64 * MIB,
    reason:
      'values in one message, keys included; 4 MiB of floats fit, 4 MiB of empty maps (some 200 MiB of memory) do not',
  },
  maxCallsInFlight: {
    default: 1_024,
    min: 1,
    max: 1_000_000,
    reason: "calls of one connection whose handlers have not ended; a client queues what is above its server's number",
  },
  maxCallsQueued: {
    default: 16_384,
    min: 0,
    max: 10_000_000,
    reason: 'calls of one connection that wait in the client for a place in flight',
  },
  maxBacklogBytes: {
    default: MIB,
    min: 16 * KIB,
    max: 1024 * MIB,
    reason:
      'bytes written to a socket and not yet taken by the system; above it a server stops reading, a client queues',
  },
  maxTurnBytes: {
    default: 64 * KIB,
    min: KIB,
    max: 64 * MIB,
    reason: 'input of one connection that is handled in one turn of the event loop, so that its neighbours have theirs',
  },
  maxTurnFrames: {
    default: 1_024,
    min: 1,
    max: 1_000_000,
    reason:
      'frames of one connection that are handled in one turn of the event loop; many that are busy share four times as many',
  },
  pingAfterMs: {
    default: 20_000,
    min: 10,
    max: MAX_TIMER_MS,
    reason: 'without a byte from the peer, a PING is sent',
  },
  idleTimeoutMs: {
    default: 30_000,
    min: 10,
    max: MAX_TIMER_MS,
    reason: 'without a byte from the peer, the connection counts as lost; larger than pingAfterMs',
  },
  callTimeoutMs: {
    default: 10_000,
    min: 1,
    max: MAX_TIMER_MS,
    reason: "the deadline of a call, and of a notify's handler, where neither call nor method names one",
  },
  startTimeoutMs: {
    default: 30_000,
    min: 1,
    max: MAX_TIMER_MS,
    reason: 'the start of one service, and its stop; what never ends must not hold up whoever waits for it',
  },
  lingerMs: {
    default: 500,
    min: 0,
    max: 60_000,
    reason: 'after an ERROR for the connection, how long its rest is read and discarded so that the peer can read why',
  },
} as const satisfies Record<string, LimitRule>

export type LimitName = keyof typeof limitRules

/** Every limit, each a whole number: bytes, counts or milliseconds as its name says. */
export type Limits = { readonly [Name in LimitName]: number }

/** Limits to change; what is absent keeps its default. */
export type LimitOptions = { readonly [Name in LimitName]?: number | undefined }

export const defaultLimits: Limits = Object.freeze(
  Object.fromEntries(Object.entries(limitRules).map(([name, rule]) => [name, rule.default])),
) as Limits // the entries are exactly the names

/**
 * The limits with `options` put in.
 * @throws NanowireError `invalid_argument` for an unknown name or a number out of its range.
 */
export function resolveLimits(options: LimitOptions = {}): Limits {
  const limits: Record<LimitName, number> = { ...defaultLimits }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(limitRules, name)) {
      throw misuse(`there is no limit ${JSON.stringify(name)}; the limits are ${Object.keys(limitRules).join(', ')}`)
    }
    const rule: LimitRule = limitRules[name as LimitName] // own, checked above
    if (!Number.isInteger(value) || value < rule.min || value > rule.max) {
      throw misuse(`limits.${name} is a whole number from ${rule.min} to ${rule.max}, not ${String(value)}`)
    }
    limits[name as LimitName] = value // own, checked above
  }
  if (options.maxReassemblyBytes === undefined) {
    limits.maxReassemblyBytes = Math.max(limits.maxReassemblyBytes, 4 * limits.maxMessageBytes)
  }
  if (limits.idleTimeoutMs <= limits.pingAfterMs) {
    throw misuse(
      `limits.idleTimeoutMs (${limits.idleTimeoutMs}) must be larger than limits.pingAfterMs (${limits.pingAfterMs})`,
    )
  }
  return limits
}

/** How an error names a limit that fired: its name, its value, the peer and the option. */
export function limitMessage(name: LimitName, limits: Limits, what: string, peer: string): string {
  return `${what}: ${name} is ${limits[name]} (peer ${peer}; option limits.${name})`
}
