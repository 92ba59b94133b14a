/** The session as a server: its client is the input, in raw bytes, in frames of any order, in time; its handlers do as the input says. */
import type { IncomingCall, IncomingRequest, Session } from '../../src/session/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { anyBytes, frame, idOf, limits } from '../peer.ts'
import { reached } from '../progress.ts'
import { bytesOf, type Vector, vectorsOf } from '../seeds.ts'
import { JudgedEffects, putItems, Stage, silent, takeItems } from '../stage.ts'
import { Choices, require, type Target } from '../target.ts'
import { cutOff, judgeEnd, leave, PASS, playSteps, RAW, sessionOn } from './session-play.ts'

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
    if (pass !== undefined) parts.push(Uint8Array.of(PASS, Math.min(255, pass / 256)))
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

  constructor(choices: Choices) {
    this.#choices = choices
    const asksWho = (choices.byte() & 3) === 3
    this.#session = sessionOn(this.#stage, this.#effects, {
      role: 'server',
      contracts: new Map(),
      admit: asksWho ? (credentials) => admitted(credentials === 'no') : undefined,
    })
  }

  run(): void {
    playSteps(this.#choices, this.#stage, (step) => this.#step(step))
  }

  #step(step: number): void {
    const choices = this.#choices
    const stage = this.#stage
    switch (step) {
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
    const isTwice = this.#handlers.some(({ call: { id } }) => id === call.id) // ids come round
    require(!isTwice, () => `call ${call.id} reached a handler twice`)
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
    leave(this.#choices.byte(), this.#session, this.#stage)
    this.#stage.clock.runTurns()
  }

  /** The connection is cut, handlers end, time passes: nothing is left. */
  finish(): void {
    cutOff(this.#stage, this.#effects)
    for (const { call } of this.#handlers.splice(0))
      this.#session.refuse(call, { code: 'cancelled', message: '', processed: 'yes' })
    this.#stage.clock.advance(60_000)
    judgeEnd(this.#session, this.#stage, 'server')
  }
}

/** A promise that is kept at once: no turn of the event loop comes while an input is judged. */
function admitted(isRefused: boolean): Promise<{ code: 'unauthenticated'; message: string } | undefined> {
  const refusal = isRefused ? ({ code: 'unauthenticated', message: 'no' } as const) : undefined
  const then = (kept: (value: typeof refusal) => void) => kept(refusal)
  return { then } as unknown as Promise<typeof refusal> // of which no more is used
}
