/**
 * The middleware of both sides: it numbers each call, tells the ledger what its caller and its handler see, and lets
 * handlers go wrong. Of a stream each item is told at both ends (given.ts, taken.ts).
 */
import type { MethodRef } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import {
  type ClientMiddleware,
  type Context,
  type ItemStream,
  onAbort,
  type ServerMiddleware,
} from '../../rpc/index.ts'
import type { Chance } from './chance.ts'
import { dataDigest, digestOf, replyDigest, requestDigest } from './digest.ts'
import { type GivenHooks, isFeed, watchFeed, watchGiven } from './given.ts'
import { HandlerFaults, type HandlerFaultsOptions } from './handler-faults.ts'
import type { Ledger } from './ledger.ts'
import { never, type VirtualProcess } from './process.ts'
import type { CallRecord, HandlerEnd, HandlerRecord } from './records.ts'
import { textOf } from './story.ts'
import { type InnerStream, TakenItems, watchTaken } from './taken.ts'

/** The name of the metadata that numbers a call, in both directions. */
const NUMBER = 'simulated-call'

/** Likewise, and says how many items there were before their end. */
const ITEMS = 'simulated-items'

export interface ObserveOptions extends HandlerFaultsOptions {
  /** Whose calls or handlers these are. Once it has died nothing of it is told any more, and nothing comes back to its code. */
  readonly process: VirtualProcess
  readonly ledger: Ledger
  /** Of whoever takes items. */
  readonly readers: Chance
  /** The deadline of a call that names none and whose method names none. */
  readonly callTimeoutMs: number
  /** Streams that have not ended for their callers. */
  readonly streams: Set<{ return(): Promise<unknown> }>
  readonly now: () => number
}

/** Around every call at its client. */
export function observeCaller(observe: ObserveOptions): ClientMiddleware {
  const { ledger, callTimeoutMs, process } = observe
  return async (call, next) => {
    if (process.isDead || ledger.rounds.areEndless) return never()
    const { method, options } = call
    const isStream = method.input || method.output
    const usualMs = isStream ? Number.POSITIVE_INFINITY : callTimeoutMs
    const timeoutMs = options.timeoutMs ?? method.definition.options.timeoutMs ?? usualMs
    const digest = requestDigest(method, call.request)
    const record = ledger.made(process, method, { timeoutMs, digest, metadata: { ...options.metadata } })
    const cancel = (): void => {
      if (!process.isDead) ledger.cancelled(record)
    }
    if (options.signal?.aborted) cancel()
    const over = options.signal ? onAbort(options.signal, { cancel }) : (): void => {}
    if (options.signal) void process.death.then(over)
    const observed = {
      ...options,
      metadata: { ...options.metadata, [NUMBER]: String(record.number) },
      onMetadata(metadata: Readonly<Record<string, string>>) {
        if (!process.isDead) ledger.metadataCame(record, metadata[NUMBER], metadata[ITEMS])
        options.onMetadata?.(metadata)
      },
    }
    try {
      const request = method.input ? giveInput(call.request, record, process) : call.request
      const reply = await process.alive(Promise.resolve(next({ ...call, request, options: observed })))
      if (method.output) return takeOutput(reply, record, observe, over)
      ledger.replied(record, replyDigest(method, reply))
      over()
      return reply
    } catch (error) {
      failed(ledger, record, error)
      over()
      throw error
    }
  }
}

function failed(ledger: Ledger, call: CallRecord, error: unknown): void {
  const { method, number } = call
  if (error instanceof NanowireError) ledger.failed(call, error, dataDigest(method, error))
  else ledger.fail(`call ${number} (${method.name}): it ended with what is no NanowireError: ${String(error)}`)
}

/** What is told of a producer, until its process dies: then it gives nothing more. */
function whileAlive(process: VirtualProcess, hooks: GivenHooks): GivenHooks {
  const { before } = hooks
  return {
    begun() {
      if (!process.isDead) hooks.begun()
    },
    gave(item) {
      if (!process.isDead) hooks.gave(item)
    },
    told() {
      if (!process.isDead) hooks.told?.()
    },
    ended(how, error) {
      if (!process.isDead) hooks.ended(how, error)
    },
    before: before && ((index) => (process.isDead ? never() : before(index))),
  }
}

/** Watches what a caller gives. */
function giveInput(source: unknown, { method, input }: CallRecord, process: VirtualProcess): unknown {
  const hooks: GivenHooks = {
    begun() {},
    gave: (item) => input?.gave(digestOf(method.definition.request, item)),
    told() {
      if (input) input.isTold = true
    },
    ended: (how) => input?.producerEnded(how),
  }
  const watched = watchGiven(source, whileAlive(process, hooks))
  if (input && watched !== source) input.isWatched = true
  return watched
}

/** Watches what a caller takes, who may be slow. */
function takeOutput(reply: unknown, call: CallRecord, observe: ObserveOptions, over: () => void): unknown {
  const { ledger, process, streams } = observe
  const inner = (reply as AsyncIterable<unknown>)[Symbol.asyncIterator]() as InnerStream // of a call with output
  const end = (told: () => void): void => {
    streams.delete(stream)
    if (!process.isDead) told()
    over()
  }
  const stream = new TakenItems(inner, {
    process,
    stands: () => ledger.stands(call),
    asked: () => ledger.asked(call),
    took: (item, dropped) => ledger.took(call, digestOf(call.method.definition.reply, item), dropped),
    ended: () => end(() => ledger.streamEnded(call)),
    failed: (error) => end(() => failed(ledger, call, error)),
    left: () => end(() => ledger.left(call)),
    before: slowReader(observe),
  })
  streams.add(stream)
  return stream
}

/** Around every handler, the user's own middleware included. */
export function observeHandler(options: ObserveOptions): ServerMiddleware {
  const { ledger, process } = options
  return async ({ method, request, ctx }, next) => {
    if (process.isDead) return never()
    const number = ctx.metadata.get(NUMBER)
    if (number === undefined) return next() // of a caller that is not simulated
    const handler: HandlerRecord = {
      process,
      peer: ctx.peer,
      isAborted: () => ctx.signal.aborted,
      beganAt: process.clock.now(),
      endedAt: undefined,
      how: undefined,
      digest: undefined,
    }
    const digest = requestDigest(method, request)
    const call = ledger.ran(Number(number), method, digest, handler)
    if (!call) return next()
    ledger.metadataReached(call, ctx.metadata)
    ctx.reply.set(NUMBER, number)
    if (method.input) takeInput(request as ItemStream<unknown>, call, { ...options, method, ctx }) // what such a handler is given
    const faults = new HandlerFaults(options, ctx)
    if (faults.kinds.length > 0) ledger.goesWrong(call, faults.kinds)
    try {
      await process.alive(faults.before())
      const reply = await process.alive(next())
      if (method.output) return giveOutput(reply, call, { ...options, request, handler, ctx, faults })
      const told = await process.alive(faults.after(reply))
      const digest = replyDigest(method, told)
      ledger.handlerEnded(call, handler, { how: digest === undefined ? 'misfit' : 'ok', digest })
      return told
    } catch (error) {
      ledger.handlerEnded(call, handler, thrown(method, error))
      throw error
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof NanowireError ? error.code : 'internal'
}

/** How a handler ended that threw: what is no `NanowireError` reaches nobody but the server's log, and the story. */
function thrown(method: MethodRef, error: unknown): HandlerEnd {
  const [threw] = error instanceof NanowireError ? [] : textOf(error).split('\n')
  return { how: codeOf(error), digest: dataDigest(method, error), threw }
}

interface InputOptions extends ObserveOptions {
  /** As its server knows it. */
  readonly method: MethodRef
  readonly ctx: Context
}

/** Watches what a handler takes, who may be slow. */
function takeInput(items: ItemStream<unknown>, call: CallRecord, { ctx, method, ...observe }: InputOptions): void {
  const { input, handler } = call
  const isForeign = call.method !== method // its caller has another contract, which may let it give other items
  const { process } = observe
  watchTaken(items, {
    process,
    asked() {},
    took: (item, dropped) => input?.took(digestOf(method.definition.request, item), dropped),
    ended() {
      if (handler?.endedAt === undefined) input?.ended() // of one that has ended nobody reads them
    },
    failed(error) {
      if (process.isDead) return
      const mayFail = ctx.signal.aborted || (isForeign && codeOf(error) === 'invalid_argument')
      observe.ledger.inputFailed(call, codeOf(error), mayFail)
    },
    left() {},
    before: slowReader(observe),
  })
}

interface OutputOptions extends ObserveOptions {
  readonly request: unknown
  readonly handler: HandlerRecord
  readonly ctx: Context
  readonly faults: HandlerFaults
}

/** Watches what a handler answers with. */
function giveOutput(
  reply: unknown,
  call: CallRecord,
  { ledger, process, request, handler, ctx, faults, chance }: OutputOptions,
): unknown {
  const { method, output } = call
  const instead = faults.insteadOfItems()
  if (instead !== undefined) {
    ledger.handlerEnded(call, handler, { how: 'misfit', digest: undefined })
    return instead
  }
  const hooks = whileAlive(process, {
    begun() {
      if (output) output.hasBegun = true
    },
    gave: (item) => output?.gave(digestOf(method.definition.reply, item)),
    ended(how, error) {
      if (output?.givenEnd !== undefined) return
      output?.producerEnded(how)
      ledger.feeds.remove(call)
      if (how === 'done') ctx.reply.set(ITEMS, String(output?.given))
      if (how === 'threw') ledger.handlerEnded(call, handler, thrown(method, error))
      else {
        const code = how === 'done' ? 'ok' : output?.isMisfit ? 'misfit' : 'returned'
        ledger.handlerEnded(call, handler, { how: code, digest: undefined })
      }
    },
  })
  if (isFeed(reply) && chance.happens(0.7))
    return watchFeed(reply, { ...hooks, begun: () => feeds(call, request, hooks, ledger) })
  const watched = watchGiven(reply, whileAlive(process, { ...hooks, before: faults.ofItems() }))
  if (watched === reply) ledger.handlerEnded(call, handler, { how: 'misfit', digest: undefined })
  return watched
}

/** What is published from now on, it is given at once. */
function feeds(call: CallRecord, request: unknown, hooks: GivenHooks, ledger: Ledger): void {
  hooks.begun()
  if (call.output?.givenEnd === undefined) ledger.feeds.add(call, request)
}

/** What a slow reader waits for before it asks for an item. */
function slowReader(observe: ObserveOptions): () => Promise<unknown> | undefined {
  const { readers, plan, injected, isFaulty, released } = observe
  const isSlow = readers.happens(0.3) && plan.kinds.has('slowReader')
  return () => {
    if (!isSlow || !isFaulty() || !readers.happens(0.3)) return undefined
    injected('slowReader')
    return readers.happens(0.1) ? released : observe.sleep(readers.between(0, plan.slowMs))
  }
}
