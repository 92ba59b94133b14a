/** The requests of streams, which handlers may keep for as long as their clients take their time (spec/session.md, S8). */
import { describe, expect, it } from 'vitest'
import { flags, kinds } from '../../src/wire/index.ts'
import { frameBytes, requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed } from './messages.ts'
import { cancel, ramp, said } from './streams-kit.ts'

const { INPUT, OUTPUT } = flags
const limits = { maxReassemblyBytes: 2_000, maxMessageBytes: 1_500 }

const asked = (id: number, bytes: number, flagBits: number = OUTPUT) =>
  frameBytes(kinds.REQUEST, flagBits, id, requestBody(7, 0, [...ramp(bytes)]))
const ran = ({ effects }: Tapped) => effects.requests.map(({ call }) => call.id)
const callOf = ({ effects }: Tapped, id: number) => {
  const request = effects.requests.find(({ call }) => call.id === id)
  if (!request) throw new Error(`no handler runs for ${id}`)
  return request.call
}

describe('S8: the requests of streams that go on', () => {
  it('have the room that there is, together, and not a byte more', () => {
    const made = opened({ limits })
    feed(made, asked(1, 1_000), asked(2, 1_000), asked(3, 1), asked(4, 0))
    expect(ran(made)).toEqual([1, 2, 4])
    expect(said(made)).toEqual(['ERROR 3 resource_exhausted no'])
    expect(made.effects.refusals).toMatchObject([{ tag: 7, error: { code: 'resource_exhausted', processed: 'no' } }])
    expect(made.effects.limits).toMatchObject([{ name: 'maxReassemblyBytes' }])
    expect(made.effects.limits[0]?.message).toMatch(/^the requests of streams .*maxReassemblyBytes is 2000/)
  })

  it('give their room back when their handlers have ended, and not when they are cancelled', () => {
    const made = opened({ limits })
    feed(made, asked(1, 1_500), cancel(1), asked(2, 1_000))
    expect([ran(made), said(made)]).toEqual([[1], ['ERROR 2 resource_exhausted no']])
    made.session.endStream(callOf(made, 1), undefined)
    feed(made, asked(3, 1_000), asked(4, 1_000), asked(5, 1))
    expect(ran(made)).toEqual([1, 3, 4])
  })

  it('take nothing from calls that are answered by a reply, nor these from them', () => {
    const made = opened({ limits })
    feed(made, asked(1, 1_500), asked(2, 1_500, 0), asked(3, 1_500, 0), asked(4, 500))
    expect(ran(made)).toEqual([1, 2, 3, 4])
  })

  it('with items from both sides have none', () => {
    const made = opened({ limits })
    feed(made, asked(1, 1_500), asked(2, 500), asked(3, 0, INPUT | OUTPUT))
    expect(ran(made)).toEqual([1, 2, 3])
  })

  it('that waited for a slot are judged when they have one', () => {
    const made = opened({ limits: { ...limits, maxCallsInFlight: 2 } })
    feed(made, asked(1, 1_500), asked(2, 4, 0), asked(3, 1_000), asked(4, 400))
    expect([ran(made), said(made)]).toEqual([[1, 2], []])
    made.session.respond(callOf(made, 2), undefined, Uint8Array.of(0xc0))
    expect(ran(made)).toEqual([1, 2, 4])
    expect(said(made)).toEqual(['RESPONSE 2 1', 'ERROR 3 resource_exhausted no'])
    expect(made.session.inFlight).toBe(2)
  })
})
