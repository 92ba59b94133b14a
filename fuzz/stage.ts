/**
 * One session with a peer that the input plays: its link, its clock, and the oracles that hold for both roles (spec/session.md,
 * spec/streams.md). Invariant: whatever the peer sends, nothing throws, what the session sends is lawful, and in the end nothing is left.
 */
import type { Limits } from '../src/limits.ts'
import type { Effects, IncomingCall, IncomingRequest, Inflow, ItemToSend, Outflow } from '../src/session/index.ts'
import { VirtualClock } from '../src/testing/simulate/virtual-clock.ts'
import { MemoryLink } from '../src/transport/memory.ts'
import { flags, kinds } from '../src/wire/index.ts'
import { limits } from './peer.ts'
import { slowDecode } from './slow-decoder.ts'
import { require } from './target.ts'

const FIRST_CREDIT = 16_384
const FIRST_WINDOW = 65_536
const MOST_PIECES = 100

/** A frame, read slowly. */
export interface Seen {
  readonly kind: number
  readonly flags: number
  readonly id: number
  readonly body: Uint8Array
}

/** What a stream has in frames, up to where it ends or breaks a rule. */
export function framesOf(
  bytes: Uint8Array,
  expectsHello = true,
): { readonly frames: readonly Seen[]; readonly error: string | undefined } {
  const { frames, error } = slowDecode(bytes, { maxFrameBytes: 0xff_ffff, maxHelloBytes: 65_536, expectsHello })
  const seen = frames.map((line) => {
    const [kind = 0, flagBits = 0, id = 0, offset = 0, length = 0] = line.split(' ').map(Number)
    return { kind, flags: flagBits, id, body: bytes.subarray(offset, offset + length) }
  })
  return { frames: seen, error }
}

/** The link of the session, whose other end is the input. */
export class Stage {
  readonly clock = new VirtualClock(1)
  readonly link: MemoryLink
  /** What the session has been sent, and what it has sent. */
  readonly received: Uint8Array[] = []
  readonly sent: Uint8Array[] = []
  #held = 0
  #takes = true
  #isCut = false

  constructor(of: Limits = limits) {
    const carry = (chunk: Uint8Array) => {
      this.sent.push(chunk)
      if (this.#takes) this.clock.turn(() => this.link.taken(chunk.length))
      else this.#held += chunk.length
    }
    this.link = new MemoryLink({ clock: this.clock, limits: of, peer: 'input' }, carry)
  }

  /** Sends bytes to the session, perhaps in pieces, and lets it do what it can now, or not. */
  send(bytes: Uint8Array, how: number): void {
    if (this.link.isGone) return
    const least = Math.ceil(bytes.length / MOST_PIECES)
    const step = Math.max(least, [bytes.length, bytes.length, 1, 7, 9, 1_000][how % 6] ?? 0)
    for (let at = 0; at < bytes.length; at += step) {
      const chunk = bytes.slice(at, at + step)
      this.received.push(chunk)
      this.link.arrive(chunk)
    }
    if (how < 128) this.clock.runTurns()
  }

  /** The peer takes nothing of what it is sent, until it takes it again. */
  takes(yes: boolean): void {
    this.#takes = yes
    if (!yes) return
    const held = this.#held
    this.#held = 0
    if (held > 0) this.link.taken(held)
    this.clock.runTurns()
  }

  endInput(): void {
    this.link.arrive(new Uint8Array(0))
    this.clock.runTurns()
  }

  cut(): void {
    if (this.#isCut) return
    this.#isCut = true
    this.link.destroy(new Error('cut'))
    this.clock.runTurns()
  }
}

/** The end of the stream with the session: by what it sent and was sent, and by what is left. */
export function judgeSent(stage: Stage, role: 'client' | 'server'): void {
  const { frames, error } = framesOf(Buffer.concat(stage.sent))
  require(error === undefined, () => `the session sent what breaks ${error}`)
  const input = framesOf(Buffer.concat(stage.received)).frames
  const theirs = new Set(role === 'server' ? [8, 3, 2, 13] : [4, 12])
  const ended = new Set<number>()
  let isOver = false
  for (const frame of frames) {
    const { kind, id } = frame
    require(!isOver, () => `a frame of kind ${kind} behind the last word`)
    require(!theirs.has(kind), () => `a ${role} sent a frame of kind ${kind}`)
    if (kind === kinds.ERROR && id === 0) isOver = true
    if (role === 'server') judgeAnswer(frame, input, ended)
  }
  judgeCredit(frames, input)
}

const isAnswer = (kind: number) => kind === kinds.RESPONSE || kind === kinds.ERROR || kind === kinds.END

function judgeAnswer({ kind, id, flags: bits }: Seen, input: readonly Seen[], ended: Set<number>): void {
  if (id === 0) return
  require(input.some((one) => one.kind === kinds.REQUEST && one.id === id), () =>
    `a frame of kind ${kind} for ${id}, which nobody asked for`)
  require(!ended.has(id), () => `a frame of kind ${kind} for ${id} behind its answer`)
  if (isAnswer(kind) && (kind !== kinds.RESPONSE || (bits & flags.MORE) === 0)) ended.add(id)
}

/** Nothing is sent beyond the credit that the whole input gives (F9, F10). */
function judgeCredit(frames: readonly Seen[], input: readonly Seen[]): void {
  const bulk = new Map<number, number>()
  const begun = new Set<string>()
  let all = 0
  for (const { kind, id, flags: bits, body } of frames) {
    if (kind === kinds.DATA) bulk.set(id, (bulk.get(id) ?? 0) + body.length)
    const isFragmented = kind === kinds.REQUEST || kind === kinds.RESPONSE
    if (kind === kinds.DATA || (isFragmented && begun.has(`${kind} ${id}`))) all += body.length
    if (isFragmented && (bits & flags.MORE) !== 0) begun.add(`${kind} ${id}`)
  }
  const given = new Map<number, number>()
  for (const { kind, id, body } of input) {
    if (kind !== kinds.CREDIT) continue
    given.set(id, (given.get(id) ?? 0) + Buffer.from(body).readUInt32BE(0))
  }
  for (const [id, bytes] of bulk)
    require(bytes <= FIRST_CREDIT + (given.get(id) ?? 0), () => `${bytes} bytes of items for ${id} beyond their credit`)
  if (!given.has(0)) require(all <= FIRST_WINDOW, () => `${all} bytes of bulk that nobody has acknowledged`)
}

/** Effects as they have to be, in their order. Requests go to whoever plays the handlers. */
export class JudgedEffects implements Effects {
  hellos = 0
  violations = 0
  isClosed = false
  readonly #requested: (call: IncomingCall, request: IncomingRequest) => void

  constructor(requested: (call: IncomingCall, request: IncomingRequest) => void = () => {}) {
    this.#requested = requested
  }

  opened(): void {
    this.#alive('opened')
    require(++this.hellos === 1, 'opened twice')
  }

  requestReceived(call: IncomingCall, request: IncomingRequest): void {
    this.#alive('a request')
    require(this.hellos === 1, 'a request before the HELLO')
    require(this.violations === 0, 'a request behind a breach')
    require(request.end - request.start <= limits.maxMessageBytes, 'a request that is too large')
    this.#requested(call, request)
  }

  requestRefused(): void {
    this.#alive('a refusal')
  }

  draining(): void {
    this.#alive('draining')
  }

  limitFired(name: string, message: string): void {
    this.#alive('a limit')
    require(message.includes(name), () => `a limit that does not say its name: ${message}`)
  }

  peerViolated(rule: string): void {
    this.#alive('a breach')
    require(++this.violations === 1, () => `a second breach, of ${rule}`)
  }

  closed(): void {
    this.#alive('closed')
    this.isClosed = true
  }

  #alive(what: string): void {
    require(!this.isClosed, () => `${what} behind the end`)
  }
}

/** Takes items off a stream, as many as there are at most. */
export function takeItems(inflow: Inflow, most: number, itemBytes: number): void {
  for (let count = 0; count < most; count++) {
    const { chunk } = inflow
    if (!chunk) return inflow.awaited()
    require(chunk.end > chunk.start, 'an item without bytes waits')
    inflow.takeGap()
    inflow.taken(Math.min(1 + itemBytes, chunk.end - chunk.start))
  }
}

export function putItems(outflow: Outflow, count: number, bytes: number): void {
  let mayPut = true
  outflow.onReady = () => {}
  for (let done = 0; done < count && mayPut && !outflow.isOver; done++) mayPut = outflow.put(new Item(bytes))
}

class Item implements ItemToSend {
  readonly #body: Uint8Array

  constructor(bytes: number) {
    this.#body = new Uint8Array(bytes).fill(1)
  }

  encodeInto(buffer: Uint8Array, at: number): number {
    if (at + this.#body.length > buffer.length) return -1
    buffer.set(this.#body, at)
    return at + this.#body.length
  }

  toBody(): Uint8Array {
    return this.#body
  }
}

export const silent = { itemsCame() {}, ended() {}, tooLong() {}, stalled() {} }
