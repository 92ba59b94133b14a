/** Whether a server reads: not while its replies back up, nor while notifies leave it nothing to hear (spec/session.md, S9 and S17). */
import type { Keepalive } from './keepalive.ts'
import type { Link } from './link.ts'

/** Reads or stops, as the link and `hasRoom` say now. */
export function updateReading(link: Link, keepalive: Keepalive, hasRoom: boolean): void {
  const reason = link.isCongested ? 'congested' : hasRoom ? undefined : 'busy'
  const before = keepalive.paused
  if (reason === before) return
  if (reason) {
    keepalive.pause(reason)
    if (before === undefined) link.pauseReading()
  } else {
    keepalive.resume()
    link.resumeReading()
  }
}
