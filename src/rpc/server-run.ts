/** A handler's run for a caller at the other end of a connection: its reply leaves over the session. */
import { type Gate, type MethodRef, Reflection } from '../contract/index.ts'
import type { NanowireError, Processed } from '../errors.ts'
import type { IncomingCall, Session } from '../session/index.ts'
import { encodeInto, type InPlace, type WireError } from '../wire/index.ts'
import { packMetadata } from './call.ts'
import type { CallContext } from './context.ts'
import { type ToldCall, tellCallEnd } from './diagnostics.ts'
import { HandlerRun, type RunSide } from './handle.ts'
import { Items } from './item-stream.ts'
import { refuseItem } from './outcome.ts'
import { ReceivedItems } from './received-items.ts'
import { encodeReply } from './reflection.ts'
import type { Route } from './route.ts'
import type { OutputSink } from './run-output.ts'
import { SentItems } from './sent-items.ts'

export interface ServerRunSide extends RunSide {
  readonly session: Session
  readonly link: { readonly peer: string }
  /** The run of an event has ended. */
  unsubscribed(ctx: CallContext): void
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

interface Input {
  readonly source: ReceivedItems
  readonly items: Items
}

class ServerRun extends HandlerRun<ServerRunSide> implements InPlace {
  #call!: IncomingCall // set by `begin`, and nothing is asked before
  #told: ToldCall | undefined
  /** While it is encoded. */
  #value: unknown
  /** What the handler of a method with input has. */
  #input: Input | undefined

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
    if (route.method.input) this.#input = this.#receive(route.method, side, call)
    this.run(side, route, this.#input?.items ?? request, ctx)
  }

  #receive(method: MethodRef, { router, link }: ServerRunSide, call: IncomingCall): Input {
    const source: ReceivedItems = new ReceivedItems({
      gate: method.request,
      limits: router.limits,
      peer: link.peer,
      refused: (error) => source.fail(refuseItem(error, method)),
      left() {},
      ended: () => source.end(),
    })
    const items = new Items(source)
    source.wake = () => items.wake()
    const inflow = call.flow?.inflow
    if (inflow) source.attach(inflow)
    return { source, items }
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

  protected override output(): OutputSink {
    const outflow = this.#call.flow?.outflow
    if (!outflow) throw new Error('a call without the stream that its request asked for')
    outflow.onReady = () => this.resumeOutput()
    return new SentItems(this.route.method, 'reply', this.side.router.limits, outflow)
  }

  protected override endOutput(): void {
    const { ctx, side } = this
    const metadata = packMetadata(ctx.replyMetadata, side.router.limits, 'yes', ctx.peer)
    this.#letGoOfOutput()
    side.session.endStream(this.#call, metadata)
    this.#ended('ok', 'yes')
  }

  protected override cancelled(reason: NanowireError): void {
    const input = this.#input
    this.#call.flow?.outflow?.stop() // what waits is dropped, so that the answer waits for nothing
    super.cancelled(reason)
    input?.source.discard()
    input?.source.fail(reason)
  }

  /** What waits leaves without this run, which may stand for another call then. */
  #letGoOfOutput(): void {
    const outflow = this.#call.flow?.outflow
    if (outflow) outflow.onReady = undefined
  }

  protected override refuse(error: WireError): void {
    this.#letGoOfOutput()
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
    if (this.route.method.event) this.side.unsubscribed(this.ctx)
    counters.handlerEnded()
    counters.callEnded(this.route.method.name, code)
    tellCallEnd(this.#told, code, processed, clock)
    this.forget()
  }

  protected override forget(): void {
    super.forget()
    void this.#input?.items.return()
    this.#input = undefined
    this.#call = undefined as never // `begin` sets it anew
    this.#told = undefined
    this.#value = undefined
    if (idle.length < MAX_IDLE) idle.push(this)
  }
}
