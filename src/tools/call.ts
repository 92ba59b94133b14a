/** `nanowire call`: one call of one method, what is sent and answered as JSON (spec/cli.md). */
import { type AnyContract, checkOf, isMethodKind, learnContract, type MethodRef } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { connect } from '../index.ts'
import { defaultLimits, type LimitOptions } from '../limits.ts'
import type { CallOptions, Connection } from '../rpc/index.ts'
import { askServer, type ToldContract } from './ask-server.ts'
import { callWithItems, GivenItems, type ItemFlags } from './call-items.ts'
import { type ConnectFlags, connectOptions } from './connect-flags.ts'
import { convertRequest } from './convert.ts'
import { isFailure, showFailure } from './failure.ts'
import { findContracts, findMethod } from './find.ts'
import type { Io } from './io.ts'
import { parseJson } from './json-text.ts'
import { jsonText, toJson } from './print.ts'
import { closeInTime } from './with-server.ts'
import { WrongUse } from './wrong-use.ts'

export interface CallFlags extends ConnectFlags, ItemFlags {
  readonly export?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

interface CallPlan {
  readonly contract: AnyContract
  readonly key: string
  readonly method: MethodRef
  readonly request: unknown
}

/** Returns the exit code. */
export async function runCall(address: string, words: readonly string[], flags: CallFlags, io: Io): Promise<number> {
  const { specifier, name, requestText } = readWords(words)
  if (specifier === undefined) return callLearned(address, name, requestText, flags, io)
  const access = connectOptions(flags, io)
  const module = await io.loadModule(specifier)
  const found = findMethod(findContracts(module, flags.export), name, specifier)
  const request = await prepareRequest(found.method, requestText, flags, io)
  if (!request) return 1
  const wire = module.library.connect(address, { ...access, limits: handshakeLimits(found.method, flags.timeoutMs) })
  return converse(wire, flags, io, () => callAndPrint(wire, { ...found, ...request }, flags, io))
}

/** The server says itself what its contract is. */
async function callLearned(
  address: string,
  name: string,
  requestText: string | undefined,
  flags: CallFlags,
  io: Io,
): Promise<number> {
  if (flags.export !== undefined) throw new WrongUse('--export is about a module: name it before the method')
  const { timeoutMs = defaultLimits.callTimeoutMs } = flags
  const limits = { handshakeTimeoutMs: Math.min(timeoutMs, defaultLimits.handshakeTimeoutMs) }
  const wire = connect(address, { ...connectOptions(flags, io), limits })
  return converse(wire, flags, io, async () => {
    const only = name.slice(0, name.indexOf('/'))
    const [told] = await askServer(wire, { address, only, timeoutMs }, io)
    requireKnownKind(told, name)
    const found = findMethod(told ? [learnContract(told.description)] : [], name, address)
    const request = await prepareRequest(found.method, requestText, flags, io)
    return request ? callAndPrint(wire, { ...found, ...request }, flags, io) : 1
  })
}

/** What a server of a later version has, this one may not be able to call. */
function requireKnownKind(told: ToldContract | undefined, name: string): void {
  const method = Object.entries(told?.description.methods ?? {}).find(([key]) => name.endsWith(`/${key}`))?.[1]
  if (!method || isMethodKind(method.kind)) return
  const message = `${name} is a method of the kind ${method.kind}, which this version cannot call`
  throw new NanowireError('unimplemented', message, { processed: 'no' })
}

interface CallWords {
  /** The module, where one was named. */
  readonly specifier: string | undefined
  readonly name: string
  readonly requestText: string | undefined
}

const METHOD = /^[a-z][\w.-]*\/[a-z]\w*$/

/** `[module] <method> [request]`: two words are a module and a method where the second reads as a method's full name. */
function readWords(words: readonly string[]): CallWords {
  const [first = '', second, third, surplus] = words
  if (surplus !== undefined) throw new WrongUse(`one word too many: ${JSON.stringify(surplus)}; quote the request`)
  const isModule = third !== undefined || (second !== undefined && (METHOD.test(second) || !METHOD.test(first)))
  if (isModule) return { specifier: first, name: second ?? '', requestText: third }
  if (METHOD.test(first)) return { specifier: undefined, name: first, requestText: second }
  throw new WrongUse(`${JSON.stringify(first)} is no method's full name: write it as greeter/hello`)
}

async function callAndPrint(wire: Connection, plan: CallPlan, flags: CallFlags, io: Io): Promise<number> {
  const { method, request } = plan
  const options = { timeoutMs: flags.timeoutMs, metadata: flags.metadata }
  if (method.input || method.output)
    return callWithItems(
      wire,
      method,
      { request, call: (more) => makeCall(wire, plan, { ...options, ...more }) },
      flags,
      io,
    )
  // A notify is sent as soon as there is a socket, and nobody would hear that no server was behind it.
  if (method.oneWay) await wire.ready()
  const reply = await makeCall(wire, plan, options)
  if (!method.oneWay) io.out(jsonText(toJson(reply), io.isTty && !flags.json))
  return 0
}

/** Acts, then closes the connection. What the server answers is shown, with 1; who is wrong here is told by a throw. */
async function converse(wire: Connection, flags: CallFlags, io: Io, act: () => Promise<number>): Promise<number> {
  try {
    const exitCode = await act()
    await (exitCode === 0 ? wire.close() : closeInTime(wire))
    return exitCode
  } catch (error) {
    await closeInTime(wire)
    if (!isFailure(error)) throw error
    // Refused here, though the request fits: the address or an option is wrong.
    const isMisuse = error.code === 'invalid_argument' && wire.stats().bytesReceived === 0
    if (isMisuse) throw new WrongUse(error.message)
    showFailure(error, io, flags.json === true)
    return 1
  }
}

/** The request as its schema wants it; `undefined` where it does not fit, which was said then. */
async function prepareRequest(
  method: MethodRef,
  text: string | undefined,
  flags: CallFlags,
  io: Io,
): Promise<{ readonly request: unknown } | undefined> {
  requireItemFlags(method, flags)
  if (method.input) return { request: GivenItems.of(method, text, flags, io) }
  const converted = convertRequest(method, await readRequest(text, method, io))
  if (converted.fits) return { request: converted.value }
  const message = `the request of ${method.name} does not fit: ${converted.misfit}`
  showFailure({ code: 'invalid_argument', processed: 'no', message }, io, flags.json === true)
  return undefined
}

function requireItemFlags({ name, input, output }: MethodRef, { items, count }: CallFlags): void {
  if (items !== undefined && !input)
    throw new WrongUse(`--items is for a method that takes items, which ${name} does not`)
  if (count !== undefined && !output)
    throw new WrongUse(`--count is for a method that answers with items, which ${name} does not`)
}

/** The request as JSON says it; absent where none was given and none is needed. */
async function readRequest(text: string | undefined, method: MethodRef, io: Io): Promise<unknown> {
  if (text === undefined) {
    if (method.event) return {}
    if (checkOf(method.request.shape)(undefined)) return undefined
    throw new WrongUse(`${method.name} takes a request: give it as JSON, or - to read it from stdin`)
  }
  if (text !== '-') return parseJson('the request', text)
  return parseJson('the request on stdin', new TextDecoder().decode(await io.readStdin()))
}

/** A notify has no deadline of its own while it waits for its connection. */
function handshakeLimits(method: MethodRef, timeoutMs = defaultLimits.handshakeTimeoutMs): LimitOptions | undefined {
  if (!method.oneWay) return undefined
  return { handshakeTimeoutMs: Math.min(timeoutMs, defaultLimits.handshakeTimeoutMs) }
}

/** Returns what a client does: a promise, or a stream. */
function makeCall(wire: Connection, { contract, key, request }: CallPlan, options: CallOptions): unknown {
  const client = wire.client(contract) as Readonly<Record<string, (request: unknown, options: CallOptions) => unknown>> // a function for each method
  return client[key]?.(request, options)
}
