/** Whether a connection keeps anything of streams whose calls have ended, which nothing that a user can see would tell. */

import type { Flow } from '../../src/session/flow.ts'
import { Flows } from '../../src/session/flows.ts'
import type { Link } from '../../src/session/link.ts'
import { FrameSender } from '../../src/session/sender.ts'
import type { Simulation } from '../../src/testing/index.ts'
import { MemoryLink } from '../../src/transport/memory.ts'

const opened: { readonly flows: Flows; readonly id: number }[] = []

const { open } = Flows.prototype
Flows.prototype.open = function (id, ...rest) {
  opened.push({ flows: this, id })
  return open.call(this, id, ...rest)
}

/** Links that have nobody at the other end, of which they need not know: those of a process that has died, and half-open ones. */
const severed = new WeakSet<MemoryLink>()
const joined = new WeakSet<MemoryLink>()

const { join } = MemoryLink.prototype
MemoryLink.prototype.join = function (peer) {
  if (joined.has(this)) severed.add(this)
  joined.add(this)
  join.call(this, peer)
}

/** No call has it. */
const PROBE = 0

/** Asked by a stream that is opened for it, and writes what is not sent: nothing else tells whose they are. */
function linkOf(flows: Flows): Link | undefined {
  let link: Link | undefined
  const { emptyData } = FrameSender.prototype
  FrameSender.prototype.emptyData = function () {
    link = this.link
  }
  open.call(flows, PROBE, false, true).outflow?.putNone()
  FrameSender.prototype.emptyData = emptyData
  flows.close(PROBE)
  return link
}

/** Where services are made. At the begin of a run: one that has failed may have left some. */
export function forgetStreams({ index, restarts }: Simulation): void {
  if (index === 0 && restarts === 0) opened.length = 0
}

/** All calls have ended, and their connections may be open still. */
function noStreamIsKept(): void {
  const kept = opened.splice(0).filter(({ flows, id }) => isKept(flows.get(id)) && !isUntold(flows))
  if (kept.length > 0) throw new Error(`the streams of a call are left: ${kept.map(({ id }) => id).join(', ')}`)
}

/** For `invariants` of whatever is run by the thousand. */
export const forgotten = { 'what has ended is forgotten': noStreamIsKept }

/** A large notify has ended for its caller before all of it has left. */
function isKept(flow: Flow | undefined): boolean {
  return flow !== undefined && flow.rest === undefined
}

/** Who is not told waits for the last word of streams that it has left, and a process that has died forgets nothing. */
function isUntold(flows: Flows): boolean {
  const link = linkOf(flows)
  return link instanceof MemoryLink && severed.has(link) && !link.isGone
}
