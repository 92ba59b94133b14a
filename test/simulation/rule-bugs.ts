/** Bugs that both ends agree on, or that only a bystander sees, planted as those of bugs.ts. */
import { CallContext } from '../../src/rpc/context.ts'
import { RemoteCall } from '../../src/rpc/remote.ts'
import { Serving } from '../../src/rpc/serving.ts'
import { Outflow } from '../../src/session/outflow.ts'
import { Places } from '../../src/session/places.ts'
import { SendWindow } from '../../src/session/send-window.ts'
import { FrameSender } from '../../src/session/sender.ts'
import { Session } from '../../src/session/session.ts'
import { DeadlineWheel } from '../../src/session/wheel.ts'
import { type Bug, every, NOTHING, replace, sometimes } from './bugs.ts'

/** Of credit so large its receiver says less, and its sender takes it for more again: neither of them complains. */
const LARGE_BYTES = 1_000
const UNSAID_BYTES = 64

const agreed: Bug = {
  name: 'both ends take credit for more than it says',
  seenAs: /bytes of items for the id \d+, and has credit for/,
  plant() {
    const tellLess = replace(
      FrameSender.prototype,
      'credit',
      (send) =>
        function (id: number, increment: number) {
          const said =
            increment > LARGE_BYTES ? increment - UNSAID_BYTES : Math.min(increment, LARGE_BYTES - UNSAID_BYTES)
          send.call(this, id, id > 0 ? said : increment)
        },
    )
    const takeMore = replace(
      Outflow.prototype,
      'creditReceived',
      (received) =>
        function (increment: number) {
          received.call(this, increment > LARGE_BYTES - UNSAID_BYTES ? increment + UNSAID_BYTES : increment)
        },
    )
    return () => {
      takeMore()
      tellLess()
    }
  },
}

/** Of a sender that does not wait for acknowledgements: at all, or once there was one. */
function unbounded(name: string, isFree: (window: SendWindow) => boolean): Bug {
  return {
    name,
    seenAs: /bytes of bulk under way, and may have \d+ by what was acknowledged/,
    plant() {
      const own = Object.getOwnPropertyDescriptor(SendWindow.prototype, 'free') ?? {}
      const free = own.get ?? NOTHING
      Object.defineProperty(SendWindow.prototype, 'free', {
        ...own,
        get(this: SendWindow) {
          return isFree(this) ? Number.POSITIVE_INFINITY : free.call(this)
        },
      })
      return () => void Object.defineProperty(SendWindow.prototype, 'free', own)
    },
  }
}

/** A server that starts whatever comes. */
const crowded: Bug = {
  name: 'a handler begins although no slot is free',
  seenAs: /it is one of \d+ that run of/,
  plant() {
    const own = Object.getOwnPropertyDescriptor(Places.prototype, 'isFull') ?? {}
    Object.defineProperty(Places.prototype, 'isFull', { ...own, get: () => false })
    return () => void Object.defineProperty(Places.prototype, 'isFull', own)
  },
}

/** Of a deadline that a server counts. */
const hasty: Bug = {
  name: 'a handler is told of its deadline too early',
  seenAs: /was told to stop, and its caller waits/,
  plant() {
    const isNow = every(20)
    return replace(
      DeadlineWheel.prototype,
      'addAfter',
      (add) =>
        function (deadline: object, delayMs: number) {
          add.call(this, deadline, deadline instanceof CallContext && isNow() ? 1 : delayMs)
        },
    )
  },
}

export const ruleBugs: readonly Bug[] = [
  agreed,
  unbounded('bulk leaves whether it is acknowledged or not', () => true),
  unbounded('one acknowledgement is taken for all', ({ acknowledgedBytes }) => acknowledgedBytes > 0),
  crowded,
  hasty,
  sometimes(
    'a handler is told that its caller has gone away, and it has not',
    /was told to stop, and its caller waits/,
    Serving.prototype,
    'requestReceived',
    20,
    (received) =>
      function (call, ...rest) {
        received.call(this, call, ...rest)
        call.runner?.callerGone()
      },
  ),
  sometimes(
    'who closes waits for no call',
    /was lost while it drained, and there was time left/,
    Session.prototype,
    'drain',
    1,
    (drain) =>
      function (_, ...rest) {
        drain.call(this, 0, ...rest)
      },
  ),
  sometimes(
    'what a caller says of its call is lost',
    /its metadata "trace" did not reach its handler/,
    Serving.prototype,
    'requestReceived',
    20,
    (received) =>
      function (call, request, ...rest) {
        const { trace: _, ...metadata } = request.metadata
        received.call(this, call, Object.assign(request, { metadata }), ...rest)
      },
  ),
  sometimes(
    'the metadata of a reply are lost',
    /the metadata of its reply were lost/,
    RemoteCall.prototype,
    'replied',
    20,
    (replied) =>
      function (_, ...rest) {
        return replied.call(this, {}, ...rest)
      },
  ),
]
