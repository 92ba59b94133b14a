/** `nanowire call`: one call of one method, its request and reply as JSON (spec/cli.md). */
import { type AnyContract, checkOf, type MethodRef } from '../contract/index.ts'
import { defaultLimits, type LimitOptions } from '../limits.ts'
import type { CallOptions, Connection } from '../rpc/index.ts'
import { isFailure, showFailure } from './failure.ts'
import { findContracts, findMethod } from './find.ts'
import { fromJson } from './from-json.ts'
import type { Io } from './io.ts'
import { parseJson } from './json-text.ts'
import { jsonText, toJson } from './print.ts'
import { WrongUse } from './wrong-use.ts'

export interface CallFlags {
  readonly export?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly json?: true | undefined
}

interface CallPlan {
  readonly contract: AnyContract
  readonly key: string
  readonly method: MethodRef
  readonly request: unknown
  readonly options: CallOptions
}

/** A connection that does not end by itself is not waited for any longer: the process ends, and it with it. */
const CLOSE_MS = 250

/** Returns the exit code. */
export async function runCall(
  address: string,
  specifier: string,
  name: string,
  requestText: string | undefined,
  flags: CallFlags,
  io: Io,
): Promise<number> {
  const json = flags.json === true
  const module = await io.loadModule(specifier)
  const found = findMethod(findContracts(module, flags.export), name, specifier)
  const written = await readRequest(requestText, found.method, io)
  const request = convertRequest(found.method, written)
  if (!request.fits) {
    const message = `the request of ${name} does not fit: ${request.misfit}`
    showFailure({ code: 'invalid_argument', processed: 'no', message }, io, json)
    return 1
  }
  const { timeoutMs, metadata } = flags
  const wire = module.library.connect(address, { limits: handshakeLimits(found.method, timeoutMs) })
  try {
    const reply = await makeCall(wire, { ...found, request: request.value, options: { timeoutMs, metadata } })
    if (found.method.definition.kind !== 'notify') io.out(jsonText(toJson(reply), io.isTty && !json))
    await wire.close()
    return 0
  } catch (error) {
    if (!isFailure(error)) throw error
    // Refused here, though the request fits: the address or an option is wrong.
    const isMisuse = error.code === 'invalid_argument' && wire.stats().bytesReceived === 0
    if (isMisuse) throw new WrongUse(error.message)
    showFailure(error, io, json)
    await closeInTime(wire)
    return 1
  }
}

/** The request as JSON says it; absent where none was given and none is needed. */
async function readRequest(text: string | undefined, method: MethodRef, io: Io): Promise<unknown> {
  if (text === undefined) {
    if (checkOf(method.request.shape)(undefined)) return undefined
    throw new WrongUse(`${method.name} takes a request: give it as JSON, or - to read it from stdin`)
  }
  if (text !== '-') return parseJson('the request', text)
  return parseJson('the request on stdin', new TextDecoder().decode(await io.readStdin()))
}

type Converted = { readonly fits: true; readonly value: unknown } | { readonly fits: false; readonly misfit: string }

/** The request as the schema wants it, judged before anything connects. */
function convertRequest(method: MethodRef, written: unknown): Converted {
  try {
    const value = written === undefined ? undefined : fromJson(method.request.shape, written)
    method.request.toWire(value)
    return { fits: true, value }
  } catch (error) {
    // By its name, for the module's copy of the library has a class of its own.
    if (
      error instanceof Error &&
      error.name === 'Misfit' &&
      'describe' in error &&
      typeof error.describe === 'function'
    )
      return { fits: false, misfit: String(error.describe()) }
    throw error
  }
}

/** A notify has no deadline of its own while it waits for its connection. */
function handshakeLimits(method: MethodRef, timeoutMs = defaultLimits.handshakeTimeoutMs): LimitOptions | undefined {
  if (method.definition.kind !== 'notify') return undefined
  return { handshakeTimeoutMs: Math.min(timeoutMs, defaultLimits.handshakeTimeoutMs) }
}

async function makeCall(wire: Connection, { contract, key, method, request, options }: CallPlan): Promise<unknown> {
  // A notify is sent as soon as there is a socket, and nobody would hear that no server was behind it.
  if (method.definition.kind === 'notify') await wire.ready()
  const client = wire.client(contract) as Readonly<Record<string, (request: unknown, options: CallOptions) => unknown>> // a function for each method
  return client[key]?.(request, options)
}

async function closeInTime(wire: Connection): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS)
  })
  await Promise.race([wire.close({ drainMs: 0 }), late])
  clearTimeout(timer)
}
