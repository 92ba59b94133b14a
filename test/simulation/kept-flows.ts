/** Whether a connection keeps anything of streams whose calls have ended, which nothing that a user can see would tell. */
import type { Flow } from '../../src/session/flow.ts'
import { Flows } from '../../src/session/flows.ts'
import { Lane } from '../../src/testing/simulate/lane.ts'
import { ProcessClock } from '../../src/testing/simulate/process-clock.ts'

const opened: { readonly flows: Flows; readonly id: number }[] = []

const { open } = Flows.prototype
Flows.prototype.open = function (id, ...rest) {
  opened.push({ flows: this, id })
  return open.call(this, id, ...rest)
}

/** A process that has died forgets nothing, and which streams were its own nobody can tell. */
const { stop } = ProcessClock.prototype
ProcessClock.prototype.stop = function () {
  forgetStreams()
  stop.call(this)
}

/** Likewise of an end that is not told that its connection is over, and waits for the last word of streams that it has left. */
const { sever } = Lane.prototype
Lane.prototype.sever = function () {
  forgetStreams()
  sever.call(this)
}

/** At the begin of a run: one that has failed may have left some. */
export function forgetStreams(): void {
  opened.length = 0
}

/** For `invariants`: all calls have ended, and their connections may be open still. */
export function noStreamIsKept(): void {
  const kept = opened.splice(0).filter(({ flows, id }) => isKept(flows.get(id)))
  if (kept.length > 0) throw new Error(`the streams of a call are left: ${kept.map(({ id }) => id).join(', ')}`)
}

/** A large notify has ended for its caller before all of it has left. */
function isKept(flow: Flow | undefined): boolean {
  return flow !== undefined && flow.rest === undefined
}
