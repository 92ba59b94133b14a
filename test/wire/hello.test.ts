/** HELLO and AUTH at the edges of what they may say (spec/protocol.md), and what is told of those beyond. */
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/limits.ts'
import { packCredentials, packHello, peerLimitNames, readCredentials, readHello } from '../../src/wire/index.ts'
import { pack } from '../../src/wire/msgpack.ts'

const limits = Object.fromEntries(peerLimitNames.map((name) => [name, defaultLimits[name]]))
const whole = { limits, features: [], incarnation: new Uint8Array(16) }
const start = [0x4e, 0x57, 0x49, 0x52, 1]

/** A HELLO of these entries, among bytes that are not its own. */
function read(entries: unknown, from?: 'client' | 'server', begin: readonly number[] = start) {
  const body = Uint8Array.from([0x80, 0xc1, ...begin, ...pack(entries), 0xc1])
  return () => readHello(body, 2, body.length - 1, from)
}

const refusal = (message: string, rule = 'hello') =>
  expect.objectContaining({ name: 'ProtocolError', rule, message, limit: undefined })
const times = <Item>(count: number, make: (index: number) => Item) => Array.from({ length: count }, (_, at) => make(at))

describe('a HELLO', () => {
  it('begins with the name of the protocol, all of it, and its version', () => {
    expect(read(whole)()).toMatchObject({ major: 1, limits, features: [], incarnation: new Uint8Array(16) })
    for (const at of [0, 1, 2, 3]) {
      const other = start.map((byte, index) => (index === at ? byte + 1 : byte))
      expect(read(whole, undefined, other)).toThrow(
        refusal('the peer does not speak Nanowire: its first frame is no HELLO', 'not_nanowire'),
      )
    }
    expect(read(whole, undefined, [...start.slice(0, 4), 2])).toThrow(
      refusal('the peer speaks version 2 of the protocol, this side version 1', 'version'),
    )
  })

  it('is one map of at most 64 entries, and so are its limits', () => {
    const more = (count: number) => Object.fromEntries(times(count, (index) => [`k${index}`, index]))
    expect(read({ ...whole, ...more(61) })()).toMatchObject({ features: [] })
    expect(read({ ...whole, ...more(62) })).toThrow(refusal('the HELLO is no map of at most 64 entries'))
    expect(read([1])).toThrow(refusal('the HELLO is no map of at most 64 entries'))
    expect(read({ ...whole, limits: { ...limits, ...more(59) } })()).toMatchObject({ limits })
    expect(read({ ...whole, limits: { ...limits, ...more(60) } })).toThrow(
      refusal("the HELLO's limits is no map of at most 64 entries"),
    )
    for (const none of [
      { ...whole, limits: 5 },
      { features: [], incarnation: whole.incarnation },
    ])
      expect(read(none)).toThrow(refusal("the HELLO's limits is no map of at most 64 entries"))
    const cut = Uint8Array.from([...start, 0x81])
    expect(() => readHello(cut, 0, 6)).toThrow(/^no strict MessagePack: MessagePack, byte 0: .*\(count_too_large\)$/)
    expect(() => readHello(cut, 0, 5)).toThrow(/^no strict MessagePack: MessagePack, byte 0: .*\(truncated\)$/)
  })

  it.each(peerLimitNames)('says of %s a whole number from 1, for frames from 64 KiB, to 2^48', (name) => {
    const least = name === 'maxFrameBytes' ? 65_536 : 1
    const saying = (value: unknown) => read({ ...whole, limits: { ...limits, [name]: value } })
    for (const value of [least, BigInt(least), 2 ** 48]) expect(saying(value)().limits[name]).toBe(Number(value))
    for (const value of [0, -1, 2 ** 48 + 1, 65_536.5, '65536', null, 2n ** 63n])
      expect(saying(value)).toThrow(refusal(`the HELLO's ${name} is no whole number from 1 to 2^48`))
    const { [name]: _, ...others } = limits
    expect(read({ ...whole, limits: others })).toThrow(refusal(`the HELLO's ${name} is no whole number from 1 to 2^48`))
    if (name === 'maxFrameBytes')
      expect(saying(65_535)).toThrow(refusal("the HELLO's maxFrameBytes is 65535; every peer takes 65536"))
  })

  it('has at most 64 features, which are names', () => {
    const names = times(64, (index) => `f${index}`)
    expect(read({ ...whole, features: names })().features).toEqual(names)
    for (const features of [[...names, 'one more'], ['a', 5], 'a', {}, null])
      expect(read({ ...whole, features })).toThrow(refusal("the HELLO's features are no list of at most 64 names"))
  })

  it('has an incarnation of 16 bytes', () => {
    for (const incarnation of [new Uint8Array(15), new Uint8Array(17), 'x'.repeat(16), times(16, () => 0), null])
      expect(read({ ...whole, incarnation })).toThrow(refusal("the HELLO's incarnation is not 16 bytes"))
  })

  it('of a server says its contracts, each with 16 bytes of hash, or nothing of them', () => {
    const hash = Uint8Array.from(times(16, (index) => index))
    expect(read({ ...whole, contracts: { a: hash } }, 'server')().contracts).toEqual(new Map([['a', hash]]))
    expect(read({ ...whole, contracts: {} })().contracts).toEqual(new Map())
    expect(read(whole, 'server')().contracts).toBeUndefined()
    expect(read({ ...whole, contracts: { a: hash } }, 'client')().contracts).toBeUndefined()
    for (const contracts of [[hash], null, 'a'])
      expect(read({ ...whole, contracts })).toThrow(refusal("the HELLO's contracts are no map"))
    for (const other of [hash.subarray(1), Uint8Array.of(...hash, 0), 'x'.repeat(16)])
      expect(read({ ...whole, contracts: { 'a"': other } })).toThrow(
        refusal('the HELLO\'s hash of "a\\"" is not 16 bytes'),
      )
  })

  it('of a client says its credentials, a text or a map of texts, or nothing of them', () => {
    for (const credentials of ['token', '', {}, { user: 'ada', key: '' }])
      expect(read({ ...whole, credentials }, 'client')().credentials).toEqual(credentials)
    expect(read(whole, 'client')().credentials).toBeUndefined()
    expect(read({ ...whole, credentials: 'token' }, 'server')().credentials).toBeUndefined()
    for (const credentials of [5, null, ['a'], { user: 'ada', key: 5 }, new Uint8Array(1)])
      expect(read({ ...whole, credentials })).toThrow(refusal('credentials that are neither a text nor a map of texts'))
    const text = (bytes: number) => 'x'.repeat(bytes - 3) // behind a header of three bytes
    expect(read({ ...whole, credentials: text(8_192) })().credentials).toHaveLength(8_189)
    expect(read({ ...whole, credentials: text(8_193) })).toThrow(refusal('credentials of more than 8192 bytes'))
  })

  it('is written with what there is to say, and without what there is not', () => {
    const said = { major: 1, limits: defaultLimits, features: ['a'], incarnation: new Uint8Array(16).fill(3) }
    const back = (more: object) => {
      const body = packHello({ ...said, ...more })
      return { body, hello: readHello(body, 0, body.length) }
    }
    const contracts = new Map([['orders', new Uint8Array(16).fill(9)]])
    expect(back({ contracts, credentials: { user: 'ada' } }).hello).toMatchObject({
      contracts,
      credentials: { user: 'ada' },
    })
    expect(back({ credentials: '' }).hello.credentials).toBe('')
    const { body, hello } = back({})
    expect([hello.contracts, hello.credentials]).toEqual([undefined, undefined])
    expect(Buffer.from(body).includes('credentials') || Buffer.from(body).includes('contracts')).toBe(false)
    expect(Object.keys(hello.limits)).toEqual([...peerLimitNames])
  })
})

describe('an AUTH', () => {
  it('is credentials, within the same bounds', () => {
    const text = (bytes: number) => packCredentials('x'.repeat(bytes - 3)).slice()
    const act = (bytes: Uint8Array) => () => readCredentials(Uint8Array.of(0xc1, ...bytes), 1, 1 + bytes.length)
    expect(act(text(8_192))()).toHaveLength(8_189)
    expect(act(text(8_193))).toThrow(refusal('credentials of more than 8192 bytes', 'body'))
    expect(act(packCredentials({ user: 'ada' }))()).toEqual({ user: 'ada' })
    expect(act(pack(5))).toThrow(refusal('credentials that are neither a text nor a map of texts', 'body'))
    expect(act(Uint8Array.of(0xc1))).toThrow(
      refusal('no strict MessagePack: MessagePack, byte 0: the byte c1 means nothing (reserved_byte)', 'body'),
    )
  })
})
