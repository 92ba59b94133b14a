/** A handler's run for a caller at the other end of a connection: its reply leaves over the session. */
import { type Gate, Reflection } from '../contract/index.ts'
import type { Processed } from '../errors.ts'
import type { IncomingCall, Session } from '../session/index.ts'
import { encodeInto, type InPlace, type WireError } from '../wire/index.ts'
import { packMetadata } from './call.ts'
import type { CallContext } from './context.ts'
import { type ToldCall, tellCallEnd } from './diagnostics.ts'
import { HandlerRun, type RunSide } from './handle.ts'
import { encodeReply } from './reflection.ts'
import type { Route } from './route.ts'

export interface ServerRunSide extends RunSide {
  readonly session: Session
}

const NOTHING = new Uint8Array(0)

/** Runs that have ended, for those to come. */
const idle: ServerRun[] = []
const MAX_IDLE = 1_024

/** Runs a handler for a call, whose slot is free when it has ended. */
export function runForCall(
  side: ServerRunSide,
  call: IncomingCall,
  route: Route,
  request: unknown,
  ctx: CallContext,
  told: ToldCall | undefined,
): void {
  const run = idle.pop() ?? new ServerRun()
  run.begin(side, call, route, request, ctx, told)
}

class ServerRun extends HandlerRun<ServerRunSide> implements InPlace {
  #call!: IncomingCall // set by `begin`, and nothing is asked before
  #told: ToldCall | undefined
  /** While it is encoded. */
  #value: unknown

  begin(
    side: ServerRunSide,
    call: IncomingCall,
    route: Route,
    request: unknown,
    ctx: CallContext,
    told: ToldCall | undefined,
  ): void {
    this.#call = call
    this.#told = told
    this.run(side, route, request, ctx)
  }

  encodeInto(buffer: Uint8Array, at: number): number {
    const { method } = this.route
    if (method === Reflection.methods.describe) return -1 // its bytes are made once
    return encodeInto(method.reply, this.#value, buffer, at, this.side.router.limits)
  }

  protected override reply(value: unknown): void {
    const { ctx, side } = this
    const { session, router } = side
    const { replyMetadata } = ctx
    const metadata = replyMetadata && packMetadata(replyMetadata, router.limits, 'yes', ctx.peer)
    this.#value = value
    if (session.respondInPlace(this.#call, metadata, this)) {
      this.#ended('ok', 'yes')
      return
    }
    const body = this.#call.oneWay ? NOTHING : encodeReply(this.route.method.reply, value, router.limits)
    this.#ended(session.respond(this.#call, metadata, body), 'yes')
  }

  protected override refuse(error: WireError): void {
    this.side.session.refuse(this.#call, error)
    this.#ended(error.code, error.processed ?? 'yes')
  }

  protected override data(gate: Gate, data: unknown): unknown {
    return gate.toWire(data, this.side.router.limits)
  }

  #ended(code: string, processed: Processed): void {
    const { clock, router, wheel } = this.side
    const { counters } = router
    wheel.remove(this.ctx)
    counters.inFlight--
    counters.callEnded(this.route.method.name, code)
    tellCallEnd(this.#told, code, processed, clock)
    this.forget()
  }

  protected override forget(): void {
    super.forget()
    this.#call = undefined as never // `begin` sets it anew
    this.#told = undefined
    this.#value = undefined
    if (idle.length < MAX_IDLE) idle.push(this)
  }
}
