/**
 * The attacked process: a server with a small heap behind several doors, and a bare one that throws away what it reads. Its
 * commands are those that `start` returns.
 */
import './poisoned.ts'
import { createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createServer as createSecureServer } from 'node:tls'
import { type LimitOptions, router, type ServeOptions, type Server, serve } from 'nanowire'
import { Gate } from '../../../src/testing/conformance/lab.ts'
import { bench } from '../../bench/contract.ts'
import { listen } from '../../bench/shared/net.ts'
import { answer, type Commands } from '../../support/answer.ts'
import { askingTls, pem, serverTls } from '../../support/certificates.ts'
import { collect } from '../../support/collect.ts'
import { type Door, SMALL_DOOR } from './doors.ts'
import { type Held, handlers } from './handlers.ts'
import { SECRET } from './poison.ts'

/** What each door's server has beyond the defaults. */
const doors = {
  open: {},
  /** No more than so many connections. */
  small: { limits: { maxConnections: SMALL_DOOR } },
  guarded: { authenticate },
  tls: { tls: serverTls() },
  asking: { tls: askingTls() },
  /** Whoever is slow or silent is soon given up, if the process is told so: for those only that are to be. */
  hasty: {},
  hastyGuarded: { authenticate },
  hastyTls: { tls: serverTls() },
} satisfies Readonly<Record<Door, ServeOptions>>

/** How many credentials are judged at the same time, and how many were. */
const judging = { now: 0, most: 0, all: 0 }
/** Resolves when those that wait are to be judged. */
let doubts = new Gate()

/** Knows one password; is kept busy by another; and says more than it should where it fails. */
async function authenticate({ credentials }: { readonly credentials: unknown }): Promise<string | undefined> {
  judging.most = Math.max(judging.most, ++judging.now)
  judging.all++
  try {
    if (credentials === 'let me wait') await doubts.promise
    if (credentials === 'let me in') return 'somebody'
    if (credentials === 'tell me why') throw new Error(`the password is ${SECRET}`)
    return undefined
  } finally {
    judging.now--
  }
}

export interface DoorLook {
  readonly connections: number
  readonly inFlight: number
  readonly unknownIds: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export interface Look {
  readonly held: Held
  readonly judging: typeof judging
  readonly doors: Readonly<Record<string, DoorLook>>
  /** Lines of the log at `error`. */
  readonly errors: number
  /** What every object of the process has beyond what JavaScript gives it. */
  readonly inherited: readonly string[]
}

export interface Memory {
  /** Objects, and what they hold outside of the heap, after collections have settled. */
  readonly usedBytes: number
  readonly rssBytes: number
  /** The most that the system has ever given to the process. */
  readonly mostRssBytes: number
}

/** @param patienceMs of the other doors, where it is not the usual one: a busy machine may make anybody slow */
async function start(handshakeMs: string, idleMs: string, patienceMs?: string): Promise<Commands> {
  const { open, held, release } = handlers()
  let errors = 0
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: () => void errors++ }
  const servers = new Map<string, Server>()
  for (const [door, { limits, ...options }] of Object.entries<ServeOptions>(doors)) {
    const isHasty = door.startsWith('hasty')
    const usual = patienceMs === undefined ? {} : timeOf(patienceMs, patienceMs)
    const own: LimitOptions = { ...(isHasty ? timeOf(handshakeMs, idleMs) : usual), ...limits }
    servers.set(door, await serve(router([open, bench], { log }), 'tcp://127.0.0.1:0', { ...options, limits: own }))
  }
  const discard = (socket: Socket): void => void socket.on('error', () => socket.destroy()).resume()
  const bare = await listen(createServer(discard))
  const bareTls = await listen(
    createSecureServer({ cert: pem('server'), key: pem('server.key') }, discard).on('tlsClientError', () => {}),
  )

  const look = (): Look => ({
    held: { ...held },
    judging: { ...judging },
    doors: Object.fromEntries(Array.from(servers, ([door, server]) => [door, lookAt(server)])),
    errors,
    inherited: inherited(),
  })
  return {
    ports: () => ({
      bare,
      bareTls,
      ...Object.fromEntries(Array.from(servers, ([door, { url }]) => [door, portOf(url)])),
    }),
    look,
    memory,
    /** Lets stuck handlers and judgements end, and forgets how many there were. */
    async release() {
      release()
      doubts.open()
      doubts = new Gate()
      await nextTurn() // they have it
      held.most = held.running
      judging.most = judging.now
    },
  }
}

function timeOf(handshakeMs: string, idleMs: string): LimitOptions {
  const idleTimeoutMs = Number(idleMs)
  return { handshakeTimeoutMs: Number(handshakeMs), pingAfterMs: Math.floor(idleTimeoutMs / 3), idleTimeoutMs }
}

function inherited(): string[] {
  const names: string[] = []
  for (const name in {}) names.push(name)
  return names
}

const portOf = (url: string): number => Number(new URL(url).port)

function lookAt(server: Server): DoorLook {
  const { connections, inFlight, unknownIds, bytesReceived, bytesSent, calls } = server.stats()
  return { connections, inFlight, unknownIds, bytesReceived, bytesSent, calls }
}

async function memory(): Promise<Memory> {
  for (let times = 0; times < 4; times++) {
    collect()
    await nextTurn()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { usedBytes: heapUsed + external, rssBytes: rss, mostRssBytes: process.resourceUsage().maxRSS * 1_024 }
}

const [, handshakeMs = '', idleMs = '', patienceMs] = process.argv.slice(2)
await answer(start(handshakeMs, idleMs, patienceMs))
