/**
 * One end of a connection as the library makes it, and a bare link at the other, by which a test says what it likes: a
 * server before a scripted client, or a client before a scripted server. Time stands still but for `pass`.
 */

import { encodeFrame } from '../../src/codec.ts'
import {
  type Authenticate,
  type Connection,
  connect,
  type LimitOptions,
  type Logger,
  type Place,
  router,
  type Service,
} from '../../src/index.ts'
import { resolveLimits } from '../../src/limits.ts'
import { RouterServer } from '../../src/rpc/server.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type MemoryLink, memoryPair } from '../../src/transport/index.ts'
import { type Frame, type FrameDecoder, kinds, packHello } from '../../src/wire/index.ts'

/** Runs turns, and the promises between them, until nothing is left to do at this moment. */
export async function settle(clock: VirtualClock): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (clock.runTurn())
}

export async function pass(clock: VirtualClock, ms: number): Promise<void> {
  await settle(clock)
  clock.advance(ms)
  await settle(clock)
}

/** The scripted end. */
export class BareEnd {
  isClosed = false
  readonly #link: MemoryLink
  readonly #clock: VirtualClock
  #frames: Frame[] = []

  constructor(link: MemoryLink, clock: VirtualClock) {
    this.#link = link
    this.#clock = clock
    link.attach({
      frameReceived: (decoder) => this.#frames.push(frameIn(decoder)),
      bytesReceived() {},
      streamBroken(error) {
        throw error
      },
      linkDrained() {},
      linkClosed: () => {
        this.isClosed = true
      },
    })
  }

  /** Sends bytes as they are, and waits for what they bring about. */
  async send(...chunks: Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#link.writer.large(new Uint8Array(chunk))
    this.#link.flush()
    await settle(this.#clock)
  }

  sendFrame(kind: keyof typeof kinds, id: number, body: Uint8Array = new Uint8Array(0), flags = 0): Promise<void> {
    return this.send(encodeFrame({ kind: kinds[kind], flags, id, body }))
  }

  /** The frames that came since the last look. */
  async take(): Promise<Frame[]> {
    await settle(this.#clock)
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  /** Takes nothing more of what comes, until `readOn`. */
  stopReading(): void {
    this.#link.pauseReading()
  }

  readOn(): void {
    this.#link.resumeReading()
  }

  /** Closes both directions now. */
  async cut(): Promise<void> {
    this.#link.destroy()
    await settle(this.#clock)
  }
}

export const silentLog: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })

export interface ServerStage {
  readonly clock: VirtualClock
  readonly server: RouterServer
  readonly end: BareEnd
  /** Another connection to the same server. */
  connect(): BareEnd
}

/** A server, and one connection to it that has said nothing yet. */
export function stageServer(
  services: Service | readonly Service[],
  limits: LimitOptions = {},
  log: Logger = silentLog,
  authenticate?: Authenticate,
): ServerStage {
  const clock = new VirtualClock()
  const made = router([services].flat(), { limits, log })
  const server = new RouterServer({ router: made, clock, authenticate })
  const open = () => {
    const pair = memoryPair({ clock, limits: { client: resolveLimits(), server: made.limits } })
    const end = new BareEnd(pair.client, clock)
    server.accept(pair.server)
    return end
  }
  return { clock, server, end: open(), connect: open }
}

export interface ClientStage {
  readonly clock: VirtualClock
  readonly wire: Connection
  /** The server's end of the latest connection. */
  readonly end: BareEnd
  /** How often the client has connected. */
  readonly dials: number
}

/** A client that has not connected yet. */
export function stageClient(limits: LimitOptions = {}): ClientStage {
  const clock = new VirtualClock()
  const ends: BareEnd[] = []
  const place: Place = {
    url: 'stage',
    dial: async (context) => {
      const pair = memoryPair({
        clock,
        limits: { client: context.limits, server: resolveLimits({ maxFrameBytes: 16_777_215 }) },
      })
      ends.push(new BareEnd(pair.server, clock))
      return pair.client
    },
  }
  const wire = connect(place, { clock, limits })
  return {
    clock,
    wire,
    get end() {
      const end = ends.at(-1)
      if (!end) throw new Error('the client has not connected')
      return end
    },
    get dials() {
      return ends.length
    },
  }
}

/** A HELLO of default limits, but for `limits`. */
export function helloBody(limits: LimitOptions = {}): Uint8Array {
  return packHello({ major: 1, limits: { ...resolveLimits(limits) }, features: [], incarnation: new Uint8Array(16) })
}

function frameIn({ kind, flags, id, buffer, start, end }: FrameDecoder): Frame {
  return { kind, flags, id, body: buffer.slice(start, end) }
}
