/** How a server's answers leave (spec/session.md, S8; spec/streams.md, F7, F18): in place, at once or late, and in which words. */
import { describe, expect, it, vi } from 'vitest'
import { flags, type InPlace, kinds } from '../../src/wire/index.ts'
import { errorIn, opened, type Tapped } from '../support/tapped.ts'
import { feed, request } from './messages.ts'
import { beginAt, cancel, credit, Item, said } from './streams-kit.ts'

const { ONE_WAY, OUTPUT } = flags

/** A reply that writes itself, if that is what it does. */
const reply = (writes = true): InPlace => ({
  encodeInto(buffer, at) {
    if (!writes) return -1
    buffer[at] = 0x2a
    return at + 1
  },
})

/** A server that runs the calls 1 to 3, the last of them a notify. */
function running() {
  const made = opened({ role: 'server' })
  feed(made, request(1), request(2), request(3, ONE_WAY))
  const [first, second, notify] = made.effects.requests.map(({ call }) => call)
  if (!first || !second || !notify) throw new Error('they do not run')
  return { made, first, second, notify }
}

const errorsOf = (made: Tapped) => {
  made.clock.runTurns()
  return made.link.takeSent().flatMap((frame) => (frame.kind === kinds.ERROR ? [errorIn(frame)] : []))
}

describe('a reply that is written where it leaves', () => {
  it('ends its call, and says so', () => {
    const { made, first } = running()
    expect(made.session.respondInPlace(first, undefined, reply())).toBe(true)
    expect([said(made), made.session.inFlight]).toEqual([['RESPONSE 1 1'], 2])
  })

  it('is not there where it cannot be written: the call goes on', () => {
    const { made, first } = running()
    expect(made.session.respondInPlace(first, undefined, reply(false))).toBe(false)
    expect([said(made), made.session.inFlight]).toEqual([[], 3])
    made.session.respond(first, undefined, Uint8Array.of(1))
    expect([said(made), made.session.inFlight]).toEqual([['RESPONSE 1 1'], 2])
  })

  it('is nobody’s where it is a notify’s, or the connection is over', () => {
    const { made, first, notify } = running()
    expect(made.session.respondInPlace(notify, undefined, reply())).toBe(false)
    made.session.end()
    expect(made.session.respondInPlace(first, undefined, reply())).toBe(false)
    expect([said(made), made.session.inFlight]).toEqual([[], 3])
  })
})

it('the link is told how many calls go on beside an answer, which others may follow', () => {
  const { made, first, second } = running()
  const written = vi.spyOn(made.link, 'written')
  made.session.respondInPlace(first, undefined, reply())
  made.session.respond(second, undefined, Uint8Array.of(1))
  expect(written.mock.calls).toEqual([[2], [1]])
})

describe('an answer that has not left whole', () => {
  function waiting(endsInMs?: number) {
    const made = opened({ role: 'server' })
    const { call, flow } = beginAt(made, 1, OUTPUT)
    if (endsInMs !== undefined) flow.endsBy = made.clock.now() + endsInMs
    flow.outflow?.put(new Item(40_000))
    made.session.endStream(call, undefined)
    said(made)
    return made
  }

  it('is cut off in words by a CANCEL', () => {
    const made = waiting()
    feed(made, cancel(1))
    const message = 'cancelled before the answer had left'
    expect(errorsOf(made)).toMatchObject([{ code: 'cancelled', processed: 'yes', message }])
  })

  it('is cut off in words by its deadline', () => {
    const made = waiting(500)
    made.clock.advance(500)
    const message = 'the answer had not left whole by the deadline'
    expect(errorsOf(made)).toMatchObject([{ code: 'deadline_exceeded', processed: 'yes', message }])
  })

  it('is no answer any more once the client has all of it', () => {
    const made = waiting(500)
    feed(made, credit(1, 90_000))
    expect(said(made).at(-1)).toBe('END 1 0')
    feed(made, cancel(1))
    expect([errorsOf(made), made.session.counters.unknownIds]).toEqual([[], 1])
  })
})
