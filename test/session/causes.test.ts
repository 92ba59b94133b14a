/** Why a session ended, as its calls are told (spec/session.md, S25; spec/errors.md), and the clock's bytes of chance. */
import { describe, expect, it } from 'vitest'
import { brokenBy, closedHere, codeFor, cut, goingAway, refusedBy, silent } from '../../src/session/causes.ts'
import { type Clock, randomBytes, randomId } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { ProtocolError } from '../../src/wire/index.ts'

const PEER = '10.0.0.1:5'

describe('a rule that a peer has broken', () => {
  it.each([
    ['not_nanowire', 'unavailable', 'no'],
    ['version', 'failed_precondition', 'no'],
    ['limit', 'resource_exhausted', 'maybe'],
    ['timeout', 'unavailable', 'maybe'],
    ['auth', 'unauthenticated', 'maybe'],
    ['credit', 'internal', 'maybe'],
  ] as const)('%s ends its calls with %s, which ran: %s', (rule, code, processed) => {
    const error = new ProtocolError(rule, 'as told')
    expect(codeFor(error)).toBe(code)
    expect(brokenBy(PEER, error)).toMatchObject({
      code,
      processed,
      message: `as told (peer ${PEER}, rule ${rule})`,
    })
  })

  it('is told with the peer once', () => {
    const error = new ProtocolError('limit', `too much (peer ${PEER}; option limits.maxDepth)`)
    expect(brokenBy(PEER, error).message).toBe(`too much (peer ${PEER}; option limits.maxDepth) (rule limit)`)
  })
})

describe('an ERROR for the connection', () => {
  it('is told as the peer has said it, with its rule where it named one', () => {
    const error = { code: 'resource_exhausted', message: 'full', rule: 'limit' }
    expect(refusedBy(PEER, error, false)).toMatchObject({
      code: 'resource_exhausted',
      processed: 'maybe',
      message: `${PEER} ended the connection by the rule limit: full`,
    })
    const message = `${PEER} ended the connection: bye`
    expect(refusedBy(PEER, { code: 'aborted', message: 'bye' }, false)).toMatchObject({ code: 'aborted', message })
  })

  it('says that nothing ran where it came before any HELLO', () => {
    expect(refusedBy(PEER, { code: 'internal', message: '' }, true).processed).toBe('no')
  })

  it('has no code that this side does not know', () => {
    expect(refusedBy(PEER, { code: 'Banned', message: '' }, false).code).toBe('unknown')
  })
})

describe('a connection that is over', () => {
  it('is told by who ended it', () => {
    const reset = new Error('reset')
    const told = [closedHere(PEER), cut(PEER, reset), cut(PEER, undefined), silent('nothing came'), goingAway(PEER)]
    expect(told.map(({ code, processed, message }) => [code, processed, message])).toEqual([
      ['unavailable', 'maybe', `the connection to ${PEER} was closed`],
      ['unavailable', 'maybe', `the connection to ${PEER} was cut: reset`],
      ['unavailable', 'maybe', `the connection to ${PEER} was cut by the peer`],
      ['unavailable', 'maybe', 'nothing came'],
      ['unavailable', 'no', `${PEER} is going away and did not take this call`],
    ])
    expect(told.map(({ cause }) => cause)).toEqual([undefined, reset, undefined, undefined, undefined])
  })
})

describe('bytes of chance', () => {
  /** A clock whose dice fall in these ways, again and again. */
  function loaded(...dice: number[]): Clock {
    let thrown = 0
    return { now: () => 0, after: () => () => {}, turn() {}, random: () => dice[thrown++ % dice.length] ?? 0 }
  }

  it('are as many as were asked for, and any from 0 to 255', () => {
    expect(randomBytes(loaded(0, 0.5, 1 - 2 ** -53), 3)).toEqual(Uint8Array.of(0, 128, 255))
    expect(randomBytes(new VirtualClock(), 0)).toHaveLength(0)
  })

  it('name an error in twelve hexadecimal digits, also where one of them is small', () => {
    expect(randomId(loaded(0))).toBe('000000000000')
    expect(randomId(loaded(10 / 256, 0.5))).toBe('0a800a800a80')
  })
})
