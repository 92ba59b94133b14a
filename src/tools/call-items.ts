/**
 * `nanowire call` of methods that take items or answer with them: each is one line of JSON, sent and printed as it comes
 * (spec/cli.md). Invariant: no item is read before the call wants it, and none is asked for before the last one is written.
 */
import { createReadStream, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MethodRef } from '../contract/index.ts'
import type { CallOptions, Connection, Subscription } from '../rpc/index.ts'
import { convertRequest } from './convert.ts'
import { exitCodes } from './drain.ts'
import { showFailure } from './failure.ts'
import type { Io, Signal } from './io.ts'
import { parseJson } from './json-text.ts'
import { linesOf } from './lines.ts'
import { jsonText, toJson } from './print.ts'
import { closeInTime } from './with-server.ts'
import { WrongUse } from './wrong-use.ts'

export interface ItemFlags {
  /** The file that a caller's items stand in. */
  readonly items?: string | undefined
  /** After how many items the stream is left. */
  readonly count?: number | undefined
  readonly json?: true | undefined
}

/** What a user gives as items: one as JSON in each line of a file or of stdin. */
export class GivenItems implements AsyncIterable<unknown> {
  readonly #method: MethodRef
  readonly #name: string
  readonly #chunks: () => AsyncIterable<Uint8Array>
  /** Why there are no more of them, where that is the user's fault. */
  failure: { readonly error: WrongUse } | { readonly misfit: string } | undefined

  /** @throws WrongUse for a request, which such a method has not, and a file that cannot be read */
  static of(method: MethodRef, text: string | undefined, { items = '-' }: ItemFlags, io: Io): GivenItems {
    if (text !== undefined && text !== '-')
      throw new WrongUse(
        `${method.name} takes items: one as JSON in each line of stdin, or of the file that --items names`,
      )
    return items === '-'
      ? new GivenItems(method, 'stdin', () => io.stdinChunks())
      : new GivenItems(method, items, fileAt(resolve(io.cwd, items), items))
  }

  constructor(method: MethodRef, name: string, chunks: () => AsyncIterable<Uint8Array>) {
    this.#method = method
    this.#name = name
    this.#chunks = chunks
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    const method = this.#method
    let number = 0
    try {
      for await (const line of linesOf(this.#chunks(), this.#name)) {
        number++
        if (line.trim() === '') continue
        const converted = convertRequest(method, parseJson(`line ${number} of ${this.#name}`, line))
        if (!converted.fits) {
          const misfit = `an item of ${method.name} does not fit, in line ${number} of ${this.#name}: ${converted.misfit}`
          this.failure = { misfit }
          throw new Error(misfit)
        }
        yield converted.value
      }
    } catch (error) {
      if (error instanceof WrongUse) this.failure = { error }
      throw error
    }
  }
}

/** @throws WrongUse where it cannot be opened */
function fileAt(path: string, name: string): () => AsyncIterable<Uint8Array> {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new WrongUse(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return () => createReadStream(path, { fd })
}

/** What a user's Ctrl-C has ended. */
class Ending {
  readonly #controller = new AbortController()
  readonly stopListening: () => void
  by: Signal | undefined

  constructor(io: Io) {
    this.stopListening = io.onSignal((signal) => {
      this.by ??= signal
      this.#controller.abort()
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }
}

/** Calls, prints and returns the exit code. `makeCall` is told of the signal that ends the call. */
export async function callWithItems(
  wire: Connection,
  method: MethodRef,
  { request, call }: { readonly request: unknown; call(options: CallOptions): unknown },
  flags: ItemFlags,
  io: Io,
): Promise<number> {
  const ending = new Ending(io)
  try {
    const answer = call({ signal: ending.signal })
    if (!method.output) {
      io.out(jsonText(toJson(await answer), io.isTty && !flags.json))
      return 0
    }
    const stream = answer as Subscription<unknown> // of an event; any other has all that is asked of it but `ready`
    if (method.event) tellReady(stream, method, io)
    if (await printItems(stream, flags, io)) await closeInTime(wire) // nobody waits for the handler's end
    return 0
  } catch (error) {
    if (ending.by !== undefined) {
      await closeInTime(wire)
      return method.event ? 0 : exitCodes[ending.by]
    }
    return explainGiven(request, error, flags, io)
  } finally {
    ending.stopListening()
  }
}

function tellReady({ ready }: Subscription<unknown>, { name }: MethodRef, io: Io): void {
  ready.then(
    () => io.err(`subscribed to ${name} (Ctrl-C ends it)`),
    () => {}, // the stream says why
  )
}

/** Returns whether the stream was left before its end. */
async function printItems(stream: Subscription<unknown>, { count }: ItemFlags, io: Io): Promise<boolean> {
  let printed = 0
  let dropped = 0
  for await (const item of stream) {
    if (stream.dropped > dropped) io.err(`${stream.dropped - dropped} left out here`)
    dropped = stream.dropped
    io.out(jsonText(toJson(item)))
    if (++printed === count) return true
    await io.written()
    if (!io.isHeard) return true
  }
  return false
}

/** What is wrong with the user's own items comes before what the call ended with for it. */
function explainGiven(request: unknown, error: unknown, { json }: ItemFlags, io: Io): number {
  const failure = request instanceof GivenItems ? request.failure : undefined
  if (!failure) throw error
  if ('error' in failure) throw failure.error
  showFailure({ code: 'invalid_argument', processed: 'maybe', message: failure.misfit }, io, json === true)
  return 1
}
