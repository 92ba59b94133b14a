/** A call with streams or a priority that has ended leaves nothing: CREDIT for its id is that for an id nobody knows (S11). */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes, requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { failure, feed, request, response, startedAt } from './messages.ts'
import {
  beginAt,
  beginFrom,
  cancel,
  credit,
  data,
  end,
  handledBy,
  Item,
  priority,
  ramp,
  streamRequest,
} from './streams-kit.ts'

const { MORE, ONE_WAY, INPUT, OUTPUT } = flags
const failed = { code: 'Failed', message: 'as told', processed: 'yes' } as const

/** Ends the call 1, whose handler runs. */
function answer(made: Tapped, how: 'end' | 'refuse' | 'respond' = 'end'): void {
  const { session } = made
  const handled = handledBy(made)
  if (how === 'end') session.endStream(handled, undefined)
  else if (how === 'refuse') session.refuse(handled, failed)
  else session.respond(handled, undefined, Uint8Array.of(0xc0))
}

/** Of which the call 1 has more to send than it may. */
function fill(made: Tapped): void {
  made.effects.requests[0]?.call.flow?.outflow?.put(new Item(40_000))
}

const atServer: readonly (readonly [string, (made: Tapped) => void])[] = [
  [
    'an END behind the END of the client',
    (made) => {
      beginAt(made, 1)
      feed(made, end(1))
      answer(made)
    },
  ],
  [
    'an END before the END of the client',
    (made) => {
      beginAt(made, 1)
      answer(made)
      feed(made, data(1, [1]), end(1))
    },
  ],
  [
    'an ERROR within an item of the client',
    (made) => {
      beginAt(made, 1)
      feed(made, data(1, [1], MORE))
      answer(made, 'refuse')
    },
  ],
  [
    'an ERROR behind a CANCEL',
    (made) => {
      beginAt(made, 1)
      fill(made)
      feed(made, cancel(1))
      answer(made, 'refuse')
    },
  ],
  [
    'a CANCEL behind an END that waits',
    (made) => {
      beginAt(made, 1)
      fill(made)
      answer(made)
      feed(made, cancel(1))
    },
  ],
  [
    'an END that waited for credit',
    (made) => {
      beginAt(made, 1)
      fill(made)
      answer(made)
      feed(made, credit(1, 90_000))
    },
  ],
  [
    'a RESPONSE, with a priority',
    (made) => {
      feed(made, request(1), priority(1, 2))
      answer(made, 'respond')
    },
  ],
  [
    'an END, with a priority that came within the request',
    (made) => {
      feed(made, streamRequest(1, OUTPUT | MORE), priority(1, 2), request(1, 0, Uint8Array.of(0xc0)))
      answer(made)
    },
  ],
  [
    'a notify with a priority',
    (made) => {
      feed(made, request(1, ONE_WAY), priority(1, 2))
      answer(made, 'respond')
    },
  ],
  [
    'a CANCEL of a request that is half there, with a priority',
    (made) => feed(made, request(1, MORE), priority(1, 0), cancel(1)),
  ],
  [
    'a request that is too large, with a priority',
    (made) => feed(made, request(1, MORE), priority(1, 0), request(1, 0, ramp(60_000))),
  ],
]

const whileHeld: typeof atServer = [
  ['a CANCEL', (made) => feed(made, priority(1, 2), data(1, [1]), data(1, [1], MORE), cancel(1))],
  [
    'its time',
    (made) => {
      made.clock.advance(200)
      answer(made)
    },
  ],
]

const atClient: readonly (readonly [string, (made: Tapped) => void])[] = [
  [
    'an END',
    (made) => {
      beginFrom(made)
      feed(made, data(1, [1]), end(1))
    },
  ],
  [
    'an ERROR within an item',
    (made) => {
      beginFrom(made)
      feed(made, data(1, [1], MORE), failure(1))
    },
  ],
  [
    'a RESPONSE before the own END',
    (made) => {
      beginFrom(made, { input: true }).flow.outflow?.put(new Item(40_000))
      feed(made, response(1))
    },
  ],
  [
    'an ERROR after its caller went away',
    (made) => {
      made.session.abandon(beginFrom(made))
      feed(made, data(1, [1], MORE), failure(1))
    },
  ],
  [
    'a RESPONSE, with a priority',
    (made) => {
      startedAt(made, { priority: 2 })
      feed(made, response(1))
    },
  ],
  [
    'a RESPONSE that is too large, with a priority',
    (made) => {
      startedAt(made, { priority: 2 })
      feed(made, response(1, 0, ramp(60_000)))
    },
  ],
]

/** CREDIT for the call 1 is counted as that for an unknown id. */
function requireNothing(made: Tapped): void {
  const before = made.session.counters.unknownIds
  feed(made, credit(1, 1))
  expect([made.session.state, made.session.counters.unknownIds - before]).toEqual(['open', 1])
}

describe('S11, F11: nothing is left at a server after', () => {
  it.each(atServer)('%s', (_, act) => {
    const made = opened({ limits: { maxMessageBytes: 50_000, maxReassemblyBytes: 50_000 } })
    act(made)
    requireNothing(made)
  })

  it.each(whileHeld)('%s, for a call that waits for a slot', (_, act) => {
    const made = opened({ limits: { maxCallsInFlight: 1 } })
    beginAt(made, 0xffff_ffff, OUTPUT)
    feed(made, frameBytes(kinds.REQUEST, INPUT, 1, requestBody(7, 100, [])))
    act(made)
    requireNothing(made)
  })
})

describe('S11, F11: nothing is left at a client after', () => {
  it.each(atClient)('%s', (_, act) => {
    const made = opened({ role: 'client', limits: { maxMessageBytes: 50_000 } })
    act(made)
    requireNothing(made)
  })
})

it('S11: a stream that goes on is known', () => {
  const made = opened()
  feed(made, streamRequest(1, OUTPUT), credit(1, 1))
  expect(made.session.counters.unknownIds).toBe(0)
})
