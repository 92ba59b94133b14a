/** What a peer may not do with streams (spec/streams.md): each breach ends its connection by one ERROR that names the rule. */
import { describe, expect, it } from 'vitest'
import type { Role } from '../../src/session/index.ts'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes, headedBytes, requestBody } from '../support/slow-frames.ts'
import { errorIn, opened, type Tapped } from '../support/tapped.ts'
import { feed, request, response, startedAt } from './messages.ts'
import { beginAt, beginFrom, cancel, credit, data, end, priority, ramp, streamRequest } from './streams-kit.ts'

const { MORE, GAP, WAIT, METADATA, INPUT, OUTPUT, ONE_WAY } = flags
const IN = 1
const OUT = 2
const BOTH = 3
const UNARY = 4
const METADATA_OF_NONE = [0, 1, 0x80]

type Breach = readonly [what: string, frames: readonly Uint8Array[], rule: string, message: RegExp]

/** To a server with four calls in flight: 1 has INPUT, 2 OUTPUT, 3 both, 4 neither. */
const atServer: readonly Breach[] = [
  ['F1: INPUT beside ONE_WAY', [frameBytes(kinds.REQUEST, INPUT | ONE_WAY, 9, requestBody(7))], 'frame_flags', /0x24/],
  [
    'F1: OUTPUT beside ONE_WAY',
    [frameBytes(kinds.REQUEST, OUTPUT | ONE_WAY, 9, requestBody(7))],
    'frame_flags',
    /0x44/,
  ],
  ['F1: INPUT beside MORE', [frameBytes(kinds.REQUEST, INPUT | MORE, 9, requestBody(7, 0, []))], 'frame_flags', /0x21/],
  ['F1: INPUT and a body', [frameBytes(kinds.REQUEST, INPUT, 9, requestBody(7))], 'body', /INPUT and a body/],
  ['F2: DATA for a call without input', [data(UNARY, [1])], 'stream', /the call 4 does not have/],
  ['F2: DATA for a call that has output alone', [data(OUT, [1])], 'stream', /the call 2 does not have/],
  ['F2: an END for a call without input', [end(UNARY)], 'stream', /the call 4 does not have/],
  ['F2: DATA for a request that is half there', [request(9, MORE), data(9, [1])], 'stream', /the call 9 does not/],
  ['F2: DATA after the END', [end(IN), data(IN, [1])], 'stream', /items for 1 after its end/],
  ['F2: DATA after the CANCEL', [cancel(IN), data(IN, [1])], 'stream', /items for 1 after its end/],
  ['F2: a second END', [end(BOTH), end(BOTH)], 'stream', /a second end of 3/],
  ['F3: a further fragment with GAP', [data(IN, [1], MORE), data(IN, [1], GAP)], 'fragment', /of 1 with flags 0x2/],
  ['F3: an END within an item', [data(IN, [1], MORE), end(IN)], 'fragment', /the end of 1 within an item/],
  ['F4: an END of a client with metadata', [end(IN, METADATA, METADATA_OF_NONE)], 'body', /END with a body/],
  ['F4: an END of a client with a body', [end(IN, 0, [0xc0])], 'body', /END with a body/],
  ['P5: an END with MORE', [end(IN, MORE)], 'frame_flags', /an? END with flags 0x1/],
  ['F17: a PRIORITY of 3', [priority(OUT, 3)], 'body', /PRIORITY of 3/],
  ['P4: a PRIORITY of two bytes', [headedBytes(2, kinds.PRIORITY, 0, OUT)], 'frame_size', /a PRIORITY of 2 bytes/],
  ['F11: CREDIT for a stream that the client sends', [credit(IN, 1)], 'stream', /1, which sends no items/],
  ['F11: CREDIT for a call without streams', [credit(UNARY, 1)], 'stream', /the call 4 does not have/],
]

/** To a client with four such calls in flight. */
const atClient: readonly Breach[] = [
  ['F2: a RESPONSE to a call with output', [response(OUT)], 'stream', /2, which is answered by a stream/],
  ['F2: a RESPONSE that begins, to a call with output', [response(BOTH, MORE)], 'stream', /3, which is answered by/],
  ['F2: an END for a call without output', [end(UNARY)], 'stream', /the call 4 does not have/],
  ['F2: an END for a call that has input alone', [end(IN)], 'stream', /the call 1 does not have/],
  ['F2: DATA for a call that has input alone', [data(IN, [1])], 'stream', /the call 1 does not have/],
  ['F3: an END within an item', [data(OUT, [1], MORE), end(OUT)], 'fragment', /the end of 2 within an item/],
  ['F4: an END with more than metadata', [end(OUT, METADATA, [...METADATA_OF_NONE, 0xc0])], 'body', /an END with/],
  ['F4: an END with a body', [end(OUT, 0, [0xc0])], 'body', /an END with/],
  ['F4, P19: an END with half of its metadata', [end(OUT, METADATA, [0, 9, 0x80])], 'body', /metadata longer/],
  ['F11: CREDIT for a stream that the server sends', [credit(OUT, 1)], 'stream', /2, which sends no items/],
]

/** To either, for the stream that it receives (`in`), the one that it sends (`out`), or both. */
const atBoth = (received: number, sent: number): readonly Breach[] => [
  ['F3, F20: a GAP of three bytes', [data(received, [0, 0, 1], GAP)], 'body', /left out|GAP/],
  [
    'F3: a further fragment with flags',
    [data(received, [1], MORE | GAP), data(received, [1], GAP | MORE)],
    'fragment',
    /0x3/,
  ],
  ['F10: more than the first credit', [data(received, ramp(16_385))], 'credit', /16385 bytes .* credit for 16384/],
  ['F10: more than the first credit, piece by piece', pieces(received, 17, 1_000), 'credit', /1000 bytes .* for 384/],
  [
    'F10: a fragment beyond the credit',
    [data(received, ramp(8_000), MORE), data(received, ramp(8_385))],
    'credit',
    /for 8384/,
  ],
  ['F11: a CREDIT of nothing for a stream', [credit(sent, 0)], 'credit', /no bytes|of 0 bytes/],
  ['F11: a CREDIT of nothing for the connection', [credit(0, 0)], 'credit', /no bytes|of 0 bytes/],
  ['F11: an acknowledgement of what was not sent', [credit(0, 1)], 'credit', /1 bytes acknowledged, and 0 were/],
  ['F11: credit above 2^31 - 1', [credit(sent, 2 ** 31 - 16_384)], 'credit', /credit of 2147483648 bytes/],
  ['F15: 1,025 DATA without an item', Array(1_025).fill(data(received)), 'limit', /more than 1024 DATA/],
  ['F15: 1,025 DATA that only wait', Array(1_025).fill(data(received, [], WAIT)), 'limit', /more than 1024 DATA/],
  ['F15: an item in 1,026 fragments', Array(1_026).fill(data(received, [1], MORE)), 'fragment', /1026 fragments of/],
]

function pieces(id: number, count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, () => data(id, ramp(bytes)))
}

/** A session whose peer has four calls with it; nobody takes items. */
function begin(role: Role): Tapped {
  const made = opened({ role })
  if (role === 'server') {
    beginAt(made, IN, INPUT)
    beginAt(made, OUT, OUTPUT)
    beginAt(made, BOTH, INPUT | OUTPUT)
    feed(made, request(UNARY))
  } else {
    beginFrom(made, { input: true })
    beginFrom(made, { output: true })
    beginFrom(made, { input: true, output: true })
    startedAt(made, { priority: 2 })
  }
  made.link.takeSent()
  return made
}

const breaches = (role: Role, all: readonly Breach[]) =>
  all.map(([what, frames, rule, message]) => ({ role, what, frames, rule, message }))

describe.each([
  ...breaches('server', [...atServer, ...atBoth(IN, OUT)]),
  ...breaches('client', [...atClient, ...atBoth(OUT, IN)]),
])('P25: $what, to a $role', ({ role, frames, rule, message }) => {
  it('ends by one ERROR that names the rule', () => {
    const made = begin(role)
    feed(made, ...frames.slice(0, -1))
    expect(made.session.state).toBe('open')
    feed(made, ...frames.slice(-1))
    expect(made.effects.violations).toEqual([{ rule, message: expect.stringMatching(message) }])
    const last = made.link.takeSent().at(-1)
    expect(last?.id).toBe(0)
    expect(errorIn(last)).toMatchObject({ rule, code: rule === 'limit' ? 'resource_exhausted' : 'internal' })
    expect(made.session.state).toBe('closing')
    feed(made, streamRequest(1_000, OUTPUT), data(1, [1]))
    expect(made.link.takeSent()).toEqual([])
    made.link.close()
    expect([made.clock.timers, made.effects.closings.length]).toEqual([0, 1])
  })
})

it('F15: DATA without an item are counted also where nobody takes items any more', () => {
  const made = opened()
  const { flow } = beginAt(made, 1, INPUT)
  flow.inflow?.stop()
  feed(made, ...Array(1_024).fill(data(1)))
  expect(made.session.state).toBe('open')
  feed(made, data(1))
  expect(made.effects.violations).toMatchObject([{ rule: 'limit' }])
})

describe('what looks like a breach and is none', () => {
  it.each(['server', 'client'] as const)('F2, F11, S11: frames for ids that are not in flight, to a %s', (role) => {
    const made = begin(role)
    feed(made, data(77, [1]), data(77, [1], MORE), end(77), credit(77, 5), data(77, [], WAIT), end(77))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 6])
  })

  it('F2: to a server, once it has answered', () => {
    const made = opened()
    const { call } = beginAt(made, 1)
    made.session.refuse(call, { code: 'Failed', message: 'as told', processed: 'yes' })
    feed(made, data(1, ramp(100)), data(1, ramp(100), MORE), end(1), credit(1, 5), cancel(1))
    expect([made.session.state, made.session.inFlight]).toEqual(['open', 0])
  })

  it('F17: a PRIORITY for a call that has ended, and one that says the same once more', () => {
    const made = begin('server')
    feed(made, priority(77, 1), priority(OUT, 2), priority(OUT, 2), priority(UNARY, 0))
    expect([made.session.state, made.session.counters.unknownIds]).toEqual(['open', 1])
  })

  it.each([
    ['server', IN],
    ['client', OUT],
  ] as const)('F15: to a %s, 1,024 DATA without an item, an item, and as many again', (role, id) => {
    const made = begin(role)
    for (let round = 0; round < 3; round++) {
      feed(made, ...Array(1_024).fill(data(id)))
      feed(made, data(id, [1]))
    }
    expect(made.session.state).toBe('open')
  })
})
