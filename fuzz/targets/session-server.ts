/** The session as a server: its client is the input, in raw bytes, in frames of any order, in time; its handlers do as the input says. */
import { type IncomingCall, type IncomingRequest, Session } from '../../src/session/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { anyBytes, frame, helloBody, idOf, limits, nextFrame } from '../peer.ts'
import { reached } from '../progress.ts'
import { bytesOf, type Vector, vectorsOf } from '../seeds.ts'
import { JudgedEffects, judgeSent, putItems, Stage, silent, takeItems } from '../stage.ts'
import { Choices, require, type Target } from '../target.ts'

const fromClient = Object.values(kinds) as [number, ...number[]] // there are thirteen
const RAW = 1

export const sessionServer: Target = {
  about: 'the session as a server: any bytes, frames in any order, slow peers, handlers that do anything',
  maxBytes: 4_096,
  dictionary: [Uint8Array.of(0, 0), Uint8Array.of(2, 3, 0x20), Uint8Array.of(2, 3, 0x40), Uint8Array.of(2, 5, 0)],
  *seeds() {
    for (const vector of vectorsOf('sessions.json'))
      if (vector['role'] === 'server') for (const shift of [0, 1, 4]) yield scriptOf(vector, shift)
  },
  judge(input) {
    const play = new ServerPlay(new Choices(input))
    play.run()
    play.finish()
  },
}

/** What the first handler that runs does then: replies, refuses, puts items, takes items. */
const answers = [
  Uint8Array.of(4, 0, 255, 255, 2, 0xc0, 0xc0),
  Uint8Array.of(4, 0, 255, 0),
  Uint8Array.of(5, 0, 3, 0, 9),
  Uint8Array.of(6, 0, 3, 0, 9),
  new Uint8Array(0),
]

/** A script of spec/vectors as the input of this target: what the client sends and how time passes. */
function scriptOf(vector: Vector, shift: number): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(vector['credentials'] === undefined ? 0 : 3)]
  // As spec/vectors/README.md says of that file.
  for (const { send, pass } of vector['steps'] as readonly {
    readonly send?: Vector['hex']
    readonly pass?: number
  }[]) {
    if (pass !== undefined) parts.push(Uint8Array.of(3, Math.min(255, pass / 256)))
    if (send === undefined) continue
    const bytes = bytesOf(send)
    parts.push(
      Uint8Array.of(RAW, 0, bytes.length >> 8, bytes.length & 0xff),
      bytes,
      answers[(parts.length + shift) % answers.length] ?? bytes,
    )
  }
  return Buffer.concat(parts)
}

interface Handler {
  readonly call: IncomingCall
  readonly request: { readonly input: boolean; readonly output: boolean }
}

class ServerPlay {
  readonly #choices: Choices
  readonly #stage = new Stage()
  readonly #session: Session
  readonly #effects = new JudgedEffects((call, request) => this.#requested(call, request))
  readonly #handlers: Handler[] = []
  readonly #begun = new Set<number>()

  constructor(choices: Choices) {
    this.#choices = choices
    const { clock, link } = this.#stage
    const asksWho = (choices.byte() & 3) === 3
    this.#session = new Session({
      role: 'server',
      link,
      clock,
      limits,
      effects: this.#effects,
      incarnation: new Uint8Array(16),
      contracts: new Map(),
      admit: asksWho ? (credentials) => admitted(credentials === 'no') : undefined,
    })
    link.attach(this.#session)
  }

  run(): void {
    for (let steps = 0; steps < 300 && !this.#choices.isOver; steps++) this.#step()
  }

  #step(): void {
    const choices = this.#choices
    const stage = this.#stage
    switch (choices.byte() % 11) {
      case 0:
        return stage.send(frame(kinds.HELLO, helloBody), choices.byte())
      case RAW: {
        const how = choices.byte()
        return stage.send(choices.bytes(choices.below(65_536)), how)
      }
      case 2:
        return stage.send(nextFrame(choices, fromClient), choices.byte())
      case 3:
        return stage.clock.advance(choices.byte() * 256)
      case 4:
        return this.#answer()
      case 5:
        return this.#put()
      case 6:
        return this.#take()
      case 7:
        return stage.takes((choices.byte() & 1) !== 0)
      case 8:
        return this.#leave()
      case 9:
        return stage.clock.advance(choices.byte())
      default:
        return this.#cancelAndCall()
    }
  }

  /** A lawful request, at an id that may have been cancelled before. */
  #cancelAndCall(): void {
    const choices = this.#choices
    const id = idOf(choices)
    const body = Buffer.concat([Buffer.alloc(8), anyBytes(choices)])
    this.#stage.send(frame(kinds.REQUEST, body, choices.of([0, 0x20, 0x40, 0x60, 0x04]), id), choices.byte())
    if (choices.byte() < 60) this.#stage.send(frame(kinds.CANCEL, new Uint8Array(0), 0, id), 0)
  }

  #requested(call: IncomingCall, { input, output, oneWay }: IncomingRequest): void {
    require(!this.#begun.has(call.id), () => `call ${call.id} reached a handler twice`)
    this.#begun.add(call.id)
    require(this.#handlers.length < limits.maxCallsInFlight, 'more handlers than may run')
    require(!oneWay || (!input && !output), 'a notify with streams')
    this.#handlers.push({ call, request: { input, output } })
    if (call.flow?.inflow) call.flow.inflow.listen(silent)
    reached(1, this.#handlers.length, Number(input), Number(output))
  }

  #pick(): Handler | undefined {
    return this.#handlers[this.#choices.byte() % Math.max(1, this.#handlers.length)]
  }

  #answer(): void {
    const handler = this.#pick()
    if (!handler) return
    this.#handlers.splice(this.#handlers.indexOf(handler), 1)
    const { call, request } = handler
    const metadata = this.#choices.byte() < 30 ? Uint8Array.of(0x81, 0xa1, 0x61, 0xa1, 0x62) : undefined
    if (this.#choices.byte() < 60)
      this.#session.refuse(call, { code: 'Failed', message: 'as told', processed: 'yes', data: 1 })
    else if (request.output) this.#session.endStream(call, metadata)
    else this.#session.respond(call, metadata, anyBytes(this.#choices))
    this.#stage.clock.runTurns()
  }

  #put(): void {
    const outflow = this.#pick()?.call.flow?.outflow
    if (outflow) putItems(outflow, 1 + this.#choices.below(30), 1 + this.#choices.below(20_000))
    this.#stage.clock.runTurns()
  }

  #take(): void {
    const inflow = this.#pick()?.call.flow?.inflow
    if (inflow) takeItems(inflow, 1 + this.#choices.below(30), this.#choices.below(2_000))
    this.#stage.clock.runTurns()
  }

  #leave(): void {
    const how = this.#choices.byte()
    if (how < 60) this.#session.drain(5_000, 'the input says so')
    else if (how < 90) this.#session.end()
    else if (how < 120) this.#stage.endInput()
    else if (how < 150) this.#stage.cut()
    this.#stage.clock.runTurns()
  }

  /** The connection is cut, handlers end, time passes: nothing is left. */
  finish(): void {
    const { clock } = this.#stage
    this.#stage.takes(true)
    if (this.#effects.violations > 0) {
      clock.advance(limits.lingerMs + 1)
      require(this.#effects.isClosed, 'a breach that does not end the connection')
    }
    this.#stage.cut()
    require(this.#effects.isClosed, 'a cut that does not end the session')
    for (const { call } of this.#handlers.splice(0))
      this.#session.refuse(call, { code: 'cancelled', message: '', processed: 'yes' })
    clock.advance(60_000)
    require(this.#session.inFlight === 0, () => `${this.#session.inFlight} calls are left`)
    require(clock.timers === 0, () => `${clock.timers} timers are left`)
    judgeSent(this.#stage, 'server')
  }
}

/** A promise that is kept at once: no turn of the event loop comes while an input is judged. */
function admitted(isRefused: boolean): Promise<{ code: 'unauthenticated'; message: string } | undefined> {
  const refusal = isRefused ? ({ code: 'unauthenticated', message: 'no' } as const) : undefined
  const then = (kept: (value: typeof refusal) => void) => kept(refusal)
  return { then } as unknown as Promise<typeof refusal> // of which no more is used
}
