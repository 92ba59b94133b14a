/**
 * What goes wrong in one run, drawn from its seed. Each seed switches on a part of the kinds of faults only (swarm testing):
 * where everything always goes wrong, hardly any call gets far enough to meet the rarer faults.
 */
import type { LimitName, LimitOptions } from '../../limits.ts'
import type { Chance } from './chance.ts'
import type { LaneOptions } from './lane.ts'

/** Every kind of fault, with what it does. */
export const faultKinds = {
  delay: 'chunks take up to some milliseconds',
  split: 'chunks arrive in pieces',
  join: 'chunks arrive together',
  cut: 'a connection is cut, at any byte of either direction or at any moment',
  stall: 'a direction stops for a while',
  silence: 'a direction stops for ever',
  refuse: 'connecting fails, or takes a while',
  reorder: 'connections take their time, each its own: what is sent first by one may come last',
  halfOpen: 'one end of a connection has lost it, and the other is not told',
  slowHandler: 'a handler takes a while before or after its work',
  failingHandler: 'a handler throws what is no declared error',
  hangingHandler: 'a handler does not end until its signal is aborted',
  deafHandler: 'slow and hanging handlers ignore their signals',
  badReply: 'a handler returns what cannot travel, or gives it for an item',
  badRequest: 'a caller sends what cannot travel, or gives it for an item',
  shortDeadline: 'a caller waits for some milliseconds only',
  cancel: 'a caller cancels',
  smallLimits: 'limits of both sides are small',
  clientClose: 'a client closes a connection and opens another',
  serverClose: 'a server closes, and another one takes its place',
  serverCrash: 'the process of a server dies, and another one takes its place',
  clientCrash: 'the process of a client dies, and begins anew',
  pause: 'a process is stopped for a while, and hears only then what has come meanwhile',
  clockJump: 'the clock of a process leaps ahead, or runs fast or slow; what it tells of the day goes back as well',
  slowReader: 'who takes items takes a while for each, or stops for a long time',
  leave: 'who takes items leaves before their end',
  failingItems: 'what a caller gives ends with an error',
} as const

export type FaultKind = keyof typeof faultKinds

export const allFaultKinds = Object.keys(faultKinds) as readonly FaultKind[] // the keys of a constant

/** Nothing may be lost by these. */
const harmless: ReadonlySet<FaultKind> = new Set(['delay', 'split', 'join', 'reorder'])
const CALM_SHARE = 0.1

const BURST_SHARE = 0.05

export interface SideLimits {
  readonly client: LimitOptions
  readonly server: LimitOptions
}

/** As the options have them. */
type GivenLimits = { readonly [Side in keyof SideLimits]?: LimitOptions | undefined }

/** The faults of one run. */
export interface Plan {
  readonly kinds: ReadonlySet<FaultKind>
  /** What every direction of every connection does. */
  readonly lane: LaneOptions
  readonly limits: SideLimits
  /** How long things go wrong, in milliseconds. */
  readonly faultMs: number
  /** Handlers take so long, at most. */
  readonly slowMs: number
  /** A connection takes so long by itself, at most. */
  readonly reorderMs: number
  /** Many calls, all at once. */
  readonly isBurst: boolean
}

/** What a user lets be. */
export interface PlanBounds {
  readonly kinds: ReadonlySet<FaultKind>
  /** How long things go wrong, at most. */
  readonly faultMs: number
  /** Go before those that are drawn. */
  readonly limits: GivenLimits | undefined
}

/** What is drawn does not depend on the bounds, so that less goes wrong within narrower ones, and nothing else changes. */
export function drawPlan(chance: Chance, { kinds: allowed, faultMs: mostMs, limits: given }: PlanBounds): Plan {
  const isCalm = chance.happens(CALM_SHARE)
  const share = chance.pick([0.2, 0.5, 0.5, 0.8])
  const drawn = allFaultKinds.map((kind) => chance.happens(share) && !(isCalm && !harmless.has(kind)))
  const kinds = new Set(allFaultKinds.filter((kind, index) => drawn[index] && allowed.has(kind)))
  const maxPieces = chance.pick([2, 3, 8, 40])
  const maxDelayMs = chance.pick([1, 5, 15, 60])
  const joinShare = chance.pick([0.2, 0.5, 0.9])
  const lane = {
    maxPieces: kinds.has('split') ? maxPieces : 1,
    maxDelayMs: kinds.has('delay') ? maxDelayMs : 0,
    joinShare: kinds.has('join') ? joinShare : 0,
  }
  const drawnLimits = { client: drawLimits(chance, clientLimits), server: drawLimits(chance, serverLimits) }
  const limits = kinds.has('smallLimits')
    ? { client: beside(drawnLimits.client, given?.client), server: beside(drawnLimits.server, given?.server) }
    : { client: {}, server: {} }
  return {
    kinds,
    lane,
    limits,
    faultMs: Math.min(mostMs, chance.between(200, 3_000)),
    slowMs: chance.pick([1, 20, 200, 2_000]),
    reorderMs: chance.pick([5, 50, 400]),
    isBurst: chance.happens(BURST_SHARE),
  }
}

type Ranges = { readonly [Name in LimitName]?: readonly [min: number, max: number] }

const bothLimits: Ranges = {
  handshakeTimeoutMs: [50, 1_000],
  maxMessageBytes: [1_024, 30_000],
  maxReassemblyBytes: [1_024, 100_000],
  maxStreamBytes: [0, 60_000],
  maxBacklogBytes: [16_384, 40_000],
  maxTurnBytes: [1_024, 5_000],
  maxTurnFrames: [1, 4],
  pingAfterMs: [20, 400],
  idleTimeoutMs: [401, 1_500],
  lingerMs: [0, 500],
  maxMetadataBytes: [200, 400],
}
const clientLimits: Ranges = { ...bothLimits, maxCallsQueued: [1, 12], callTimeoutMs: [50, 3_000] }
const serverLimits: Ranges = {
  ...bothLimits,
  maxCallsInFlight: [1, 8],
  maxErrorBytes: [1_024, 1_024],
  maxConnections: [1, 2],
}

/** How often each limit is small, where limits are. */
const SMALL_SHARE = 0.3

function drawLimits(chance: Chance, ranges: Ranges): LimitOptions {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const [name, [min, max]] of Object.entries(ranges)) {
    if (chance.happens(SMALL_SHARE)) limits[name as LimitName] = chance.between(min, max) // a key of Ranges
  }
  const hasPair = pair.every((name) => limits[name] !== undefined)
  return hasPair ? limits : without(limits, pair)
}

/** Both or none, for one must be above the other. */
const pair: readonly LimitName[] = ['pingAfterMs', 'idleTimeoutMs']

/** What is left of drawn limits beside those that the user has given. */
function beside(drawn: LimitOptions, given: LimitOptions = {}): LimitOptions {
  const names = (Object.keys(given) as LimitName[]).filter((name) => given[name] !== undefined) // looked at before
  return without(drawn, names.some((name) => pair.includes(name)) ? [...names, ...pair] : names)
}

function without(limits: LimitOptions, names: readonly string[]): LimitOptions {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !names.includes(name)))
}
