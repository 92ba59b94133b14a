/** Who calls, and what they may: `authenticate`, `credentials`, `authorize`, `principal` (spec/places.md). */
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ConnectOptions,
  connect,
  contract,
  NanowireError,
  notify,
  type RouterOptions,
  router,
  type ServeOptions,
  serve,
  service,
  unary,
} from '../../src/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { failureOf, Gate } from './lab.ts'

const Vault = contract('vault', {
  who: unary(Type.Void(), Type.Unknown()),
  open: unary(Type.Object({ door: Type.Integer() }), Type.Boolean()),
  ring: notify(Type.Void()),
})

const rung: unknown[] = []
const vault = service(Vault, {
  who: (_, ctx) => ctx.principal,
  open: () => true,
  ring: (_, ctx) => void rung.push(ctx.principal),
})

const users: Readonly<Record<string, string>> = { ada: 'token-of-ada', bob: 'token-of-bob' }
const byToken: ServeOptions['authenticate'] = ({ credentials }) =>
  Object.keys(users).find((name) => users[name] === credentials)

/** A vault behind a socket, and a connection to it. */
async function opened(serving: ServeOptions, connecting: ConnectOptions = {}, routing: RouterOptions = {}) {
  const log = new RecordingLog()
  const server = await serve(router([vault], { log, ...routing }), 'tcp://127.0.0.1:0', serving)
  const wire = connect(server.url, connecting)
  onTestFinished(async () => {
    await wire.close({ drainMs: 0 })
    await server.close({ drainMs: 0 })
  })
  return { server, wire, log, vault: wire.client(Vault) }
}

describe('authenticate', () => {
  it('says who calls, as the principal of every call of the connection', async () => {
    const seen: unknown[] = []
    const authenticate: ServeOptions['authenticate'] = (request) => {
      seen.push(request)
      return { name: 'ada' }
    }
    const { wire, vault } = await opened({ authenticate }, { credentials: 'token-of-ada' })
    expect(await vault.who()).toEqual({ name: 'ada' })
    expect(await wire.client(Vault).who()).toEqual({ name: 'ada' })
    expect(seen).toEqual([
      { credentials: 'token-of-ada', tls: undefined, address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    ])
  })

  it.each([
    ['a forged credential', { credentials: 'token-of-eve' }, 'the credentials were refused'],
    ['no credential', {}, 'this server asks for credentials: connect(url, { credentials })'],
  ])('refuses %s: calls and ready end as not run, and the log has it', async (_, connecting, words) => {
    const { wire, vault, log, server } = await opened({ authenticate: byToken }, connecting)
    const failure = await failureOf(vault.who())
    expect(failure).toMatchObject({ code: 'unauthenticated', processed: 'no' })
    expect(failure.message).toContain(words)
    expect(await failureOf(wire.ready())).toMatchObject({ code: 'unauthenticated' })
    expect(log.at('warn').map(({ message }) => message)).toContain('a client was refused: authenticate returned nobody')
    expect(server.stats().calls).toEqual({})
  })

  it.each([undefined, null, false])('takes %s for nobody', async (nobody) => {
    const { vault } = await opened({ authenticate: () => nobody }, { credentials: 'x' })
    expect(await failureOf(vault.who())).toMatchObject({ code: 'unauthenticated', processed: 'no' })
  })

  it('that throws what cannot be looked at refuses all the same', async () => {
    class Odd extends Error {
      override get message(): string {
        throw new Error('not to be read')
      }
    }
    for (const odd of [
      new Odd(),
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('nor this')
          },
        },
      ),
    ]) {
      const { vault } = await opened({ authenticate: () => Promise.reject(odd) }, { credentials: 'x' })
      const failure = await failureOf(vault.who())
      expect(failure).toMatchObject({ code: 'unauthenticated', processed: 'no' })
      expect(failure.message).toContain('the credentials were refused')
    }
  })

  it('E24: tells a client the words of a NanowireError, and of nothing else that it throws', async () => {
    const expired = () => {
      throw new NanowireError('unauthenticated', 'the token expired an hour ago; sign in again')
    }
    const first = await opened({ authenticate: expired }, { credentials: 'x' })
    expect((await failureOf(first.vault.who())).message).toContain('expired an hour ago; sign in again')
    const secret = () => Promise.reject(new Error('select * from secrets'))
    const second = await opened({ authenticate: secret }, { credentials: 'x' })
    const failure = await failureOf(second.vault.who())
    expect(failure).toMatchObject({ code: 'unauthenticated', processed: 'no' })
    expect(failure.message).not.toContain('secrets')
    expect(second.log.text).toContain('select * from secrets')
  })

  it('may have another code to tell, so that a client knows to come back', async () => {
    const down = () => {
      throw new NanowireError('unavailable', 'the directory is down')
    }
    const { vault } = await opened({ authenticate: down }, { credentials: 'x' })
    expect(await failureOf(vault.who())).toMatchObject({ code: 'unavailable', processed: 'no' })
  })

  it('is bounded in time, and its late answer changes nothing', async () => {
    const begun = new Gate()
    const gate = new Gate<string>()
    const clock = new HandClock()
    const authenticate = () => {
      begun.open()
      return gate.promise
    }
    const { vault } = await opened({ authenticate, clock, limits: { handshakeTimeoutMs: 50 } }, { credentials: 'x' })
    const failing = failureOf(vault.who())
    await begun.promise
    clock.advance(50)
    const failure = await failing
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(failure.message).toContain('handshakeTimeoutMs is 50')
    gate.open('ada')
  })

  it('is a function, or serve says so', async () => {
    expect(await failureOf(serve(vault, 'tcp://127.0.0.1:0', { authenticate: 'token' } as object))).toMatchObject({
      code: 'invalid_argument',
      message: 'serve: authenticate is a function',
    })
  })
})

describe('credentials', () => {
  it('may be names and texts', async () => {
    const { vault } = await opened(
      { authenticate: ({ credentials }) => credentials },
      { credentials: { user: 'ada', password: 'x' } },
    )
    expect(await vault.who()).toEqual({ user: 'ada', password: 'x' })
  })

  it('may come from a function, which is asked at each connection', async () => {
    let asked = 0
    const credentials = async () => `token ${++asked}`
    const { wire, vault, server } = await opened({ authenticate: (request) => request.credentials }, { credentials })
    expect(await vault.who()).toBe('token 1')
    expect(await vault.who()).toBe('token 1')
    const again = connect(server.url, { credentials })
    expect(await again.client(Vault).who()).toBe('token 2')
    await again.close()
    await wire.close()
  })

  it.each([
    [
      'throws',
      () => Promise.reject(new Error('no key')),
      'unauthenticated',
      'the function credentials threw: Error: no key',
    ],
    ['gives a number', () => 5 as never, 'invalid_argument', 'credentials are a text'],
    ['never ends', () => new Promise<never>(() => {}), 'unauthenticated', 'gave nothing for 30 ms'],
  ])('that %s: the calls end, and nothing was sent', async (_, credentials, code, words) => {
    const { vault, server } = await opened(
      { authenticate: () => 'anybody' },
      { credentials, limits: { handshakeTimeoutMs: 30 } },
    )
    const failure = await failureOf(vault.who())
    expect(failure).toMatchObject({ code, processed: 'no' })
    expect(failure.message).toContain(words)
    expect(server.stats().bytesReceived).toBe(0)
  })

  it.each([
    ['a number', 5, 'credentials are a text'],
    ['a list', ['x'], 'credentials are a text'],
    ['numbers by name', { user: 5 }, 'credentials are a text'],
    ['half a character', '\ud800', 'credentials are a text'],
    ['8,193 bytes', 'x'.repeat(8_190), 'credentials of 8193 bytes; there may be 8192'],
  ])('are not %s', async (_, credentials, words) => {
    const { vault } = await opened({ authenticate: () => 'anybody' }, { credentials } as ConnectOptions)
    const failure = await failureOf(vault.who())
    expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(failure.message).toContain(words)
  })

  it('of 8,192 bytes pass', async () => {
    const { vault } = await opened(
      { authenticate: ({ credentials }) => String(credentials).length },
      { credentials: 'x'.repeat(8_189) },
    )
    expect(await vault.who()).toBe(8_189)
  })

  it('are for an address: in memory there is the principal', () => {
    expect(() => connect(vault, { credentials: 'x' })).toThrow('it is principal')
    expect(() => connect('tcp://127.0.0.1:1', { principal: 'x' })).toThrow('principal')
  })

  it('P38: that are renewed hold for the calls made afterwards', async () => {
    const { wire, vault } = await opened({ authenticate: ({ credentials }) => credentials }, { credentials: 'first' })
    expect(await vault.who()).toBe('first')
    await wire.renewCredentials('second')
    expect(await vault.who()).toBe('second')
    expect(await failureOf(wire.renewCredentials(7 as never))).toMatchObject({ code: 'invalid_argument' })
    expect(await vault.who()).toBe('second')
  })

  it('P38: that are renewed and refused end the connection; the next call makes another, with them', async () => {
    const { wire, vault } = await opened({ authenticate: byToken }, { credentials: 'token-of-ada' })
    expect(await vault.who()).toBe('ada')
    await wire.renewCredentials('forged')
    expect(await failureOf(vault.who())).toMatchObject({ code: 'unauthenticated' })
    await wire.renewCredentials('token-of-bob')
    expect(await vault.who()).toBe('bob')
  })

  it('P38: that are renewed while a connection is made hold for it, in the order in which they were', async () => {
    const asked: unknown[] = []
    const authenticate: ServeOptions['authenticate'] = ({ credentials }) => asked.push(credentials) && credentials
    const begun = new Gate()
    const door = new Gate()
    const slow = async (): Promise<string> => {
      begun.open()
      await door.promise
      return 'old'
    }
    const { wire, vault } = await opened({ authenticate }, { credentials: slow })
    const opening = wire.ready()
    await begun.promise
    const renewals = [wire.renewCredentials('newer'), wire.renewCredentials('newest')]
    door.open()
    await Promise.all([opening, ...renewals])
    expect(await vault.who()).toBe('newest')
    expect(asked).toEqual(['old', 'newest', 'newest'])
  })

  it('P38: are renewed from their function where none are passed', async () => {
    let asked = 0
    const { wire, vault } = await opened(
      { authenticate: ({ credentials }) => credentials },
      { credentials: () => `token ${++asked}` },
    )
    expect(await vault.who()).toBe('token 1')
    await wire.renewCredentials()
    expect(await vault.who()).toBe('token 2')
  })
})

describe('authorize', () => {
  const asked: string[] = []
  const authorize: RouterOptions['authorize'] = ({ method, request, ctx }) => {
    asked.push(`${method.name} ${JSON.stringify(request)} ${String(ctx.principal)}`)
    return ctx.principal === 'ada'
  }

  /** The vault as `who` sees it: in memory, encoded, and over a socket. */
  async function everywhere(who: string, routing: RouterOptions) {
    const log = new RecordingLog()
    const routed = router([vault], { log, ...routing })
    const remote = await opened({ authenticate: () => who }, { credentials: 'x' }, routing)
    const local = connect(routed, { principal: who })
    const encoded = connect(routed, { principal: who, encoded: true })
    onTestFinished(() => encoded.close())
    return [local.client(Vault), encoded.client(Vault), remote.vault]
  }

  it('E25: is asked for each call, in every place, with the checked request', async () => {
    for (const client of await everywhere('ada', { authorize })) {
      asked.length = 0
      expect(await client.open({ door: 3 })).toBe(true)
      expect(asked).toEqual(['vault/open {"door":3} ada'])
      expect(await failureOf(client.open({ door: 'x' } as never))).toMatchObject({ code: 'invalid_argument' })
      expect(asked).toHaveLength(1)
    }
  })

  it.each([
    ['false', () => false],
    ['nothing', () => undefined as never],
    ['what is only like true', () => 1 as never],
    ['a promise of false', async () => false],
  ])('that says %s lets no call through, and its handler has not run', async (_, no) => {
    for (const client of await everywhere('eve', { authorize: no })) {
      const failure = await failureOf(client.open({ door: 3 }))
      expect(failure).toMatchObject({ code: 'permission_denied', processed: 'no' })
      expect(failure.message).toBe('vault/open is not permitted to this caller')
    }
  })

  it('that throws a status is told as it is; anything else stays in the log', async () => {
    const status = () => {
      throw new NanowireError('resource_exhausted', 'your plan has no more doors')
    }
    for (const client of await everywhere('eve', { authorize: status })) {
      const failure = await failureOf(client.open({ door: 3 }))
      expect(failure).toMatchObject({
        code: 'resource_exhausted',
        processed: 'no',
        message: 'your plan has no more doors',
      })
    }
    for (const client of await everywhere('eve', { authorize: () => Promise.reject(new Error('secret')) })) {
      const failure = await failureOf(client.open({ door: 3 }))
      expect(failure).toMatchObject({ code: 'internal', processed: 'no', id: expect.stringMatching(/^[0-9a-f]{12}$/) })
      expect(failure.message).not.toContain('secret')
    }
  })

  it('holds for notifies, and before any middleware', async () => {
    rung.length = 0
    const through: string[] = []
    const use: RouterOptions['use'] = [
      (call, next) => {
        through.push(call.method.name)
        return next()
      },
    ]
    for (const client of await everywhere('eve', { authorize, use })) {
      await client.ring()
      await failureOf(client.who())
    }
    expect([rung, through]).toEqual([[], []])
  })

  it('that answers when the caller has gone lets no call through any more', async () => {
    const through: string[] = []
    const use: RouterOptions['use'] = [
      (call, next) => {
        through.push(call.method.name)
        return next()
      },
    ]
    const late: RouterOptions['authorize'] = ({ method, ctx }) =>
      method.name === 'vault/who' ||
      new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve(true), { once: true }))
    for (const client of await everywhere('ada', { authorize: late, use })) {
      through.length = 0
      const cancelled = new AbortController()
      const failure = failureOf(client.open({ door: 3 }, { signal: cancelled.signal }))
      await client.who() // the first call is at its server
      cancelled.abort()
      expect(await failure).toMatchObject({ code: 'cancelled' })
      await client.who() // so is its cancellation
      expect(through).toEqual(['vault/who', 'vault/who'])
    }
  })

  it('that denies notify after notify fills no log', async () => {
    const { vault, wire, log } = await opened(
      { authenticate: () => 'eve', clock: new HandClock() },
      { credentials: 'x' },
      { authorize },
    )
    for (let n = 0; n < 20; n++) await vault.ring()
    expect(await failureOf(wire.client(Vault).who())).toMatchObject({ code: 'permission_denied' })
    expect(log.at('warn').map(({ message }) => message)).toEqual(['a notify failed'])
  })

  it('is a function, or router says so', () => {
    expect(() => router([vault], { authorize: true } as object)).toThrow('router: authorize is a function')
  })
})
