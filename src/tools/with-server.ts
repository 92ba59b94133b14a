/** A connection for as long as a command needs it. */
import { connect } from '../index.ts'
import { defaultLimits } from '../limits.ts'
import type { Connection } from '../rpc/index.ts'
import { type ConnectFlags, connectOptions } from './connect-flags.ts'
import type { Io } from './io.ts'

/** A connection that does not end by itself is not waited for any longer: the process ends, and it with it. */
const CLOSE_MS = 250

export interface ReachFlags extends ConnectFlags {
  readonly timeoutMs?: number | undefined
}

/**
 * Connects, acts, and closes.
 * @throws NanowireError what `act` throws; `invalid_argument` for a bad address or option
 */
export async function withServer<T>(
  address: string,
  flags: ReachFlags,
  io: Io,
  act: (wire: Connection) => Promise<T>,
): Promise<T> {
  const { timeoutMs = defaultLimits.handshakeTimeoutMs } = flags
  const limits = { handshakeTimeoutMs: Math.min(timeoutMs, defaultLimits.handshakeTimeoutMs) }
  const wire = connect(address, { ...connectOptions(flags, io), limits })
  try {
    return await act(wire)
  } finally {
    await closeInTime(wire)
  }
}

export async function closeInTime(wire: Connection): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS)
  })
  await Promise.race([wire.close({ drainMs: 0 }), late])
  clearTimeout(timer)
}
