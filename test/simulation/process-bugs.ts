/** Bugs that show where processes die, connections are half open, or servers call each other, planted as those of bugs.ts. */
import { CallContext } from '../../src/rpc/context.ts'
import { RemoteCall } from '../../src/rpc/remote.ts'
import { Keepalive } from '../../src/session/keepalive.ts'
import { FrameSender } from '../../src/session/sender.ts'
import { type Bug, NOTHING, replace, sometimes } from './bugs.ts'

export const processBugs: readonly Bug[] = [
  {
    name: 'a peer that is silent for ever is waited for',
    seenAs: /never ended|in flight/,
    plant: () => replace(Keepalive.prototype, 'ring', () => NOTHING),
  },
  sometimes(
    'a call is forgotten when its connection is lost',
    /never ended/,
    RemoteCall.prototype,
    'lost',
    5,
    () => NOTHING,
  ),
  sometimes(
    'an id is used again',
    /broke the rule|ran twice|got the reply of call|had not made|not the one that was sent/,
    FrameSender.prototype,
    'request',
    10,
    (send) =>
      function (id: number, ...rest) {
        return send.call(this, Math.max(1, id - 1), ...rest)
      },
  ),
  {
    name: 'what a call has opened elsewhere goes on when the call has ended',
    seenAs: /never ended|in flight|was not told/,
    isRelayed: true,
    plant: () => replace(CallContext.prototype, 'onEnd', () => NOTHING),
  },
]
