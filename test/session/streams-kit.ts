/** Streams as tests of either half of a session write and read them. An item is bytes here, whatever they say. */
import type { Flow, IncomingCall, Inflow, InflowListener, ItemToSend, Outflow } from '../../src/session/index.ts'
import { flags, kinds } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, joined, requestBody, type SlowFrame, u32 } from '../support/slow-frames.ts'
import { errorIn, opened, type Tapped } from '../support/tapped.ts'
import { feed } from './messages.ts'

const { INPUT, OUTPUT } = flags

export const data = (id: number, body: Uint8Array | readonly number[] = [], flagBits = 0) =>
  frameBytes(kinds.DATA, flagBits, id, body)
export const end = (id: number, flagBits = 0, body: readonly number[] = []) => frameBytes(kinds.END, flagBits, id, body)
export const credit = (id: number, bytes: number) => frameBytes(kinds.CREDIT, 0, id, u32(bytes))
export const cancel = (id: number) => frameBytes(kinds.CANCEL, 0, id)
export const priority = (id: number, level: number) => frameBytes(kinds.PRIORITY, flags.IGNORE, id, [level])
export const streamRequest = (id: number, flagBits: number, timeoutMs = 0) =>
  frameBytes(kinds.REQUEST, flagBits, id, requestBody(7, timeoutMs, (flagBits & INPUT) === 0 ? [0xc0] : []))

/** So many bytes, of which each says where it stands. */
export function ramp(bytes: number, from = 0): Uint8Array {
  const filled = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at++) filled[at] = (from + at) % 251
  return filled
}

/** An item of these bytes. */
export class Item implements ItemToSend {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array | number) {
    this.#bytes = typeof bytes === 'number' ? ramp(bytes) : bytes
  }

  encodeInto(buffer: Uint8Array, at: number): number {
    if (at + this.#bytes.length > buffer.length) return -1
    buffer.set(this.#bytes, at)
    return at + this.#bytes.length
  }

  toBody(): Uint8Array {
    return this.#bytes
  }
}

/** Takes what comes at once, or when it is told to. */
export class Consumer implements InflowListener {
  readonly inflow: Inflow
  /** What was taken, in pieces that lay together. */
  readonly taken: Uint8Array[] = []
  readonly told: string[] = []
  gaps = 0
  #isEager: boolean

  constructor(inflow: Inflow | undefined, isEager = true) {
    if (!inflow) throw new Error('the call receives no items')
    this.inflow = inflow
    this.#isEager = isEager
    inflow.listen(this)
  }

  get bytes(): Uint8Array {
    return joined(this.taken)
  }

  itemsCame(): void {
    if (this.#isEager) this.take()
  }

  ended(): void {
    this.told.push('ended')
  }

  tooLong(): void {
    this.told.push('too long')
  }

  stalled({ code, processed }: { readonly code: string; readonly processed: string }): void {
    this.told.push(`stalled ${code} ${processed}`)
  }

  /** Takes at most so many bytes that wait. Returns how many there were. */
  take(most = Number.POSITIVE_INFINITY): number {
    let sum = 0
    for (let chunk = this.inflow.chunk; chunk && sum < most; chunk = this.inflow.chunk) {
      this.gaps += this.inflow.takeGap()
      const bytes = Math.min(most - sum, chunk.end - chunk.start)
      this.taken.push(new Uint8Array(chunk.buffer.subarray(chunk.start, chunk.start + bytes)))
      this.inflow.taken(bytes)
      sum += bytes
    }
    return sum
  }
}

/** A producer without end: puts items as long as it may. */
export class Producer {
  count = 0
  readonly #outflow: Outflow
  readonly #bytes: number
  readonly #most: number

  constructor(outflow: Outflow | undefined, bytes: number, most = Number.POSITIVE_INFINITY) {
    if (!outflow) throw new Error('the call sends no items')
    this.#outflow = outflow
    this.#bytes = bytes
    this.#most = most
    outflow.onReady = () => this.run()
  }

  run(): void {
    while (this.count < this.#most) {
      this.count++
      if (!this.#outflow.put(new Item(ramp(this.#bytes, (this.count - 1) * this.#bytes)))) return
    }
  }
}

export interface AtServer {
  readonly call: IncomingCall
  readonly flow: Flow
}

/** A call that has begun at its server. */
export function beginAt(made: Tapped, id: number, flagBits = INPUT | OUTPUT): AtServer {
  feed(made, streamRequest(id, flagBits))
  const call = made.effects.requests.at(-1)?.call
  if (call?.id !== id || !call.flow) throw new Error(`the call ${id} has not begun`)
  return { call, flow: call.flow }
}

/** The first call that has begun at a server. */
export function handledBy({ effects }: Tapped): IncomingCall {
  const [handled] = effects.requests
  if (!handled) throw new Error('no handler runs')
  return handled.call
}

/** A call that its client has sent. */
export function beginFrom(
  made: Tapped,
  settings: ConstructorParameters<typeof RecordedCall>[0] = { input: true, output: true },
): RecordedCall & { readonly flow: Flow } {
  const call = new RecordedCall(settings)
  made.session.start(call)
  made.clock.runTurns()
  if (!hasFlow(call)) throw new Error('the call has no streams')
  return call
}

function hasFlow(call: RecordedCall): call is RecordedCall & { readonly flow: Flow } {
  return call.flow !== undefined
}

/** Frames in words: `DATA 1 MORE 16384`, `CREDIT 1 +8192`, `ERROR 1 cancelled yes`. */
export function words(frames: readonly SlowFrame[]): string[] {
  return frames.map((frame) => [nameOf(kinds, frame.kind), frame.id, ...flagNames(frame), detailOf(frame)].join(' '))
}

function flagNames({ kind, flags: bits }: SlowFrame): string[] {
  const known: Readonly<Record<number, readonly (keyof typeof flags)[]>> = {
    [kinds.DATA]: ['MORE', 'GAP', 'WAIT'],
    [kinds.REQUEST]: ['MORE', 'ONE_WAY', 'INPUT', 'OUTPUT'],
    [kinds.RESPONSE]: ['MORE', 'METADATA'],
    [kinds.END]: ['METADATA'],
    [kinds.PRIORITY]: ['IGNORE'],
  }
  return (known[kind] ?? []).filter((name) => (bits & flags[name]) !== 0)
}

function detailOf(frame: SlowFrame): string {
  const { kind, body } = frame
  if (kind === kinds.CREDIT) return `+${new DataView(body.buffer, body.byteOffset).getUint32(0)}`
  if (kind !== kinds.ERROR) return String(body.length)
  const { code, processed, rule } = errorIn(frame)
  return rule ? `${code} ${rule}` : `${code} ${processed}`
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value)
}

/** Bytes of bulk in frames that went out: of DATA, and of fragments but the first of each message. */
export function bulkIn(frames: readonly SlowFrame[]): number {
  const begun = new Set<string>()
  let bytes = 0
  for (const { kind, id, flags: bits, body } of frames) {
    const key = `${kind} ${id}`
    if (kind === kinds.DATA || begun.has(key)) bytes += body.length
    if ((bits & flags.MORE) !== 0) begun.add(key)
    else begun.delete(key)
  }
  return bytes
}

/** Call 1 of a session that receives items and sends some. */
export function both(role: 'client' | 'server') {
  const made = opened({ role })
  const { flow } = role === 'server' ? beginAt(made, 1) : beginFrom(made)
  made.link.takeSent()
  const { outflow } = flow
  if (!outflow) throw new Error('the call sends no items')
  return { made, flow, outflow, consumer: new Consumer(flow.inflow) }
}

/** What went out by the end of this turn. */
export function said({ clock, link }: Tapped): string[] {
  clock.runTurns()
  return words(link.takeSent())
}
