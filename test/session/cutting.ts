/** A server on a real socket, reached through a proxy that cuts each connection after so many bytes. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resolveLimits } from '../../src/limits.ts'
import { Session, systemClock } from '../../src/session/index.ts'
import { dialTcp, listenTcp, type SocketListener } from '../../src/transport/index.ts'
import { RecordedCall, RecordedEffects } from '../support/calls.ts'

export interface CutPlan {
  readonly direction: 'toServer' | 'toClient'
  /** The connection is cut when so many bytes have come through in that direction. */
  readonly afterBytes: number
  /** By a reset, or by an orderly end of both halves. */
  readonly resets: boolean
}

export interface Conversation {
  readonly calls: readonly RecordedCall[]
  /** How often the handler of each call has run. */
  readonly ran: ReadonlyMap<number, number>
  readonly bytes: { readonly toServer: number; readonly toClient: number }
}

/** Nothing ends a connection but the cut, on a machine that is slow or stands still for seconds too. */
const limits = resolveLimits({ handshakeTimeoutMs: 80_000, pingAfterMs: 100_000, idleTimeoutMs: 200_000 })
const context = { clock: systemClock, limits }
const incarnation = new Uint8Array(16)

export class CuttingServer {
  readonly #calls: number
  readonly #proxy = createServer({ noDelay: true }, (socket) => this.#relay(socket))
  #listener: SocketListener | undefined
  #plan: CutPlan | undefined
  #bytes = { toServer: 0, toClient: 0 }
  #ran = new Map<number, number>()
  #serverClosed: () => void = () => {}

  constructor(calls: number) {
    this.#calls = calls
  }

  async listen(): Promise<void> {
    this.#listener = await listenTcp({ host: '127.0.0.1', port: 0 }, context, (link) => {
      const effects = new RecordedEffects()
      const session = new Session({
        role: 'server',
        link,
        clock: systemClock,
        limits,
        effects,
        incarnation,
      })
      effects.onClosed = () => this.#serverClosed()
      effects.onRequest = ({ call, body }) => {
        const number = new DataView(body.buffer).getUint32(0)
        this.#ran.set(number, (this.#ran.get(number) ?? 0) + 1)
        const answer = () => {
          if (number % 9 === 0) session.refuse(call, { code: 'Failed', message: '', processed: 'yes' })
          else session.respond(call, undefined, body)
        }
        if (number % 2 === 0) answer()
        else systemClock.turn(answer)
      }
      link.attach(session)
    })
    this.#proxy.listen(0, '127.0.0.1')
    await once(this.#proxy, 'listening')
  }

  async close(): Promise<void> {
    await this.#listener?.close()
    this.#proxy.close()
  }

  /** All calls at once over one connection; ends when both ends know that it is over. */
  async converse(plan: CutPlan): Promise<Conversation> {
    this.#plan = plan
    this.#bytes = { toServer: 0, toClient: 0 }
    this.#ran = new Map()
    const serverClosed = new Promise<void>((resolve) => {
      this.#serverClosed = resolve
    })
    const { port } = this.#proxy.address() as AddressInfo // it listens at a port
    const link = await dialTcp({ host: '127.0.0.1', port }, context)
    const effects = new RecordedEffects()
    const session = new Session({
      role: 'client',
      link,
      clock: systemClock,
      limits,
      effects,
      incarnation,
    })
    const clientClosed = new Promise<void>((resolve) => {
      effects.onClosed = resolve
    })
    link.attach(session)
    let open = this.#calls
    const allEnded = () => {
      if (--open === 0) session.end()
    }
    const calls = Array.from({ length: this.#calls }, (_, number) => new NumberedCall(number, allEnded))
    for (const call of calls) session.start(call)
    await Promise.all([clientClosed, serverClosed])
    return { calls, ran: this.#ran, bytes: this.#bytes }
  }

  #relay(client: Socket): void {
    const plan = this.#plan
    const server = connect({ host: '127.0.0.1', port: Number(new URL(this.#listener?.url ?? '').port), noDelay: true })
    let isCut = false
    const cut = () => {
      isCut = true
      for (const socket of [client, server]) {
        if (plan?.resets) socket.resetAndDestroy()
        else socket.destroySoon()
      }
    }
    const forward = (from: Socket, to: Socket, direction: CutPlan['direction']) => {
      from.on('error', () => {})
      from.on('close', () => to.destroySoon())
      from.on('data', (chunk) => {
        if (isCut) return
        const left = plan?.direction === direction ? plan.afterBytes - this.#bytes[direction] : Number.POSITIVE_INFINITY
        const part = chunk.subarray(0, Math.max(0, left))
        this.#bytes[direction] += part.length
        if (part.length > 0) to.write(part)
        if (part.length < chunk.length) cut()
      })
    }
    forward(client, server, 'toServer')
    forward(server, client, 'toClient')
    if (plan?.afterBytes === 0) server.once('connect', cut)
  }
}

/** A call that says its number in its body; one in fifty needs more than one frame. */
class NumberedCall extends RecordedCall {
  readonly #ended: () => void

  constructor(number: number, ended: () => void) {
    const body = new Uint8Array(number % 50 === 0 ? 70_000 : 40)
    new DataView(body.buffer).setUint32(0, number)
    super({ body })
    this.#ended = ended
  }

  protected override ended(outcome: RecordedCall['outcomes'][number]): void {
    super.ended(outcome)
    this.#ended()
  }
}
