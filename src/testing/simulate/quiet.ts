/** What a run may not leave behind once both sides are closed, and whether their statistics say what happened. */
import type { CallCounts } from '../../rpc/index.ts'
import { LEFT } from './hearing.ts'
import type { CallRecord } from './records.ts'
import type { CountedSignal } from './signals.ts'
import type { World } from './world.ts'

/** The first thing that is left or does not agree. */
export function findLeftovers(world: World, signals: readonly CountedSignal[]): string | undefined {
  return findTimers(world) ?? findBuffers(world) ?? findListeners(signals) ?? findDisagreement(world)
}

function findTimers({ alive }: World): string | undefined {
  const left = alive.filter(({ clock }) => clock.timers > 0).map(({ clock, name }) => `${clock.timers} of the ${name}`)
  return left.length === 0 ? undefined : `timers are left: ${left.join(', ')}`
}

function findBuffers({ network }: World): string | undefined {
  const left = network.connections.find(({ client, server }) =>
    [client, server].some(({ writer }) => writer.buffer.length > 0 || writer.pendingBytes > 0),
  )
  return left && `a link of ${left.name} holds a buffer, and is closed`
}

/** The library keeps one listener for each signal, however many calls it was passed to. */
function findListeners(signals: readonly CountedSignal[]): string | undefined {
  const listeners = signals.find((signal) => signal.listeners > 1)?.listeners
  return listeners === undefined ? undefined : `a signal has ${listeners} listeners, and all its calls have ended`
}

/** Of what has died nobody asks how it counted. */
function findDisagreement({ alive, ledger, network }: World): string | undefined {
  const clients = alive.flatMap(({ connections }) => connections.map((one) => one.stats()))
  const servers = alive.flatMap((one) => one.servers.map((server) => server.stats()))
  const calls = ledger.calls.filter(({ process }) => !process.isDead)
  const open = [...clients, ...servers].find(({ connections, inFlight }) => connections + inFlight > 0)
  if (open) return `closed, and its statistics say ${open.connections} connections and ${open.inFlight} calls in flight`
  const unknownIds = sum(clients.map((stats) => stats.unknownIds))
  if (unknownIds > 0)
    return `the client got ${unknownIds} answers to calls that it had not made, or had heard of already`
  const lateReplies = sum(clients.map((stats) => stats.lateReplies))
  const left = calls.filter(({ end }) => end?.code !== 'ok').length
  if (lateReplies > left) return `${lateReplies} replies came late, and ${left} callers had gone away`
  const ofClients = network.connections.filter(({ processes }) => !processes.client.isDead)
  const ofServers = network.connections.filter(({ processes }) => !processes.server.isDead)
  return (
    findMiscarried('client', clients, sum(ofClients.map(({ toServer }) => toServer.sentBytes))) ??
    findMiscarried('server', servers, sum(ofServers.map(({ toClient }) => toClient.sentBytes))) ??
    findMiscounted(ledger.calls, merge(clients.map((stats) => stats.calls)), merge(servers.map((stats) => stats.calls)))
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function findMiscarried(
  side: string,
  stats: readonly { readonly bytesSent: number }[],
  carried: number,
): string | undefined {
  const counted = sum(stats.map(({ bytesSent }) => bytesSent))
  return counted === carried
    ? undefined
    : `${counted} bytes were sent by the ${side} by its statistics, and ${carried} by the network`
}

/** The client counts each call once, by its end; the server each request that it has judged. */
function findMiscounted(calls: readonly CallRecord[], client: CallCounts, server: CallCounts): string | undefined {
  const own = calls.filter(({ process }) => !process.isDead)
  const made = merge(own.map(({ method, end }) => ({ [method.name]: { [end?.code ?? 'open']: 1 } })))
  if (!agree(client, made)) {
    const [counted, told] = [client, made].map((counts) => JSON.stringify(sorted(counts)))
    return `the client counted ${counted}, and its callers ${told}`
  }
  const ran = calls.filter(({ handler }) => handler?.process.isDead === false)
  for (const name of new Set(calls.map(({ method }) => method.name))) {
    const handled = ran.filter(({ method }) => method.name === name)
    const returned = handled.filter(({ handler }) => handler?.how === 'ok').length
    const counts = server[name] ?? {}
    const { ok = 0 } = counts
    const total = sum(Object.values(counts))
    // Its reply was too large, or nobody waited any more when its last item could leave.
    const codes = [
      'resource_exhausted',
      ...(handled[0]?.output ? ['cancelled', 'deadline_exceeded', 'unavailable'] : []),
    ]
    const refused = sum(codes.map((code) => counts[code] ?? 0))
    if (handled.length > total)
      return `${handled.length} handlers of ${name} ran, and the server counted ${total} calls`
    if (returned < ok || returned > ok + refused)
      return `${returned} handlers of ${name} returned, and the server counted ${ok} as ok and refused ${refused}`
  }
  return undefined
}

/** A stream that its caller left may have ended before, by any code. */
function agree(client: CallCounts, made: CallCounts): boolean {
  const names = new Set([...Object.keys(client), ...Object.keys(made)])
  return [...names].every((name) => {
    const { [LEFT]: left = 0, ...told } = made[name] ?? {}
    const counted = client[name] ?? {}
    const codes = new Set([...Object.keys(counted), ...Object.keys(told)])
    const more = [...codes].map((code) => (counted[code] ?? 0) - (told[code] ?? 0))
    return more.every((count) => count >= 0) && sum(more) === left
  })
}

function merge(all: readonly CallCounts[]): CallCounts {
  const merged: CallCounts = {}
  for (const counts of all) {
    for (const [method, codes] of Object.entries(counts)) {
      merged[method] ??= {}
      const into = merged[method]
      for (const [code, count] of Object.entries(codes)) into[code] = (into[code] ?? 0) + count
    }
  }
  return merged
}

function sorted(counts: CallCounts): unknown {
  return Object.entries(counts)
    .map(([method, codes]) => [method, Object.entries(codes).sort()] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
}
