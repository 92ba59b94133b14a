/** A HELLO's bytes (spec/protocol.md, P12): packed once for all connections of a server, and never those of another. */
import { describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { ownHello } from '../../src/session/own-hello.ts'
import { readHello } from '../../src/wire/index.ts'

const limits = resolveLimits()
const contracts = new Map([['greeter', new Uint8Array(16).fill(7)]])
const incarnation = new Uint8Array(16).fill(1)

describe('the HELLO of a server', () => {
  it('is the same bytes for all its connections', () => {
    const first = ownHello({ limits, incarnation, contracts })
    expect(ownHello({ limits, incarnation, contracts })).toBe(first)
    expect(readHello(first, 0, first.length, 'server')).toMatchObject({ contracts, incarnation, features: [] })
  })

  it('says what is so now, where a limit, the start or the credentials are others', () => {
    ownHello({ limits, incarnation, contracts })
    const smaller = resolveLimits({ maxCallsInFlight: 7 })
    const limited = ownHello({ limits: smaller, incarnation, contracts })
    expect(readHello(limited, 0, limited.length)).toMatchObject({ incarnation, limits: { maxCallsInFlight: 7 } })
    const restarted = new Uint8Array(16).fill(2)
    const changed = ownHello({ limits: smaller, incarnation: restarted, contracts })
    const expected = { incarnation: restarted, limits: { maxCallsInFlight: 7 } }
    expect(readHello(changed, 0, changed.length)).toMatchObject(expected)
    const named = ownHello({ limits: smaller, incarnation: restarted, contracts, credentials: 'Ada' })
    expect(readHello(named, 0, named.length)).toMatchObject({ ...expected, credentials: 'Ada' })
    const other = ownHello({ limits, incarnation, contracts: new Map() })
    expect(readHello(other, 0, other.length).contracts).toEqual(new Map())
  })

  it('of a client is packed each time, as its credentials may be', () => {
    const options = { limits, incarnation, credentials: 'a token' }
    expect(ownHello(options)).toEqual(ownHello(options))
    expect(ownHello(options)).not.toBe(ownHello(options))
  })
})
