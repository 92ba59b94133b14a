/** How a turn of the event loop is shared by the connections that have something for it. */
import { perClock } from '../session/index.ts'

/** So many connections may use up `maxTurnFrames` in one turn; more of them share as many frames evenly. */
const WHOLE_TURNS = 4
/** What each has however many are busy: to begin with fewer costs more than they do. */
const LEAST_SHARE = 1 / 16

export class Turns {
  /** Links that have had input in this turn, or have some left over for it. */
  busy = 0

  /** How many frames of this turn a link may have: where many are busy, one among them that is not must not wait for long. */
  shareOf(maxTurnFrames: number): number {
    const { busy } = this
    return busy <= WHOLE_TURNS ? maxTurnFrames : Math.ceil(maxTurnFrames * Math.max(WHOLE_TURNS / busy, LEAST_SHARE))
  }
}

export const turnsOf = perClock(() => new Turns())
