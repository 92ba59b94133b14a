/** spec/vectors/sessions.json: scripts of one end of a connection, played against the library's other end. */
import { describe, expect, test } from 'vitest'
import { NanowireError } from '../../src/errors.ts'
import type { AuthenticateRequest, CallOptions, Connection, LimitOptions } from '../../src/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import type { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type Frame, flags, type KindName, kinds, readError, uint32At } from '../../src/wire/index.ts'
import { Greeter, makeGreeter, makeStreamer, Streamer } from './fixture.ts'
import { type BareEnd, pass, settle, silentLog, stageClient, stageServer } from './stage.ts'
import { bytesOf, type Hex, hexOf, untag, vectorsOf } from './vectors.ts'

interface ExpectedFrame {
  readonly kind: KindName
  readonly id: number
  readonly flags?: number
  readonly body?: Hex
  /** The length of the body. */
  readonly bytes?: number
  /** Entries of the body, others aside. */
  readonly says?: Readonly<Record<string, unknown>>
  /** Any number of frames, as one with all of their bodies. */
  readonly joined?: true
}

interface Step {
  readonly send?: Hex
  readonly pass?: number
  readonly expect?: readonly ExpectedFrame[]
  readonly closed?: boolean
  readonly cut?: true
  /** Of a server. */
  readonly drain?: number
  /** Of a client. */
  readonly ready?: true
  readonly call?: string
  readonly as?: string
  /** Of a call with input. */
  readonly items?: readonly unknown[]
  readonly more?: true
  readonly give?: string
  readonly body?: unknown
  readonly options?: CallOptions
  readonly cancel?: string
  readonly close?: number
  readonly ends?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly got?: Readonly<Record<string, readonly unknown[]>>
  readonly stats?: Readonly<Record<string, number>>
}

interface SessionVector {
  readonly name: string
  readonly role: 'server' | 'client'
  readonly limits?: LimitOptions
  /** What a server asks its clients for. */
  readonly credentials?: string
  readonly steps: readonly Step[]
}

/** The hash of the client's contract, which it MAY tell: 16 bytes after tag and time. */
function withoutHash(frame: Frame): Frame {
  if (frame.kind !== kinds.REQUEST || (frame.flags & flags.HASH) === 0) return frame
  const body = Uint8Array.of(...frame.body.subarray(0, 8), ...frame.body.subarray(24))
  return { ...frame, flags: frame.flags & ~flags.HASH, body }
}

function seen(frame: Frame, expected: ExpectedFrame | undefined): unknown {
  const { kind, id, body } = frame
  return {
    kind: Object.entries(kinds).find(([, number]) => number === kind)?.[0],
    id,
    ...(frame.flags === 0 ? {} : { flags: frame.flags }),
    ...(expected?.joined ? { joined: true } : {}),
    ...(expected?.body === undefined ? {} : { body: hexOf(body) }),
    ...(expected?.bytes === undefined ? {} : { bytes: body.length }),
    ...(expected?.says === undefined ? {} : { says: pick(contentOf(frame), expected.says) }),
  }
}

function contentOf({ kind, flags: bits, body }: Frame): Readonly<Record<string, unknown>> {
  if (kind === kinds.GOAWAY) return { final: (bits & flags.FINAL) !== 0, lastId: uint32At(body, 0) }
  return { ...readError(body, 0, body.length, defaultLimits) }
}

function pick(from: Readonly<Record<string, unknown>>, like: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.keys(like).map((name) => [name, from[name]]))
}

/** Frames that may be any number, put together: of one kind and id, one behind the other. */
function joinFrames(frames: readonly Frame[], expected: readonly ExpectedFrame[]): Frame[] {
  const joined: Frame[] = []
  for (const frame of frames) {
    const last = joined.at(-1)
    if (last && expected[joined.length - 1]?.joined && last.kind === frame.kind && last.id === frame.id) {
      const body = Uint8Array.from([...last.body, ...frame.body])
      joined[joined.length - 1] = { ...last, body }
    } else joined.push(frame)
  }
  return joined.map((frame, at) =>
    expected[at]?.joined ? { ...frame, flags: frame.flags & ~(flags.MORE | flags.WAIT) } : frame,
  )
}

async function expectFrames(end: BareEnd, expected: readonly ExpectedFrame[]): Promise<void> {
  const came = (await end.take()).map(withoutHash)
  for (const { body } of came) expect(body.length).toBeLessThanOrEqual(131_072)
  const frames = joinFrames(came, expected)
  const wanted = expected.map((one) => (one.body === undefined ? one : { ...one, body: hexOf(bytesOf(one.body)) }))
  expect(frames.map((frame, index) => seen(frame, expected[index]))).toEqual(wanted)
}

/** What both roles have. */
async function playCommon(step: Step, clock: VirtualClock, end: () => BareEnd): Promise<void> {
  if (step.send !== undefined) await end().send(bytesOf(step.send))
  if (step.pass !== undefined) await pass(clock, step.pass)
  if (step.cut) await end().cut()
  if (step.expect) await expectFrames(end(), step.expect)
  if (step.closed !== undefined) expect(end().isClosed).toBe(step.closed)
}

type Called = (request: unknown, options: CallOptions) => Promise<unknown> | AsyncIterable<unknown>

async function endOfAnswer(answer: ReturnType<Called>, items: unknown[]): Promise<unknown> {
  if (answer instanceof Promise) return answer
  for await (const item of answer) items.push(item)
  return undefined
}

/** Gives items when the script says so. */
class Giver {
  readonly #items: unknown[] = []
  #isDone = false
  #wake = (): void => {}

  give({ items = [], more }: Step): void {
    this.#items.push(...items.map(untag))
    this.#isDone = more !== true
    this.#wake()
  }

  async *items(): AsyncGenerator<unknown> {
    for (;;) {
      if (this.#items.length > 0) yield this.#items.shift()
      else if (this.#isDone) return
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }
}

class ClientScript {
  readonly #wire: Connection
  readonly #outcomes = new Map<string, unknown>()
  readonly #aborts = new Map<string, AbortController>()
  readonly #givers = new Map<string, Giver>()
  readonly #got = new Map<string, unknown[]>()

  constructor(wire: Connection) {
    this.#wire = wire
  }

  play(step: Step): void {
    if (step.ready) void this.#wire.ready()
    if (step.call !== undefined) this.#call(step.call, step)
    if (step.give !== undefined) this.#givers.get(step.give)?.give(step)
    if (step.cancel !== undefined) this.#aborts.get(step.cancel)?.abort()
    if (step.close !== undefined) void this.#wire.close({ drainMs: step.close })
  }

  judge(step: Step): void {
    for (const [name, outcome] of Object.entries(step.ends ?? {})) {
      const happened = this.#outcomes.get(name)
      expect(happened, `the call ${name} has ended`).toBeDefined()
      expect(pick(happened as Record<string, unknown>, outcome)).toEqual(untag(outcome)) // set in #call
    }
    for (const [name, items] of Object.entries(step.got ?? {})) expect(this.#got.get(name)).toEqual(items)
    if (step.stats) expect(pick({ ...this.#wire.stats() }, step.stats)).toEqual(step.stats)
  }

  #call(name: string, step: Step): void {
    const { as = '', body, options } = step
    const abort = new AbortController()
    this.#aborts.set(as, abort)
    const client = name in Greeter.methods ? this.#wire.client(Greeter) : this.#wire.client(Streamer)
    const method = client[name as keyof typeof client] as Called // a script names none that is not there
    const giver = new Giver()
    this.#givers.set(as, giver)
    giver.give(step)
    const answer = method(step.items ? giver.items() : untag(body), { ...options, signal: abort.signal })
    const items: unknown[] = []
    this.#got.set(as, items)
    endOfAnswer(answer, items).then(
      (value) => this.#outcomes.set(as, { value, items }),
      (error: unknown) => {
        if (!(error instanceof NanowireError)) throw error
        const { code, processed, data } = error
        this.#outcomes.set(as, { code, processed, data, items })
      },
    )
  }
}

async function playServer({ limits, credentials: wanted, steps }: SessionVector): Promise<void> {
  const authenticate =
    wanted === undefined ? undefined : ({ credentials }: AuthenticateRequest) => credentials === wanted
  const { clock, server, end } = stageServer([makeGreeter().greeter, makeStreamer()], limits, silentLog, authenticate)
  for (const step of steps) {
    if (step.drain !== undefined) void server.close({ drainMs: step.drain })
    await playCommon(step, clock, () => end)
  }
}

async function playClient({ limits, steps }: SessionVector): Promise<void> {
  const stage = stageClient(limits)
  const script = new ClientScript(stage.wire)
  for (const step of steps) {
    script.play(step)
    await settle(stage.clock)
    await playCommon(step, stage.clock, () => stage.end)
    script.judge(step)
  }
}

describe('sessions.json', () => {
  test.each(vectorsOf<SessionVector>('sessions.json'))('$name', async (vector) => {
    if (vector.role === 'server') await playServer(vector)
    else await playClient(vector)
  })
})
