/**
 * Bugs that are planted in the library for a test, one at a time, by replacing a method of a class: what the simulator must
 * see. Each happens now and then only, as bugs do.
 */
import { CallCounters } from '../../src/rpc/counters.ts'
import type { Service } from '../../src/rpc/index.ts'
import { RemoteCall } from '../../src/rpc/remote.ts'
import { Serving } from '../../src/rpc/serving.ts'
import { Answers } from '../../src/session/answers.ts'
import { Callee } from '../../src/session/callee.ts'
import { Caller } from '../../src/session/caller.ts'
import { Keepalive } from '../../src/session/keepalive.ts'
import { FrameSender } from '../../src/session/sender.ts'
import { DeadlineWheel } from '../../src/session/wheel.ts'
import { MemoryLink } from '../../src/transport/memory.ts'
import { SlabWriter } from '../../src/transport/slab.ts'
import { joinBody, kinds, Reassembler } from '../../src/wire/index.ts'

export interface Bug {
  readonly name: string
  /** What the simulator says of it. */
  readonly seenAs: RegExp
  /** It is looked for where servers call each other. */
  readonly isRelayed?: boolean | undefined
  /** Plants it; what it returns takes it out again. */
  plant(services: readonly Service[]): () => void
}

// biome-ignore lint/suspicious/noExplicitAny: methods of any class, with whatever they take
export type AnyFunction = (this: any, ...args: any[]) => any

export function replace(owner: object, name: string, make: (original: AnyFunction) => AnyFunction): () => void {
  const original = Reflect.get(owner, name) as AnyFunction // each of the names below is a method
  Reflect.defineProperty(owner, name, { value: make(original), configurable: true, writable: true })
  return () => void Reflect.defineProperty(owner, name, { value: original, configurable: true, writable: true })
}

/** `true` at every so-manieth time. */
export function every(count: number): () => boolean {
  let times = 0
  return () => ++times % count === 0
}

export const NOTHING = () => undefined

/** A bug that replaces a method by another at every so-manieth call. */
export function sometimes(
  name: string,
  seenAs: RegExp,
  owner: object,
  method: string,
  often: number,
  wrong: (original: AnyFunction) => AnyFunction,
): Bug {
  return {
    name,
    seenAs,
    plant() {
      const isNow = every(often)
      return replace(owner, method, (original) => {
        const other = wrong(original)
        return function (...args) {
          return (isNow() ? other : original).apply(this, args)
        }
      })
    },
  }
}

/** What the reference path has not: bodies that are written where they leave. */
function inPlace(): readonly Bug[] {
  return [
    sometimes(
      'a reply that is written in place is dropped',
      /reply was lost|never ended/,
      FrameSender.prototype,
      'responseInPlace',
      20,
      () => () => true,
    ),
    sometimes(
      'a request that is written in place is dropped',
      /lost|never ended|in flight/,
      FrameSender.prototype,
      'requestInPlace',
      20,
      () => () => true,
    ),
    sometimes(
      'a request is encoded with another value',
      /its request|does not fit|told an end/,
      RemoteCall.prototype,
      'encodeInto',
      20,
      (encode) =>
        function (buffer: Uint8Array, at: number) {
          const end: number = encode.call(this, buffer, at)
          if (end > at + 1) buffer[end - 1] = (buffer[end - 1] ?? 0) ^ 1
          return end
        },
    ),
  ]
}

export const bugs: readonly Bug[] = [
  sometimes('a reply is dropped', /reply was lost|never ended/, FrameSender.prototype, 'response', 20, () => NOTHING),
  sometimes(
    'an error is dropped',
    /never ended|in flight that have ended|lost/,
    FrameSender.prototype,
    'error',
    10,
    () => NOTHING,
  ),
  ...(process.env['NANOWIRE_CODEC'] === 'reference' ? [] : inPlace()),
  sometimes('a request is dropped', /lost|never ended|in flight/, FrameSender.prototype, 'request', 20, () => NOTHING),
  sometimes(
    'a reply is sent twice',
    /had heard of already|broke the rule|bytes of bulk under way/, // of a long one twice its first frame is more than may leave
    FrameSender.prototype,
    'response',
    20,
    (send) =>
      function (...args) {
        send.apply(this, args)
        return send.apply(this, args)
      },
  ),
  {
    name: 'two replies change places',
    seenAs:
      /got the reply of call|not what its handler returned|does not fit|told an end|had not made|reply was lost|never ended/,
    plant() {
      let kept: unknown[] | undefined
      const isNow = every(15)
      return replace(
        FrameSender.prototype,
        'response',
        (send) =>
          function (id: number, ...rest) {
            if (kept) {
              const [first, ...others] = kept
              kept = undefined
              send.call(this, first, ...rest)
              return send.call(this, id, ...others)
            }
            if (!isNow()) return send.call(this, id, ...rest)
            kept = [id, ...rest]
            return undefined
          },
      )
    },
  },
  sometimes(
    'a reply is torn',
    /not what its handler returned|does not fit|told an end/,
    FrameSender.prototype,
    'response',
    20,
    (send) =>
      function (id, metadata, body, ...rest) {
        const torn = joinBody(body).slice()
        torn[torn.length - 1] = (torn[torn.length - 1] ?? 0) ^ 1
        return send.call(this, id, metadata, torn, ...rest)
      },
  ),
  sometimes(
    'a call settles twice',
    /told twice|counted/,
    RemoteCall.prototype,
    'replied',
    20,
    (replied) =>
      function (...args) {
        replied.apply(this, args)
        this.isSettled = false
        replied.apply(this, args)
      },
  ),
  sometimes(
    'a handler runs twice',
    /ran twice/,
    Serving.prototype,
    'requestReceived',
    20,
    (received) =>
      function (...args) {
        received.apply(this, args)
        received.apply(this, args)
      },
  ),
  {
    name: 'who gives up is told that its handler did not run',
    seenAs: /did not run, and it did|was told that it did not/,
    plant: () =>
      replace(
        RemoteCall.prototype,
        'abandoned',
        (abandoned) =>
          function (reason) {
            abandoned.call(this, reason)
            return 'no'
          },
      ),
  },
  {
    name: 'a lost connection says that nothing ran',
    seenAs: /did not run, and it did|was told that it did not/,
    plant: () =>
      replace(
        Caller.prototype,
        'loseAll',
        (loseAll) =>
          function (cause) {
            loseAll.call(this, Object.assign(Object.create(cause), { processed: 'no' }))
          },
      ),
  },
  sometimes(
    'a deadline is forgotten',
    /after its deadline|never ended|not told/,
    DeadlineWheel.prototype,
    'addAfter',
    20,
    () => NOTHING,
  ),
  sometimes(
    'a deadline stays when its call has ended',
    /timers are left|not told/,
    DeadlineWheel.prototype,
    'remove',
    40,
    () => NOTHING,
  ),
  sometimes(
    'the timer for silence is left behind',
    /timers are left|no step ended from closed/,
    Keepalive.prototype,
    'stop',
    1,
    () => NOTHING,
  ),
  sometimes(
    'no CANCEL is sent',
    /handler was not told|in flight/,
    FrameSender.prototype,
    'frame',
    1,
    (send) =>
      function (kind, ...rest) {
        if (kind !== kinds.CANCEL) send.call(this, kind, ...rest)
      },
  ),
  sometimes(
    'a slot is not freed when nobody is there to answer',
    /in flight|never ended|lost|was not told/,
    Answers.prototype,
    'forget',
    1,
    (forget) =>
      function (call: { readonly oneWay: boolean }) {
        if (!call.oneWay) forget.call(this, call)
      },
  ),
  sometimes(
    'handlers are not told of a lost connection',
    /handler was not told|in flight/,
    Callee.prototype,
    'cancelAll',
    1,
    () => NOTHING,
  ),
  {
    name: 'nothing is checked at either end',
    seenAs: /cannot travel|no handler said so|is no NanowireError|does not fit|handler ended with misfit/,
    plant(services) {
      const gates = services.flatMap(({ contract }) =>
        Object.values<{ request: object; reply: object }>(contract.methods).flatMap(({ request, reply }) => [
          request,
          reply,
        ]),
      )
      const unchecked =
        (pass: AnyFunction): AnyFunction =>
        (value, ...rest) => {
          try {
            return pass.call(undefined, value, ...rest)
          } catch {
            return typeof value === 'function' ? {} : value
          }
        }
      const undo = gates.flatMap((gate) =>
        ['toWire', 'fromWire'].map((way) => replace(gate, way, (pass) => unchecked(pass.bind(gate)))),
      )
      return () => {
        for (const take of undo.toReversed()) take() // methods share gates
      }
    },
  },
  sometimes(
    'a slab is kept',
    /holds a buffer/,
    MemoryLink.prototype,
    'closed',
    3,
    (closed) =>
      function (error) {
        this.writer.ensure(9)
        this.writer.position += 9
        const { take } = SlabWriter.prototype
        SlabWriter.prototype.take = () => []
        closed.call(this, error)
        SlabWriter.prototype.take = take
      },
  ),
  sometimes(
    'a call is counted twice',
    /counted/,
    CallCounters.prototype,
    'callEnded',
    30,
    (ended) =>
      function (...args) {
        ended.apply(this, args)
        ended.apply(this, args)
      },
  ),
  sometimes(
    'a fragment is lost',
    /ended with invalid_argument|ended with internal, and no handler said so|its request fits, and was refused/,
    Reassembler.prototype,
    'add',
    9,
    (add) =>
      function (id, flags, buffer, start, end, more) {
        return add.call(this, id, flags, buffer, more ? end : start, end, more)
      },
  ),
]
