/** What is done to connections, drawn by chance: each counts as one fault. */
import type { ConnectionFaults, FaultyConnection } from '../../src/testing/index.ts'
import type { Chance } from '../../src/testing/simulate/chance.ts'

/** Each kind with what it does to a connection; `undefined` cuts it. */
const kinds: Readonly<Record<string, (chance: Chance) => ConnectionFaults | undefined>> = {
  cut: () => undefined,
  reset: (chance) => ({ resetMs: chance.between(0, 50) }),
  limit: (chance) => oneWay(chance, { limitBytes: Math.floor(chance.random() ** 3 * 200_000) }),
  stall: () => ({ stall: true }),
  halfOpen: (chance) => oneWay(chance, { stall: true }),
  timeout: (chance) => oneWay(chance, { timeoutMs: chance.between(0, 200) }),
  latency: (chance) => ({ latencyMs: chance.between(0, 40), jitterMs: chance.between(0, 40) }),
  bandwidth: (chance) => oneWay(chance, { bytesPerSecond: chance.between(20_000, 1_000_000) }),
  slice: (chance) => oneWay(chance, { sliceBytes: chance.between(1, 100) }),
  join: (chance) => ({ joinMs: chance.between(1, 10) }),
}

/** Others of them only make it worse that a connection fails, or let the others meet it at another moment. */
const ENDING = ['cut', 'cut', 'reset', 'limit', 'limit', 'stall', 'halfOpen', 'timeout']
const DISTURBING = ['latency', 'bandwidth', 'slice', 'join']

/** Does something to a connection. Returns the name of it. */
export function injectFault(connection: FaultyConnection, chance: Chance): string {
  const kind = chance.pick(chance.happens(0.6) ? ENDING : DISTURBING)
  const faults = kinds[kind]?.(chance)
  if (faults) connection.setFaults(faults)
  else connection.cut()
  return kind
}

/** For a connection whose end is near: the other side is told of it late. Returns the name of the fault. */
export function delayEnd(connection: FaultyConnection, chance: Chance): string {
  connection.setFaults({ slowCloseMs: chance.between(1, 300) })
  return 'slowClose'
}

/** What waits for a connection while it is made: mostly nothing. */
export function faultsAtFirst(
  chance: Chance,
): { readonly kind: string; readonly faults: ConnectionFaults } | undefined {
  if (chance.happens(0.04)) return { kind: 'refuse', faults: { refuse: true } }
  if (chance.happens(0.08)) return { kind: 'early', faults: oneWay(chance, { limitBytes: chance.between(0, 600) }) }
  return undefined
}

function oneWay(chance: Chance, faults: ConnectionFaults): ConnectionFaults {
  return chance.happens(0.5) ? { toServer: faults } : { toClient: faults }
}
