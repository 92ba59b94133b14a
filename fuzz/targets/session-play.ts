/**
 * What both of the session's targets do: steps that the input chooses, those of the peer among them, and the end, behind which nothing is
 * left. Invariant: a number of the input means the same step in all inputs that are kept (corpus/).
 */
import { Session } from '../../src/session/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { frame, helloBody, limits, nextFrame } from '../peer.ts'
import { type JudgedEffects, judgeSent, type Stage } from '../stage.ts'
import { type Choices, require } from '../target.ts'

type Options = ConstructorParameters<typeof Session>[0]

const STEPS = 11
const MOST_STEPS = 300
/** The step of raw bytes, of which an input's length follows. */
export const RAW = 1
export const PASS = 3

/** A session whose link and clock are the stage's. */
export function sessionOn(
  { clock, link }: Stage,
  effects: JudgedEffects,
  own: Pick<Options, 'role' | 'contracts' | 'admit' | 'credentials' | 'firstId'>,
): Session {
  const session = new Session({ link, clock, limits, effects, incarnation: new Uint8Array(16), ...own })
  link.attach(session)
  return session
}

const anyKind = Object.values(kinds) as [number, ...number[]] // there are thirteen

/** Steps as the input chooses them; those that are not the peer's are done by `own`. */
export function playSteps(choices: Choices, stage: Stage, own: (step: number) => void): void {
  for (let steps = 0; steps < MOST_STEPS && !choices.isOver; steps++) {
    const step = choices.byte() % STEPS
    if (!peerSteps(step, choices, stage)) own(step)
  }
}

/** What a peer of either role does; whether the step is one of these. */
function peerSteps(step: number, choices: Choices, stage: Stage): boolean {
  switch (step) {
    case 0:
      stage.send(frame(kinds.HELLO, helloBody), choices.byte())
      return true
    case RAW: {
      const how = choices.byte()
      stage.send(choices.bytes(choices.below(65_536)), how)
      return true
    }
    case 2:
      stage.send(nextFrame(choices, anyKind), choices.byte())
      return true
    case PASS:
      stage.clock.advance(choices.byte() * 256)
      return true
    default:
      return false
  }
}

/** The session's own end, or its connection's. */
export function leave(how: number, session: Session, stage: Stage): void {
  if (how < 60) session.drain(5_000, 'the input says so')
  else if (how < 90) session.end()
  else if (how < 120) stage.endInput()
  else if (how < 150) stage.cut()
}

/** The connection is cut, if it is still there. */
export function cutOff(stage: Stage, effects: JudgedEffects): void {
  stage.takes(true)
  if (effects.violations > 0) {
    stage.clock.advance(limits.lingerMs + 1)
    require(effects.isClosed, 'a breach that does not end the connection')
  }
  stage.cut()
  require(effects.isClosed, 'a cut that does not end the session')
}

/** When all that can end has ended. */
export function judgeEnd(session: Session, stage: Stage, role: 'client' | 'server'): void {
  require(session.inFlight === 0, () => `${session.inFlight} calls are left`)
  require(session.waiting === 0, () => `${session.waiting} calls wait`)
  require(stage.clock.timers === 0, () => `${stage.clock.timers} timers are left`)
  judgeSent(stage, role)
}
