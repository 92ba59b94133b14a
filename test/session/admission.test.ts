/** Who calls: credentials in HELLO and AUTH (spec/protocol.md, P37, P38; spec/session.md, S29, S30). */
import { describe, expect, it } from 'vitest'
import type { LimitOptions } from '../../src/limits.ts'
import type { Refusal } from '../../src/session/index.ts'
import {
  type Credentials,
  flags,
  kinds,
  pack,
  packCredentials,
  readCredentials,
  readHello,
} from '../../src/wire/index.ts'
import { RecordedCall } from '../support/calls.ts'
import { frameBytes, joined, requestBody } from '../support/slow-frames.ts'
import { errorIn, helloBytes, type Tapped, tapped } from '../support/tapped.ts'

const kindsOf = (frames: readonly { readonly kind: number }[]) => frames.map(({ kind }) => kind)
const request = (id: number) => frameBytes(kinds.REQUEST, flags.IGNORE, id, requestBody(id))
const auth = (credentials: Credentials) => frameBytes(kinds.AUTH, 0, 0, packCredentials(credentials))

/** A server that has been asked, and what it was asked. */
function asking(limits: LimitOptions = {}) {
  const asked: (Credentials | undefined)[] = []
  const answers: ((refusal?: Refusal) => void)[] = []
  const made = tapped({
    limits,
    admit: (credentials) => {
      asked.push(credentials)
      return new Promise((resolve) => answers.push(resolve))
    },
  })
  const answer = async (refusal?: Refusal): Promise<void> => {
    answers.shift()?.(refusal)
    await settle(made)
  }
  return { ...made, asked, answer }
}

/** Promises, and then the turns that they asked for. */
async function settle({ clock }: Tapped): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  clock.runTurns()
}

const refusal: Refusal = { code: 'unauthenticated', message: 'the token has expired' }

describe('S29: a server that asks for credentials', () => {
  it('P37: judges those of the HELLO before it says or reads anything', async () => {
    const made = asking()
    made.link.feed(joined([helloBytes({}, { credentials: 'token' }), request(1)]))
    await settle(made)
    expect(made.session.state).toBe('admitting')
    expect(made.asked).toEqual(['token'])
    expect([made.link.takeSent(), made.effects.requests, made.effects.hellos]).toEqual([[], [], []])
    await made.answer()
    expect(made.session.state).toBe('open')
    expect(kindsOf(made.link.takeSent())).toEqual([kinds.HELLO])
    expect(made.effects.requests.map(({ tag }) => tag)).toEqual([1])
  })

  it('P37: judges the absence of credentials too, and a map of them', async () => {
    for (const credentials of [undefined, { user: 'ada', key: '1' }]) {
      const made = asking()
      made.link.feed(helloBytes({}, { credentials }))
      expect(made.asked).toEqual([credentials])
    }
  })

  it('P37: refuses by one ERROR before any HELLO, and has run nothing', async () => {
    const made = asking()
    made.link.feed(joined([helloBytes(), request(1)]))
    await made.answer(refusal)
    const [error, ...others] = made.link.takeSent()
    expect(others).toEqual([])
    const says = { code: 'unauthenticated', rule: 'auth', lastId: 0, message: 'the token has expired' }
    expect(errorIn(error)).toMatchObject(says)
    expect(made.effects.requests).toEqual([])
    expect(made.session.state).toBe('closing')
    made.clock.advance(500)
    expect(made.link.asked).toContain('destroy')
    made.link.close()
    expect(made.clock.timers).toBe(0)
  })

  it('tells another code where the application has one', async () => {
    const made = asking()
    made.link.feed(helloBytes())
    await made.answer({ code: 'unavailable', message: 'the directory is down' })
    expect(errorIn(made.link.takeSent()[0])).toMatchObject({ code: 'unavailable', rule: 'auth' })
  })

  it('S1: has the time of the handshake for both, the HELLO and the judgement', async () => {
    const made = asking({ handshakeTimeoutMs: 1_000 })
    made.clock.advance(600)
    made.link.feed(helloBytes())
    made.clock.advance(399)
    expect(made.session.state).toBe('admitting')
    made.clock.advance(1)
    expect(made.session.state).toBe('closing')
    expect(errorIn(made.link.takeSent()[0])).toMatchObject({ code: 'unavailable', rule: 'timeout' })
    expect(made.effects.limits.map(({ name }) => name)).toEqual(['handshakeTimeoutMs'])
    await made.answer() // too late to matter
    expect(made.session.state).toBe('closing')
    expect(made.link.takeSent()).toEqual([])
  })

  it('is told of nothing once the connection is gone', async () => {
    const made = asking()
    made.link.feed(helloBytes())
    made.link.close()
    await made.answer()
    expect(made.session.state).toBe('closed')
    expect([made.effects.hellos, made.effects.closings.length, made.clock.timers]).toEqual([[], 1, 0])
  })

  it('closes at once when it drains meanwhile', async () => {
    const made = asking()
    made.link.feed(helloBytes())
    made.session.drain(1_000, 'over')
    expect(made.session.state).toBe('closing')
    await made.answer()
    expect(made.effects.hellos).toEqual([])
  })

  it('is not asked where there is nobody to ask, whatever a client says', () => {
    const made = tapped()
    made.link.feed(helloBytes({}, { credentials: 'token' }), auth('another'))
    expect(made.session.state).toBe('open')
    expect(made.effects.violations).toEqual([])
  })
})

/** Admitted, and everything sent so far taken. */
async function admitted(limits: LimitOptions = {}) {
  const made = asking(limits)
  made.link.feed(helloBytes())
  await made.answer()
  made.link.takeSent()
  return made
}

describe('S30: an AUTH', () => {
  it('P38: holds up what is behind it until it is judged, and nothing is answered', async () => {
    const made = await admitted()
    made.link.feed(request(1), joined([auth('new'), request(2)]))
    await settle(made)
    expect(made.asked).toEqual([undefined, 'new'])
    expect(made.effects.requests.map(({ tag }) => tag)).toEqual([1])
    await made.answer()
    expect(made.effects.requests.map(({ tag }) => tag)).toEqual([1, 2])
    expect(made.link.takeSent()).toEqual([])
  })

  it('P38: that is refused ends the connection, and names the last id that was seen', async () => {
    const made = await admitted()
    made.link.feed(request(1), joined([auth({ key: 'old' }), request(2)]))
    await made.answer(refusal)
    expect(errorIn(made.link.takeSent()[0])).toMatchObject({ code: 'unauthenticated', rule: 'auth', lastId: 1 })
    expect(made.effects.requests.map(({ tag }) => tag)).toEqual([1])
    expect(made.session.state).toBe('closing')
  })

  it('is judged within handshakeTimeoutMs', async () => {
    const made = await admitted({ handshakeTimeoutMs: 300 })
    made.link.feed(auth('slow'))
    made.clock.advance(300)
    expect(errorIn(made.link.takeSent()[0])).toMatchObject({
      rule: 'timeout',
      message: expect.stringMatching(/^the credentials were not judged in time: handshakeTimeoutMs is 300 /),
    })
  })

  it('lets replies go out meanwhile, and the drain come to its end', async () => {
    const made = await admitted()
    made.link.feed(request(1), auth('new'))
    const [handled] = made.effects.requests
    if (handled) made.session.respond(handled.call, undefined, Uint8Array.of(0xc0))
    await settle(made)
    expect(kindsOf(made.link.takeSent())).toEqual([kinds.RESPONSE])
    made.session.drain(1_000, 'over')
    await settle(made)
    expect(kindsOf(made.link.takeSent())).toEqual([kinds.GOAWAY, kinds.PING])
    await made.answer()
    expect(made.session.state).toBe('draining')
  })
})

describe('P37: a client', () => {
  it('says who it is in its HELLO, and nothing where it has nothing to say', () => {
    for (const credentials of ['token', { user: 'ada' }, undefined]) {
      const made = tapped({ role: 'client', ...(credentials === undefined ? {} : { credentials }) })
      const [hello] = made.link.takeSent()
      expect(hello && readHello(hello.body, 0, hello.body.length).credentials).toEqual(credentials)
    }
  })

  it('P38: says it anew by an AUTH', () => {
    const made = tapped({ role: 'client', credentials: 'old' })
    made.link.feed(helloBytes())
    made.link.takeSent()
    made.session.renewCredentials('new')
    made.clock.runTurns()
    const [frame] = made.link.takeSent()
    expect(frame).toMatchObject({ kind: kinds.AUTH, id: 0, flags: 0 })
    expect(frame && readCredentials(frame.body, 0, frame.body.length)).toBe('new')
  })

  it('P38: says nothing any more once the connection is over', () => {
    const made = tapped({ role: 'client' })
    made.link.feed(helloBytes())
    made.session.end()
    made.link.takeSent()
    made.session.renewCredentials('new')
    made.clock.runTurns()
    expect(made.link.takeSent()).toEqual([])
  })

  it('S25, S29: that is refused before any HELLO loses its calls as not run', () => {
    const made = tapped({ role: 'client' })
    const call = new RecordedCall()
    made.session.start(call)
    made.link.flush()
    const body = pack({ code: 'unauthenticated', message: 'no', rule: 'auth', lastId: 0 })
    made.link.feed(frameBytes(kinds.ERROR, 0, 0, body))
    expect(call.fate).toBe('lost unauthenticated no')
  })
})

describe('P12: a HELLO tells contracts', () => {
  it('of a server, each with its hash', () => {
    const contracts = new Map([['greeter', Uint8Array.from({ length: 16 }, (_, index) => index)]])
    const made = tapped({ contracts })
    made.link.feed(helloBytes())
    made.clock.runTurns()
    const [hello] = made.link.takeSent()
    expect(hello && readHello(hello.body, 0, hello.body.length).contracts).toEqual(contracts)
  })

  it('by names that are keys of a map, whatever they are', () => {
    const hash = new Uint8Array(16)
    const made = tapped({ role: 'client' })
    made.link.feed(helloBytes({}, { contracts: new Map([['constructor', hash]]) }))
    expect([...(made.effects.hellos[0]?.contracts?.keys() ?? [])]).toEqual(['constructor'])
  })
})
