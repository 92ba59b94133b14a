/**
 * Every limit of src/limits.ts just below and just above (spec/limits.md): one that fires names itself, its value, the peer
 * and the option, and is counted.
 */
import { describe, expect, it } from 'vitest'
import { type LimitName, type LimitOptions, limitRules, resolveLimits } from '../../src/limits.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes } from '../support/slow-frames.ts'
import { errorIn } from '../support/tapped.ts'
import { bodyOf, feed, limitCases, open, PEER, request, told } from './limits-table.ts'

const { MORE } = flags

const names = Object.keys(limitRules) as LimitName[] // its own keys
const settingOf = (name: LimitName): LimitOptions => ({
  ...(name === 'pingAfterMs' ? { idleTimeoutMs: 30_000 } : {}),
  [name]: limitCases[name].value,
})

describe('limits', () => {
  it('all have a case', () => expect(Object.keys(limitCases).sort()).toEqual([...names].sort()))

  it.each(names)('%s lets through what is just below', async (name) => {
    const { act, value, fits = value } = limitCases[name]
    expect(await act(fits, settingOf(name))).toMatchObject({ fired: false })
  })

  it.each(names)('%s fires just above, and says so', async (name) => {
    const { act, value, fits = value, silent, peerless } = limitCases[name]
    const { fired, words, counted } = await act(fits + 1, settingOf(name))
    expect(fired).toBe(true)
    if (silent !== undefined) return
    expect(words).toMatch(new RegExp(`${name}(, which)? is ${value}\\b`))
    if (peerless !== undefined) return
    expect(counted).toEqual([name])
    expect(words).toContain(PEER)
    expect(words).toContain(`limits.${name}`)
  })

  it.each(names)('%s can be set within its range, and not beside it', (name) => {
    const { min, max } = limitRules[name]
    const other = name === 'idleTimeoutMs' ? { pingAfterMs: 10 } : name === 'pingAfterMs' ? { idleTimeoutMs: max } : {}
    for (const value of [name === 'idleTimeoutMs' ? 11 : min, name === 'pingAfterMs' ? max - 1 : max]) {
      expect(resolveLimits({ ...other, [name]: value })[name]).toBe(value)
    }
    const text = '5' as never // what a user without types may pass
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, text]) {
      expect(() => resolveLimits({ [name]: value })).toThrow(`limits.${name} is a whole number from ${min} to ${max}`)
    }
    expect(resolveLimits({ [name]: undefined })[name]).toBe(limitRules[name].default)
  })

  it('give unfinished messages room for four of the largest, where nobody says another number', () => {
    const { maxReassemblyBytes } = limitRules
    expect(resolveLimits({ maxMessageBytes: 1_024 }).maxReassemblyBytes).toBe(maxReassemblyBytes.default)
    expect(resolveLimits({ maxMessageBytes: 50_000_000 }).maxReassemblyBytes).toBe(200_000_000)
    expect(resolveLimits({ maxMessageBytes: 50_000_000, maxReassemblyBytes: 2_000 }).maxReassemblyBytes).toBe(2_000)
  })

  it('are refused when unknown, and when a connection would be lost before it is asked', () => {
    for (const name of ['maxMoons', 'toString', '__proto__']) {
      const options = { [name]: 1 } as LimitOptions // what a user without types may pass
      expect(() => resolveLimits(options)).toThrow(`there is no limit "${name}"; the limits are max`)
    }
    expect(() => resolveLimits({ pingAfterMs: 500, idleTimeoutMs: 500 })).toThrow(
      'must be larger than limits.pingAfterMs',
    )
  })
})

describe('the other side of a limit', () => {
  const limits = { maxMessageBytes: 2_000 }

  it('maxMessageBytes of the server: a client refuses its request before it is sent', () => {
    for (const [bytes, fate] of [
      [2_000, ''],
      [2_001, 'refused resource_exhausted no'],
    ] as const) {
      const made = open('client', {}, limits)
      const call = new RecordedCall({ body: new Uint8Array(bytes) })
      made.session.start(call)
      made.clock.runTurns()
      expect([call.fate, made.link.takeSent().length]).toEqual([fate, fate === '' ? 1 : 0])
      if (fate === '') continue
      expect(call.message).toMatch(/maxMessageBytes is 2000 .*10\.0\.0\.1:5.* limits\.maxMessageBytes of the server/)
      expect(told(made).counted).toEqual(['maxMessageBytes'])
    }
  })

  it('maxMessageBytes of the client: a server refuses the reply before it is sent', () => {
    for (const bytes of [2_000, 2_001]) {
      const made = open('server', {}, limits)
      let code = ''
      made.effects.onRequest = ({ call }) => {
        code = made.session.respond(call, undefined, new Uint8Array(bytes))
      }
      feed(made, request(1, 0, bodyOf(1)))
      const [sent] = made.link.takeSent()
      if (bytes === 2_000) expect([code, sent?.kind]).toEqual(['ok', kinds.RESPONSE])
      else {
        expect(code).toBe('resource_exhausted')
        expect(errorIn(sent)).toMatchObject({ code, processed: 'yes' })
        expect(errorIn(sent).message).toMatch(/maxMessageBytes is 2000 .*limits\.maxMessageBytes of the client/)
        expect(told(made).counted).toEqual(['maxMessageBytes'])
      }
    }
  })

  it.each(['maxMessageBytes', 'maxReassemblyBytes'] as const)(
    '%s of a client: a reply above it ends its call',
    (name) => {
      const made = open('client', { [name]: 2_000 })
      const call = new RecordedCall()
      made.session.start(call)
      const half = new Uint8Array(50_000)
      const { words, counted } = feed(
        made,
        frameBytes(4, MORE, 1, half),
        frameBytes(4, MORE, 1, half),
        frameBytes(4, 0, 1, half),
      )
      expect(call.fate).toBe('refused resource_exhausted yes')
      expect(counted).toEqual([name])
      for (const text of [words, call.message])
        expect(text).toMatch(new RegExp(`${name} is 2000 .*10\\.0\\.0\\.1:5.*limits\\.${name}`))
      expect(made.session.state).toBe('open')
    },
  )

  it('P35: a peer that begins ever more requests that were refused is cut off', () => {
    const made = open('server', { maxCallsInFlight: 130 })
    const unfinished = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => request(from + at + 1, MORE, bodyOf(1)))
    feed(made, ...unfinished(0, 130))
    expect([made.session.state, made.effects.limits]).toEqual(['open', []])
    const { words } = feed(made, ...unfinished(130, 131))
    expect(made.session.state).toBe('closing')
    expect(made.effects.violations.map(({ rule }) => rule)).toEqual(['limit'])
    expect(words).toMatch(/maxCallsInFlight is 130 /)
  })

  it('maxDepth and maxNodes hold for the data of an ERROR too', () => {
    for (const [name, data] of [
      ['maxDepth', [[[[1]]]]],
      ['maxNodes', [1, 2, 3, 4, 5, 6]],
    ] as const) {
      const error = frameBytes(kinds.ERROR, 0, 1, pack({ code: 'a', message: '', data }))
      expect(feed(open('client', { [name]: 20 }), error).fired).toBe(false)
      const { made } = feed(open('client', { [name]: 4 }), error)
      expect(made.effects.violations).toEqual([
        { rule: 'body', message: expect.stringMatching(new RegExp(`${name}, which is 4\\b`)) },
      ])
    }
  })
})
