/** The session as a client: its server is the input, in raw bytes, in frames of any order, in time; its callers do as the input says. */
import type { NanowireError } from '../../src/errors.ts'
import type { Flow, OutgoingCall, Session } from '../../src/session/index.ts'
import { kinds, type WireError } from '../../src/wire/index.ts'
import { anyBytes, nextFrame } from '../peer.ts'
import { reached } from '../progress.ts'
import { bytesOf, type Vector, vectorsOf } from '../seeds.ts'
import { JudgedEffects, putItems, Stage, silent, takeItems } from '../stage.ts'
import { Choices, require, type Target } from '../target.ts'
import { cutOff, judgeEnd, leave, PASS, playSteps, RAW, sessionOn } from './session-play.ts'

const MAX_CALLS = 24

export const sessionClient: Target = {
  about: 'the session as a client: any bytes, frames in any order, slow peers, callers that do anything',
  maxBytes: 4_096,
  dictionary: [
    Uint8Array.of(0, 0),
    Uint8Array.of(4, 0),
    Uint8Array.of(4, 2),
    Uint8Array.of(2, 4, 0),
    Uint8Array.of(2, 5, 0),
  ],
  *seeds() {
    for (const vector of vectorsOf('sessions.json')) if (vector['role'] === 'client') yield scriptOf(vector)
  },
  judge(input) {
    const play = new ClientPlay(new Choices(input))
    play.run()
    play.finish()
  },
}

/** Of the methods in the scripts: 1 for input, 2 for output, 4 for a notify. */
const streamsOf: Readonly<Record<string, number>> = {
  'greeter/log': 4,
  'streamer/count': 2,
  'streamer/sum': 1,
  'streamer/relay': 3,
  'streamer/said': 2,
  'streamer/say': 4,
}

/** A script of spec/vectors as the input of this target: its calls, what the server sends and how time passes. */
function scriptOf(vector: Vector): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0, 0)]
  // As spec/vectors/README.md says of that file.
  for (const step of vector['steps'] as readonly Readonly<Record<string, unknown>>[]) {
    if (typeof step['pass'] === 'number') parts.push(Uint8Array.of(PASS, Math.min(255, step['pass'] / 256)))
    if (typeof step['call'] === 'string') parts.push(Uint8Array.of(4, streamsOf[step['call']] ?? 0, 0, 0))
    if (step['cancel'] !== undefined) parts.push(Uint8Array.of(5, 0, 0))
    if (step['send'] === undefined) continue
    const bytes = bytesOf(step['send'] as Vector['hex']) // likewise
    parts.push(Uint8Array.of(RAW, 0, bytes.length >> 8, bytes.length & 0xff), bytes)
  }
  return Buffer.concat(parts)
}

/** A caller, which is told once how its call ended. */
class Call implements OutgoingCall {
  id = 0
  startsAt = 0
  readonly tag = 7
  readonly oneWay: boolean
  readonly body: Uint8Array
  readonly metadata: Uint8Array | undefined
  readonly deadlineAt: number
  readonly input: boolean
  readonly output: boolean
  flow: Flow | undefined
  hasLeft = false
  isOver = false

  constructor(how: number, body: Uint8Array, deadlineAt: number) {
    this.oneWay = (how & 7) === 4
    this.input = !this.oneWay && (how & 1) !== 0
    this.output = !this.oneWay && (how & 2) !== 0
    this.body = this.input ? new Uint8Array(0) : body
    this.metadata = (how & 0x30) === 0x30 ? Uint8Array.of(0x81, 0xa1, 0x61, 0xa1, 0x62) : undefined
    this.deadlineAt = deadlineAt
  }

  flowing(flow: Flow): void {
    this.flow = flow
    flow.inflow?.listen(silent)
  }

  left(): void {
    require(!this.hasLeft, 'a request is written twice')
    this.hasLeft = true
    if (this.oneWay) this.ended('left')
  }

  replied(): void {
    require(!this.output, 'a reply to a call that is answered by a stream')
    this.ended('replied')
  }

  streamEnded(): void {
    require(this.output, 'the end of a stream that there is not')
    this.ended('ended')
  }

  refused({ code, message, processed }: WireError): void {
    require(typeof code === 'string' && typeof message === 'string', 'an error without code and message')
    require(processed === 'no' || this.hasLeft, () => `${code}, ${processed}, of a call that never left`)
    this.ended(code)
  }

  lost({ processed }: NanowireError): void {
    require(processed === 'no' || this.hasLeft, () => `lost as ${processed}, and never left`)
    this.ended('lost')
  }

  ended(how: string): void {
    require(!this.isOver, () => `a call ends twice, the second time as ${how}`)
    this.isOver = true
    this.flow = undefined
  }
}

class ClientPlay {
  readonly #choices: Choices
  readonly #stage = new Stage()
  readonly #session: Session
  readonly #effects = new JudgedEffects()
  readonly #calls: Call[] = []

  constructor(choices: Choices) {
    this.#choices = choices
    this.#session = sessionOn(this.#stage, this.#effects, {
      role: 'client',
      credentials: (choices.byte() & 3) === 3 ? 'me' : undefined,
      firstId: (choices.byte() & 1) === 0 ? 1 : 0xffff_fffe,
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
        return this.#call()
      case 5:
        return this.#abandon()
      case 6:
        return this.#put()
      case 7:
        return this.#take()
      case 8:
        return this.#leave()
      case 9:
        return stage.takes((choices.byte() & 1) !== 0)
      default:
        return stage.send(nextFrame(choices, [kinds.RESPONSE, kinds.DATA, kinds.END, kinds.ERROR]), choices.byte())
    }
  }

  #call(): void {
    if (this.#calls.length >= MAX_CALLS) return
    const how = this.#choices.byte()
    const body = anyBytes(this.#choices)
    const ms = this.#choices.byte() * 100
    const call = new Call(how, body, ms === 0 ? Number.POSITIVE_INFINITY : this.#stage.clock.now() + ms)
    this.#calls.push(call)
    this.#session.start(call)
    this.#stage.clock.runTurns()
    reached(2, this.#session.inFlight, this.#session.waiting, how & 7)
  }

  /** A call that goes on. */
  #pick(): Call | undefined {
    const open = this.#calls.filter(({ isOver }) => !isOver)
    return open[this.#choices.byte() % Math.max(1, open.length)]
  }

  #abandon(): void {
    const call = this.#pick()
    if (!call) return
    call.ended('abandoned')
    this.#session.abandon(call, this.#choices.byte() < 200)
    this.#stage.clock.runTurns()
  }

  #put(): void {
    const outflow = this.#pick()?.flow?.outflow
    if (outflow && this.#choices.byte() < 40) outflow.end()
    else if (outflow) putItems(outflow, 1 + this.#choices.below(30), 1 + this.#choices.below(20_000))
    this.#stage.clock.runTurns()
  }

  #take(): void {
    const inflow = this.#pick()?.flow?.inflow
    if (inflow) takeItems(inflow, 1 + this.#choices.below(30), this.#choices.below(2_000))
    this.#stage.clock.runTurns()
  }

  #leave(): void {
    const how = this.#choices.byte()
    leave(how, this.#session, this.#stage)
    if (how >= 150 && how < 180 && this.#effects.hellos > 0) this.#session.renewCredentials('me again')
    this.#stage.clock.runTurns()
  }

  /** The connection is cut and time passes: every call has ended, and nothing is left. */
  finish(): void {
    cutOff(this.#stage, this.#effects)
    this.#stage.clock.advance(60_000)
    require(this.#calls.every(({ isOver }) => isOver), 'a call that never ends')
    judgeEnd(this.#session, this.#stage, 'client')
  }
}
