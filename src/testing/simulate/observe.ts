/**
 * The middleware of both sides: it numbers each call, tells the ledger what its caller and its handler see, and lets
 * handlers go wrong. Requests and replies are compared as their schemas' bytes, so that what may not travel does not count.
 */
import type { TSchema } from 'typebox'
import { checkOf, type MethodRef, shapeOf } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import type { ClientMiddleware, Context, ServerMiddleware } from '../../rpc/index.ts'
import { type Codec, codec } from '../../wire/index.ts'
import type { Chance } from './chance.ts'
import { hashBytes } from './hash.ts'
import type { HandlerRecord, Ledger } from './ledger.ts'
import type { FaultKind, Plan } from './plan.ts'

/** The name of the metadata that numbers a call, in both directions. */
const NUMBER = 'simulated-call'

/** What no schema lets travel. */
export const UNTRAVELLED = (): void => {}

export interface ObserveOptions {
  readonly ledger: Ledger
  readonly chance: Chance
  readonly plan: Plan
  /** Whether things still go wrong. */
  readonly isFaulty: () => boolean
  readonly injected: (kind: FaultKind) => void
  /** The deadline of a call that names none and whose method names none. */
  readonly callTimeoutMs: number
  sleep(ms: number): Promise<void>
  /** Resolves when handlers that hang are let go. */
  readonly released: Promise<void>
  readonly now: () => number
}

/** Around every call at its client. */
export function observeCaller({ ledger, callTimeoutMs }: ObserveOptions): ClientMiddleware {
  return async (call, next) => {
    const { method, options } = call
    const timeoutMs = options.timeoutMs ?? method.definition.options.timeoutMs ?? callTimeoutMs
    const record = ledger.made(method, timeoutMs, digestOf(method.definition.request, call.request))
    const onAbort = () => ledger.cancelled(record)
    if (options.signal?.aborted) onAbort()
    options.signal?.addEventListener('abort', onAbort)
    const observed = {
      ...options,
      metadata: { ...options.metadata, [NUMBER]: String(record.number) },
      onMetadata(metadata: Readonly<Record<string, string>>) {
        ledger.metadataCame(record, metadata[NUMBER])
        options.onMetadata?.(metadata)
      },
    }
    try {
      const reply = await next({ ...call, options: observed })
      ledger.replied(record, replyDigest(method, reply))
      return reply
    } catch (error) {
      if (error instanceof NanowireError) ledger.failed(record, error, dataDigest(method, error))
      else
        ledger.fail(`call ${record.number} (${method.name}): it ended with what is no NanowireError: ${String(error)}`)
      throw error
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
    }
  }
}

/** Around every handler, the user's own middleware included. */
export function observeHandler(options: ObserveOptions): ServerMiddleware {
  const { ledger } = options
  return async ({ method, request, ctx }, next) => {
    const number = ctx.metadata.get(NUMBER)
    if (number === undefined) return next() // of a caller that is not simulated
    const handler: HandlerRecord = {
      peer: ctx.peer,
      isAborted: () => ctx.signal.aborted,
      beganAt: options.now(),
      endedAt: undefined,
      how: undefined,
      digest: undefined,
    }
    const call = ledger.ran(Number(number), method, digestOf(method.definition.request, request), handler)
    if (!call) return next()
    ctx.reply.set(NUMBER, number)
    try {
      const reply = await goWrong(options, ctx, next)
      const digest = replyDigest(method, reply)
      ledger.handlerEnded(call, handler, digest === undefined ? 'misfit' : 'ok', digest)
      return reply
    } catch (error) {
      const how = error instanceof NanowireError ? error.code : 'internal'
      ledger.handlerEnded(call, handler, how, dataDigest(method, error))
      throw error
    }
  }
}

/** A handler's work, with whatever goes wrong before and after it. */
async function goWrong(options: ObserveOptions, ctx: Context, work: () => Promise<unknown>): Promise<unknown> {
  const { chance, plan, injected } = options
  const on = (kind: FaultKind, share: number): boolean => {
    const happens = chance.happens(share) && plan.kinds.has(kind) && options.isFaulty()
    if (happens) injected(kind)
    return happens
  }
  const isSlow = on('slowHandler', 0.5)
  const isBefore = chance.happens(0.5)
  const hangs = on('hangingHandler', 0.1)
  const fails = on('failingHandler', 0.1)
  const repliesBadly = on('badReply', 0.1)
  const isDeaf = (isSlow || hangs) && on('deafHandler', 0.5)
  const slowMs = chance.between(0, plan.slowMs)
  if (isSlow && isBefore) await wait(options.sleep(slowMs), ctx, isDeaf)
  if (hangs) await wait(options.released, ctx, isDeaf)
  if (fails && isBefore) throw new Error('this handler fails')
  const reply = await work()
  if (isSlow && !isBefore) await wait(options.sleep(slowMs), ctx, isDeaf)
  if (fails) throw new Error('this handler fails after its work')
  return repliesBadly ? UNTRAVELLED : reply
}

/** Waits, and no longer than its caller does, if it listens. */
async function wait(until: Promise<void>, ctx: Context, isDeaf: boolean): Promise<void> {
  if (isDeaf) return until
  const { signal } = ctx
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => reject(new NanowireError('cancelled', 'this handler heard its signal'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void until.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}

interface Judge {
  readonly fits: (value: unknown) => boolean
  readonly codec: Codec<unknown>
}

const judges = new WeakMap<TSchema, Judge>()

function judgeOf(schema: TSchema): Judge {
  const known = judges.get(schema)
  if (known) return known
  const judge = { fits: checkOf(shapeOf(schema)), codec: codec(schema) }
  judges.set(schema, judge)
  return judge
}

/** What a value says as its schema's bytes, `undefined` for one that does not fit or cannot travel. */
function digestOf(schema: TSchema, value: unknown): string | undefined {
  const { fits, codec } = judgeOf(schema)
  try {
    if (!fits(value)) return undefined // asked by itself, so that a fault of the codec is no fault of its judge
    const bytes = codec.encode(value)
    return `${bytes.length} bytes ${hashBytes(bytes).toString(16)}`
  } catch {
    return undefined
  }
}

function replyDigest(method: MethodRef, reply: unknown): string | undefined {
  return method.definition.kind === 'notify' ? '' : digestOf(method.definition.reply, reply)
}

/** Of a declared error's data. */
function dataDigest(method: MethodRef, error: unknown): string | undefined {
  if (!(error instanceof NanowireError)) return undefined
  const errors: Readonly<Record<string, TSchema>> = method.definition.errors
  const schema = Object.hasOwn(errors, error.code) ? errors[error.code] : undefined
  return schema && digestOf(schema, error.data)
}
