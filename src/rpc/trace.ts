/**
 * `NANOWIRE_TRACE`: a line on stderr for each frame of each connection (spec/debugging.md). Invariants: credentials are
 * never printed; what goes wrong here never reaches a connection.
 */
import { type MethodRef, Reflection } from '../contract/index.ts'
import type { Clock } from '../session/index.ts'
import type { LinkTap } from '../transport/index.ts'
import {
  type DescribedField,
  describeFrames,
  FrameDecoder,
  flags,
  HEADER_BYTES,
  kinds,
  type ProtocolError,
  uint32At,
} from '../wire/index.ts'
import { notation } from './notation.ts'
import type { OpenLink } from './place.ts'
import { printLine } from './stderr.ts'

type TraceLevel = 'frames' | 'bodies'

/** What one end of a connection is, as its trace must know it. */
export interface TracedEnd {
  readonly side: 'client' | 'server'
  readonly clock: Clock
  /** A method's name by its number, where this end knows it beforehand. */
  readonly nameOf?: ((tag: number) => string | undefined) | undefined
}

/** Watches a link that nobody listens to yet, if `NANOWIRE_TRACE` asks for it now. */
export function traceLink(link: OpenLink, end: TracedEnd): FrameTrace | undefined {
  const level = readLevel()
  if (level === undefined) return undefined
  const trace = new FrameTrace(level, link.peer, end)
  link.tap = trace
  return trace
}

let warnedOf: string | undefined

function readLevel(): TraceLevel | undefined {
  const { NANOWIRE_TRACE: value } = globalThis.process?.env ?? {} // a browser has no process
  if (value === undefined || value === '') return undefined
  if (value === 'frames' || value === 'bodies') return value
  if (value !== warnedOf) printLine(`nanowire warning: NANOWIRE_TRACE is frames or bodies, not ${notation(value)}`)
  warnedOf = value
  return undefined
}

/** A frame that this end has sent is judged by its peer, not here. */
const OWN_LIMITS = { maxFrameBytes: 2 ** 24 - 1, maxHelloBytes: 2 ** 24 - 1 }
const LIMITS = { ...OWN_LIMITS, maxMetadataBytes: 65_535, maxDepth: 64, maxNodes: 524_288 }

/** Calls whose names are kept for their answers; a peer that never answers holds no more. */
const MAX_CALLS = 16_384

/** Sent or read. */
type Direction = '->' | '<-'

/** A call as far as its frames have passed. */
interface TracedCall {
  readonly method: string
  /** In which direction fragments of a message are still to come; there is no more than one at a time. */
  readonly open: Record<Direction, boolean>
}

let lastTrace = 0

/** The frames of one end of one connection, both directions. */
export class FrameTrace implements LinkTap {
  readonly #showsBodies: boolean
  readonly #clock: Clock
  readonly #who: string
  readonly #isServer: boolean
  readonly #nameOf: (tag: number) => string | undefined
  readonly #names = new Map([[Reflection.methods.describe.tag, Reflection.methods.describe.name as string]]) // widened
  readonly #calls = new Map<number, TracedCall>()
  /** Finds the frames in what was flushed. */
  #sent: FrameDecoder | undefined = new FrameDecoder(OWN_LIMITS)
  #skipped = 0

  constructor(level: TraceLevel, peer: string, end: TracedEnd) {
    const { side, clock, nameOf = (tag) => this.#names.get(tag) } = end
    this.#showsBodies = level === 'bodies'
    this.#clock = clock
    this.#isServer = side === 'server'
    this.#who = `${side}#${++lastTrace} ${peer}`
    this.#nameOf = nameOf
  }

  /** A client knows a method by its calls. */
  called(method: MethodRef): void {
    this.#names.set(method.tag, method.name)
  }

  frameReceived(decoder: FrameDecoder): void {
    this.#guard(() => {
      if (decoder.skipped > this.#skipped) this.#say('<-', `skipped=${decoder.skipped - this.#skipped}`)
      this.#skipped = decoder.skipped
      this.#frame('<-', decoder)
    })
  }

  streamBroken(error: ProtocolError): void {
    this.#say('<-', `broken rule=${error.rule} message=${notation(error.message)}`)
  }

  chunksFlushed(chunks: readonly Uint8Array[]): void {
    this.#guard(() => {
      for (const chunk of chunks) {
        this.#sent?.push(chunk)
        while (this.#sent?.read()) this.#frame('->', this.#sent)
      }
    })
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#sent = undefined // where its frames begin is not known any more
      this.#say('--', `untraced message=${notation(String(error))}`)
    }
  }

  #frame(direction: Direction, frame: FrameDecoder): void {
    const isFurther = this.#isFurtherFragment(direction, frame)
    const method = this.#methodOf(direction, frame)
    const [, kind, flagNames] = describe(frame, false)
    const words = [String(kind?.value)]
    if (frame.id !== 0) words.push(`id=${frame.id}`)
    if (method !== undefined) words.push(`method=${method}`)
    const names = flagNames?.value
    if (Array.isArray(names) && names.length > 0) words.push(`flags=${names.join('|')}`)
    words.push(`length=${frame.end - frame.start}`)
    if (this.#showsBodies && !isFurther) words.push(...bodyWords(frame))
    this.#say(direction, words.join(' '))
  }

  #isFurtherFragment(direction: Direction, { kind, id }: FrameDecoder): boolean {
    return isMessage(kind) && this.#calls.get(id)?.open[direction] === true
  }

  /** The name of the call's method, or its number; a call is forgotten with what ends it. */
  #methodOf(direction: Direction, frame: FrameDecoder): string | undefined {
    const { kind, id } = frame
    const known = this.#calls.get(id)
    const call = kind === kinds.REQUEST && !known?.open[direction] ? this.#newCall(frame) : known
    if (!call) return undefined
    const hasMore = (frame.flags & flags.MORE) !== 0
    if (isMessage(kind)) call.open[direction] = hasMore
    if (this.#endsCall(direction, frame) && !call.open[direction]) this.#calls.delete(id)
    return call.method
  }

  /** Whether nothing of a call comes after a frame that is the last of its message. */
  #endsCall(direction: Direction, { kind, flags: bits }: FrameDecoder): boolean {
    if (kind === kinds.REQUEST) return (bits & flags.ONE_WAY) !== 0
    if (kind === kinds.END) return (direction === '->') === this.#isServer
    return kind === kinds.RESPONSE || kind === kinds.ERROR
  }

  #newCall({ id, buffer, start, end }: FrameDecoder): TracedCall | undefined {
    if (end - start < 4) return undefined
    const tag = uint32At(buffer, start)
    const method = this.#nameOf(tag) ?? `0x${tag.toString(16).padStart(8, '0')}`
    const call = { method, open: { '->': false, '<-': false } }
    this.#calls.set(id, call)
    const [oldest] = this.#calls.size > MAX_CALLS ? this.#calls.keys() : []
    if (oldest !== undefined) this.#calls.delete(oldest)
    return call
  }

  #say(direction: string, words: string): void {
    printLine(`nanowire trace ${this.#clock.now().toFixed(3)} ${this.#who} ${direction} ${words}`)
  }
}

/** The four fields of a frame's header, and those of its body where it is asked for. */
function describe({ buffer, start, end }: FrameDecoder, withBody: boolean): readonly DescribedField[] {
  const bytes = buffer.subarray(start - HEADER_BYTES, withBody ? end : start)
  return describeFrames(bytes, LIMITS).frames[0]?.fields ?? []
}

/** Of a DATA with many items; how many there are is said behind the last one. */
const MAX_ITEMS = 4

function bodyWords(frame: FrameDecoder): string[] {
  if (frame.kind === kinds.AUTH) return ['credentials=(hidden)']
  const fields = describe(frame, true).slice(4)
  const isItem = ({ name }: DescribedField) => frame.kind === kinds.DATA && name === 'item'
  const items = fields.filter(isItem)
  const shown = [...fields.filter((field) => !isItem(field)), ...items.slice(0, MAX_ITEMS)]
  const words = shown.map(({ name, value }) => {
    const isSecret = frame.kind === kinds.HELLO && name === 'credentials'
    return `${wordOf(name)}=${isSecret ? '(hidden)' : notation(value)}`
  })
  return items.length > MAX_ITEMS ? [...words, '…', `items=${items.length}`] : words
}

function isMessage(kind: number): boolean {
  return kind === kinds.REQUEST || kind === kinds.RESPONSE || kind === kinds.DATA
}

/** A field's name as one word; an entry of a map may have any. */
function wordOf(name: string): string {
  return /^[\w ]+$/.test(name) ? name.replaceAll(' ', '_') : notation(name)
}
