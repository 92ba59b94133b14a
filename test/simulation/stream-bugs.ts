/** Bugs of streams and events that are planted in the library for a test, as those of bugs.ts. */
import { EventHub } from '../../src/rpc/events.ts'
import { ReceivedItems } from '../../src/rpc/received-items.ts'
import { RemoteStream } from '../../src/rpc/remote-stream.ts'
import { RunOutput } from '../../src/rpc/run-output.ts'
import { Flows } from '../../src/session/flows.ts'
import { Inflow } from '../../src/session/inflow.ts'
import { Outflow } from '../../src/session/outflow.ts'
import { FrameSender } from '../../src/session/sender.ts'
import { Reassembler } from '../../src/wire/index.ts'
import { type AnyFunction, type Bug, every, NOTHING, replace, sometimes } from './bugs.ts'

/** A CREDIT that is of one stream, or of the whole connection, and wrong at every so-manieth time. */
function wrongCredit(
  name: string,
  seenAs: RegExp,
  ofStream: boolean,
  often: number,
  wrong: (send: AnyFunction) => AnyFunction,
): Bug {
  return {
    name,
    seenAs,
    plant() {
      const isNow = every(often)
      return replace(FrameSender.prototype, 'credit', (send) => {
        const other = wrong(send)
        return function (id: number, increment: number) {
          const isMeant = ofStream === id > 0 && isNow()
          ;(isMeant ? other : send).call(this, id, increment)
        }
      })
    },
  }
}

const twice = (send: AnyFunction): AnyFunction =>
  function (...args) {
    send.apply(this, args)
    return send.apply(this, args)
  }

/** Items that came in the wrong place: one of them waits for the next. */
const swapped: Bug = {
  name: 'two items change places',
  seenAs: /is not the one that was given, but number/,
  plant() {
    const isNow = every(20)
    const kept = new WeakMap<object, unknown>()
    return replace(
      ReceivedItems.prototype,
      'take',
      (take) =>
        function () {
          if (kept.has(this)) {
            const item = kept.get(this)
            kept.delete(this)
            return item
          }
          const first: unknown = take.call(this)
          if (typeof first !== 'object' || !isNow()) return first
          const second: unknown = take.call(this)
          if (typeof second !== 'object') return first // the end, or nothing yet
          kept.set(this, first)
          return second
        },
    )
  },
}

/** The end of a stream, or an error, does not wait for the items before it. */
const overtaking: Bug = {
  name: 'the end overtakes items that wait',
  seenAs:
    /of (its items|the items of its caller) were lost|the items of its caller came|the end of|broke the rule stream/,
  plant: () =>
    replace(
      Outflow.prototype,
      'finish',
      (finish) =>
        function (write: () => void) {
          if (!this.isUnsent) return finish.call(this, write)
          this.stop()
          write()
        },
    ),
}

const forgetful: Bug = {
  name: 'a producer is not told to return',
  seenAs: /never told to return|in flight that have ended|handler that has ended|did not end|handler still runs/,
  plant: () =>
    replace(
      RunOutput.prototype,
      'stop',
      () =>
        function (this: object, done: (error: unknown) => void) {
          Object.assign(this, { put: () => true, end: NOTHING, fail: NOTHING }) // what still comes reaches nobody
          done(undefined)
        },
    ),
}

export const streamBugs: readonly Bug[] = [
  sometimes('an item is dropped', /lost|is not the one|the end of/, Outflow.prototype, 'put', 20, () => () => true),
  sometimes('an item is sent twice', /is not the one|came, and/, Outflow.prototype, 'put', 20, twice),
  swapped,
  overtaking,
  forgetful,
  sometimes(
    'the end of a stream is not told',
    /never ended|lost|in flight/,
    FrameSender.prototype,
    'end',
    10,
    () => NOTHING,
  ),
  sometimes('the end of a stream is told twice', /already|broke the rule/, FrameSender.prototype, 'end', 10, twice),
  sometimes(
    'the metadata behind the items are lost',
    /was told of undefined/,
    FrameSender.prototype,
    'end',
    10,
    (end) =>
      function (id) {
        end.call(this, id, undefined)
      },
  ),
  wrongCredit('credit is lost', /never ended|lost|ended with deadline_exceeded/, true, 15, () => NOTHING),
  wrongCredit('credit is given twice', /broke the rule credit|ahead of who takes them/, true, 3, twice),
  wrongCredit(
    'credit is given of nothing',
    /broke the rule credit/,
    true,
    15,
    (send) =>
      function (id) {
        send.call(this, id, 0)
      },
  ),
  wrongCredit('an acknowledgement is lost', /never ended|lost|ended with deadline_exceeded/, false, 2, () => NOTHING),
  wrongCredit('an acknowledgement is sent twice', /broke the rule credit/, false, 3, twice),
  sometimes(
    'a sender does not wait for credit',
    /broke the rule credit|bytes of items for the id \d+, and has credit for/,
    Outflow.prototype,
    'creditReceived',
    5,
    (received) =>
      function (increment) {
        received.call(this, increment * 4)
      },
  ),
  sometimes(
    'a producer that should wait goes on',
    /ahead of who takes them/,
    Outflow.prototype,
    'put',
    1,
    (put) =>
      function (...args) {
        put.apply(this, args)
        return true
      },
  ),
  sometimes(
    'a fragment of an item is torn',
    /is not the one|does not fit|internal|was refused|ended with Nanowire/,
    Reassembler.prototype,
    'add',
    9,
    (add) =>
      function (id, flags, buffer, start, end, more) {
        const torn = buffer.slice(start, end)
        if (torn.length > 0) torn[torn.length - 1] ^= 1
        return add.call(this, id, flags, torn, 0, torn.length, more)
      },
  ),
  sometimes('a gap is not told', /is not the one|lost/, Inflow.prototype, 'takeGap', 1, () => () => 0),
  sometimes(
    'a gap is told as twice as long',
    /is not the one|came, and|lost/,
    Inflow.prototype,
    'takeGap',
    1,
    (take) =>
      function () {
        return 2 * take.call(this)
      },
  ),
  sometimes(
    'who leaves a stream is not believed',
    /handler was not told|in flight|after its cancellation/,
    RemoteStream.prototype,
    'cancel',
    1,
    () => NOTHING,
  ),
  sometimes(
    'a stream is kept when its call has ended',
    /the streams of a call are left/,
    Flows.prototype,
    'close',
    30,
    () => NOTHING,
  ),
  sometimes(
    'a subscriber by key is not told',
    /was not given it/,
    EventHub.prototype,
    'add',
    4,
    (add) =>
      function (one, key) {
        add.call(this, one, key === undefined ? key : 'another key')
      },
  ),
  sometimes(
    'a subscriber by key is told everything',
    /another key than it chose/,
    EventHub.prototype,
    'add',
    4,
    (add) =>
      function (one) {
        add.call(this, one, undefined)
      },
  ),
  {
    name: 'a subscription is told too early',
    seenAs: /was told that it stands|was not given it/,
    plant() {
      let before = (): void => {}
      return replace(
        EventHub.prototype,
        'feed',
        (feed) =>
          function (...args) {
            before() // each stands when somebody else subscribes
            const made = feed.apply(this, args)
            const pumpInto = made.pumpInto.bind(made)
            made.pumpInto = (sink: unknown) => {
              const pump = pumpInto(sink)
              const start = pump.start.bind(pump)
              pump.start = () => {
                before = start
              }
              return pump
            }
            return made
          },
      )
    },
  },
]
