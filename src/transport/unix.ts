/**
 * Unix sockets (spec/places.md): a file that only its owner may connect to. Invariant: a socket's file is never open to
 * others, not for a moment, and no file but a socket that nobody listens at is ever removed or replaced.
 */
import { type BigIntStats, chmodSync, linkSync, lstatSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { misuse, NanowireError } from '../errors.ts'
import { codeOf, explainSocketError, type Words } from './errno.ts'
import type { SocketLink } from './socket-link.ts'
import { dialPath, listenPath, type SocketContext, type SocketListener } from './tcp.ts'

export interface UnixAddress {
  readonly path: string
  /** How it is called in errors and logs: `unix:/run/greeter.sock`. */
  readonly url: string
}

/** Linux's number, without the zero behind it; other systems have a little less. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103
/** What the socket's first name has behind its folder's: `/.nw-abcdef/s`. */
const HIDDEN_BYTES = 13

const dialWords: Readonly<Record<string, Words>> = {
  ENOENT: (peer) => `nothing listens at ${peer}: is the server running, and is the path right?`,
  ENOTDIR: (peer) => `nothing listens at ${peer}: a part of the path is no folder`,
  EACCES: (peer) => `this user may not connect to ${peer}: its file belongs to another`,
  EPERM: (peer) => `this user may not connect to ${peer}: its file belongs to another`,
  EAGAIN: (peer) => `${peer} takes no more connections just now`,
}

const folderWords: Readonly<Record<string, Words>> = {
  ENOENT: (peer) => `there is no folder for ${peer}: make it first`,
  ENOTDIR: (peer) => `there is no folder for ${peer}: a part of the path is no folder`,
  EACCES: (peer) => `this user may not write into the folder of ${peer}`,
  EPERM: (peer) => `this user may not write into the folder of ${peer}`,
  EROFS: (peer) => `the folder of ${peer} cannot be written to`,
  EEXIST: (peer) => `another server has just begun to listen at ${peer}`,
}

/**
 * Connects. Rejects with `unavailable`, `processed: 'no'`, in words for whoever typed the address.
 * @throws NanowireError `invalid_argument` for a path that is too long
 */
export async function dialUnix({ path, url }: UnixAddress, context: SocketContext): Promise<SocketLink> {
  requirePath(path, path)
  return await dialPath(path, url, context, (error) => {
    if (codeOf(error) !== 'ECONNREFUSED') return explainSocketError(error, url, dialWords)
    const what = lookAt(path)?.isSocket()
      ? `nothing listens at ${url} any more: its server has gone and left the file`
      : `${url} is no socket`
    return new NanowireError('unavailable', `${what} (ECONNREFUSED)`, { processed: 'no', cause: error })
  })
}

/**
 * Listens, at a file with the mode 0600. The file of a server that has gone is taken over; it is removed on `close`.
 * @throws NanowireError `unavailable` where a server listens, something else is there or the folder cannot be written to;
 *   `invalid_argument` for a path that is too long
 */
export async function listenUnix(
  { path, url }: UnixAddress,
  context: SocketContext,
  accept: (link: SocketLink) => void,
): Promise<SocketListener> {
  requirePath(path, `${posix.dirname(path)}${'x'.repeat(HIDDEN_BYTES)}`)
  await clearWay(path, url, context)
  // The socket is made in a folder that nobody else may enter, and gets its name when its mode is right. Its name is given
  // by linking, which fails where a file is. And a socket that is closed removes its first name, whoever has it then.
  const folder = attempt(url, () => mkdtempSync(posix.join(posix.dirname(path), '.nw-')))
  const hidden = posix.join(folder, 's')
  const { begun, close } = listenPath(hidden, url, context, accept)
  try {
    if (lookAt(hidden)) {
      attempt(url, () => chmodSync(hidden, 0o600))
      attempt(url, () => linkSync(hidden, path))
    }
    await begun
  } catch (error) {
    begun.catch(() => {})
    await close()
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const own = lookAt(path)
  return {
    url,
    isLocal: true,
    close() {
      if (own && isSame(lookAt(path), own)) removeQuietly(path) // first, so that nobody finds a file without a server
      return close()
    },
  }
}

/** Finds out what has the name, and removes what a server has left. */
async function clearWay(path: string, url: string, context: SocketContext): Promise<void> {
  const found = lookAt(path)
  if (!found) return
  if (!found.isSocket()) {
    throw unavailable(`${url} is there already and no socket: take another path, or remove what is there`)
  }
  const state = await probe(path, url, context)
  if (state === 'live') throw unavailable(`a server listens at ${url} already: stop it, or take another path`)
  if (state !== 'gone')
    throw unavailable(`${url} is there already, and nobody can say whether a server listens: ${state}`)
  // Another server may have taken it over meanwhile, and been given the number of the inode that was free then.
  const now = lookAt(path)
  if (isSame(now, found) && now?.ctimeNs === found.ctimeNs) attempt(url, () => unlinkSync(path))
}

/** Whether somebody listens, or why that is not known. */
async function probe(path: string, url: string, context: SocketContext): Promise<string> {
  try {
    const link = await dialPath(path, url, context, (error) => explainSocketError(error, url, dialWords))
    link.destroy()
    return 'live'
  } catch (error) {
    const { cause, message } = error as NanowireError // all that dialling rejects with
    const code = cause instanceof Error ? codeOf(cause) : ''
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'gone'
    return code === 'EAGAIN' ? 'live' : message
  }
}

function requirePath(path: string, longest: string): void {
  if (process.platform === 'win32') throw misuse('Windows has no unix sockets here; write tcp://127.0.0.1:port')
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_PATH_BYTES)
    throw misuse(`the path of a unix socket has at most ${MAX_PATH_BYTES} bytes, and ${path} has ${bytes}`)
  if (Buffer.byteLength(longest) > MAX_PATH_BYTES)
    throw misuse(
      `the folder of a unix socket has at most ${MAX_PATH_BYTES - HIDDEN_BYTES} bytes, and ${posix.dirname(path)} has more`,
    )
}

function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

function isSame(one: BigIntStats | undefined, other: BigIntStats): boolean {
  return one?.ino === other.ino && one.dev === other.dev
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // The folder may have changed hands; the next server finds out.
  }
}

function attempt<T>(url: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw explainSocketError(error as Error, url, folderWords) // `node:fs` throws nothing else
  }
}

function unavailable(message: string): NanowireError {
  return new NanowireError('unavailable', message, { processed: 'no' })
}
