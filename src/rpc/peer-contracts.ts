/** What a connection's server tells of its contracts in its HELLO (spec/protocol.md, P12); for apps and the command line. */
import { misuse, NanowireError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { RemoteConnection } from './remote-connection.ts'

/**
 * Connects where that is not done, and gives the contracts of the server with their hashes; `undefined` where it does not
 * tell. Names are whatever the peer says.
 * @throws NanowireError what `ready` throws, and `unavailable` where the connection has ended at once
 */
export async function peerContracts(wire: Connection): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  if (!(wire instanceof RemoteConnection)) throw misuse('services in this process have no HELLO')
  await wire.ready()
  const { peer } = wire
  if (peer) return peer.contracts
  throw new NanowireError('unavailable', 'the connection ended as soon as it was open', { processed: 'no' })
}

/**
 * `ready` of a connection that is for one contract.
 * @throws NanowireError what `ready` throws, and `unimplemented` where the server tells its contracts and lacks this one
 */
export function readyFor(wire: Connection, contract: string): Promise<void> {
  return wire instanceof RemoteConnection ? wire.readyFor(contract) : wire.ready()
}
