/** Who calls: a server asks the application about each client's credentials (spec/protocol.md, P37). */
import { isStatusCode, misuse, NanowireError, wasMisuse, wasReceived } from '../errors.ts'
import type { Clock, Refusal } from '../session/index.ts'
import { type Credentials, MAX_CREDENTIALS_BYTES, packCredentials } from '../wire/index.ts'
import type { QuietLog } from './log.ts'
import type { PeerTls } from './place.ts'

/** What a server knows of a client before it lets it in. */
export interface AuthenticateRequest {
  /** What the client says; `undefined` where it says nothing. */
  readonly credentials: Credentials | undefined
  /** Of a connection with TLS: the client's certificate, where it has shown one. */
  readonly tls: PeerTls | undefined
  /** Where from: `127.0.0.1:50123`. */
  readonly address: string
}

/**
 * Judges a client: returns who it is (`ctx.principal`), or throws. `undefined`, `null` and `false` refuse. A
 * `NanowireError` with one of the sixteen codes is told to the client as it is; of anything else the client learns only
 * that it was refused.
 */
export type Authenticate = (request: AuthenticateRequest) => unknown

/** Credentials, or what gives them: asked at each connection, so that they may expire. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>)

/** Asks the application. Never rejects. */
export async function judgeCredentials(
  authenticate: Authenticate,
  request: AuthenticateRequest,
  quiet: QuietLog,
): Promise<{ readonly principal: unknown } | Refusal> {
  const { address: peer } = request
  try {
    const principal = await authenticate(request)
    if (principal !== undefined && principal !== null && principal !== false) return { principal }
    quiet.warn('credentials refused', { peer }, 'a client was refused: authenticate returned nobody')
  } catch (error) {
    quiet.warn('credentials refused', { peer, detail: detailOf(error) }, 'a client was refused: authenticate threw')
    const told = toldRefusal(error)
    if (told) return told
  }
  const message =
    request.credentials === undefined && request.tls?.certificate === undefined
      ? 'this server asks for credentials: connect(url, { credentials })'
      : 'the credentials were refused'
  return { code: 'unauthenticated', message }
}

/** What the application meant to say to the client, if it did. */
function toldRefusal(error: unknown): Refusal | undefined {
  try {
    if (!(error instanceof NanowireError) || wasMisuse(error) || wasReceived(error)) return undefined
    const { code, message } = error
    return isStatusCode(code) && typeof message === 'string' ? { code, message } : undefined
  } catch {
    return undefined // a Proxy, or the like
  }
}

/** What was thrown may hold the credentials; an error's message is its author's word for the log. */
function detailOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : `a ${typeof error}, not an Error`
  } catch {
    return 'what cannot be looked at'
  }
}

/**
 * The credentials of a source, within `timeoutMs`.
 * @param told is given what ends the wait before
 * @throws NanowireError `invalid_argument` for what are none, `unauthenticated` where the function throws or takes too long
 */
export async function readCredentialsSource(
  source: CredentialsSource | undefined,
  clock: Clock,
  timeoutMs: number,
  told: (giveUp: () => void) => void = () => {},
): Promise<Credentials | undefined> {
  if (typeof source !== 'function') return source === undefined ? undefined : requireCredentials(source)
  let cancelTimer = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancelTimer = clock.after(timeoutMs, () =>
      reject(unauthenticated(`the function credentials gave nothing for ${timeoutMs} ms`)),
    )
    told(() => reject(unauthenticated('nobody waits for the credentials any more')))
  })
  try {
    return requireCredentials(await Promise.race([callSource(source), late]))
  } finally {
    cancelTimer()
  }
}

async function callSource(source: () => Credentials | Promise<Credentials>): Promise<Credentials> {
  try {
    return await source()
  } catch (error) {
    throw unauthenticated(`the function credentials threw: ${detailOf(error)}`, error)
  }
}

function unauthenticated(message: string, cause?: unknown): NanowireError {
  return new NanowireError('unauthenticated', message, { processed: 'no', cause })
}

/** @throws NanowireError `invalid_argument` */
export function requireCredentials(value: Credentials): Credentials {
  const isMapOfTexts =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([name, text]) => isText(text) && isText(name) && name !== '__proto__')
  if (!isText(value) && !isMapOfTexts) throw misuse('credentials are a text, or an object of names and texts')
  const bytes = packCredentials(typeof value === 'string' ? value : { ...value }).length
  if (bytes > MAX_CREDENTIALS_BYTES)
    throw misuse(`credentials of ${bytes} bytes; there may be ${MAX_CREDENTIALS_BYTES}, as MessagePack`)
  return value
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed()
}
