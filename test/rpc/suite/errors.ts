/** How calls fail: what leaves a handler, what the caller gets of it, and that nobody else is hurt. */
import { expect } from 'vitest'
import { NanowireError, type StatusCode, statusCodes } from '../../../src/index.ts'
import { casesOf, type Opened, type TestPlace } from '../../support/places.ts'
import { failureOf, Lab, lab } from '../lab.ts'

/** A handler of `echo` that throws what is made here. */
const throwing = (make: (text: string) => unknown) =>
  lab({
    echo({ text }) {
      if (text === 'fine') return { text }
      throw make(text)
    },
  })

async function expectHealthy({ wire }: Opened): Promise<void> {
  expect(await wire.client(Lab).echo({ text: 'fine' })).toEqual({ text: 'fine' })
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error whose properties cannot be read. */
function trapped(): Error {
  const trap = () => {
    throw new Error('a trap')
  }
  return Object.defineProperties(new NanowireError('aborted', 'x'), { code: { get: trap }, message: { get: trap } })
}

function withCycle(): Error {
  const error = new Error('secret', { cause: {} })
  error.cause = error
  return error
}

/** What a handler may throw, and only its log may tell. */
const thrown: readonly (readonly [name: string, make: () => unknown])[] = [
  ['an Error', () => new Error('secret')],
  ['an Error that is its own cause', withCycle],
  ['a string', () => 'secret'],
  ['null', () => null],
  ['undefined', () => undefined],
  ['a number', () => 42],
  ['a symbol', () => Symbol('secret')],
  ['a function', () => () => 'secret'],
  ['a frozen object', () => Object.freeze({ message: 'secret', code: 'aborted' })],
  ['an object without a prototype', () => Object.assign(Object.create(null), { message: 'secret' })],
  ['a revoked Proxy', revoked],
  ['an error whose properties throw', trapped],
  ['a promise', () => Promise.resolve('secret')],
  ['an object with then', () => JSON.parse('{"then":1}')],
  ['an undeclared error', () => new NanowireError('Forbidden', 'secret', { data: 'secret' })],
  ['an error with no code at all', () => new NanowireError('', 'secret')],
  ['an error of code toString', () => new NanowireError('toString', 'secret')],
  ['an error whose code is no text', () => new NanowireError(['aborted'] as never, 'secret')],
  ['a declared error with data that do not fit', () => new NanowireError('Banned', 'x', { data: { until: 12345 } })],
  ['a declared error without its data', () => new NanowireError('Banned', 'x')],
]

export function errorsSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('keeps the code and data of a declared error', async () => {
    const { wire, log, counts } = await place.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'closed') throw ctx.error('Closed', undefined)
          throw ctx.error('Banned', { until: text, hash: 'secret' } as { until: string })
        },
      }),
    )
    const { echo } = wire.client(Lab)
    const banned = await failureOf(echo({ text: 'noon' }))
    expect(banned).toMatchObject({ code: 'Banned', processed: 'yes', message: 'lab/echo: Banned', id: undefined })
    expect(banned.data).toStrictEqual({ until: 'noon' })
    expect(await failureOf(echo({ text: 'closed' }))).toMatchObject({ code: 'Closed', data: undefined })
    expect(counts().calls['lab/echo']).toEqual({ Banned: 1, Closed: 1 })
    expect(log.at('error')).toEqual([])
  })

  its('keeps them however the error was made', async () => {
    const opened = await place.open(throwing((until) => new NanowireError('Banned', 'secret', { data: { until } })))
    const error = await failureOf(opened.wire.client(Lab).echo({ text: 'noon' }))
    expect(error).toMatchObject({
      code: 'Banned',
      processed: 'yes',
      data: { until: 'noon' },
      message: 'lab/echo: Banned',
    })
  })

  its('knows no error that is not declared', async () => {
    const { wire, log } = await place.open(
      lab({
        echo(_, ctx) {
          throw ctx.error('Nobody' as never, {} as never) // as a program without types may
        },
      }),
    )
    expect(await failureOf(wire.client(Lab).echo({ text: 'x' }))).toMatchObject({ processed: 'yes' })
    expect(log.text).toMatch(/declares no error "Nobody"; it declares Banned, Closed|^$/)
  })

  its('keeps the code and message of a status that a handler makes, and says that it ran', async () => {
    const codes = Object.keys(statusCodes) as StatusCode[]
    const opened = await place.open(
      throwing((code) => new NanowireError(code, `said ${code}`, { processed: 'no', id: 'mine', data: 'secret' })),
    )
    for (const code of codes) {
      const error = await failureOf(opened.wire.client(Lab).echo({ text: code }))
      expect(error).toMatchObject({ code, message: `said ${code}`, processed: 'yes', data: undefined })
    }
    expect(opened.counts().calls['lab/echo']).toEqual(Object.fromEntries(codes.map((code) => [code, 1])))
    expect(opened.log.at('error')).toEqual([])
  })

  for (const [name, make] of thrown) {
    its(`turns into internal with an id, and hurts nobody else: ${name}`, async () => {
      const opened = await place.open(throwing(make))
      const others = Array.from({ length: 5 }, () => expectHealthy(opened))
      const error = await failureOf(opened.wire.client(Lab).echo({ text: 'bad' }))
      expect(error).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
      expect(error.id).toMatch(/^[0-9a-f]{12}$/)
      expect(error.message).toBe(`lab/echo failed; the server's log has it under ${error.id}`)
      expect(error.stack).not.toMatch(/secret|12345/)
      await Promise.all(others)
      await expectHealthy(opened)
      const [line, ...more] = opened.log.at('error')
      expect(line?.fields).toMatchObject({ method: 'lab/echo', id: error.id })
      expect(more).toEqual([])
    })
  }

  its('survives a status whose message is no text', async () => {
    const opened = await place.open(throwing(() => Object.assign(new NanowireError('aborted', 'x'), { message: 42 })))
    const error = await failureOf(opened.wire.client(Lab).echo({ text: 'bad' }))
    expect(typeof error.message).toBe('string')
    await expectHealthy(opened)
  })

  its('keeps the stack of what was thrown for the log', async () => {
    const { wire, log } = await place.open(throwing(() => new RangeError('the detail')))
    await failureOf(wire.client(Lab).echo({ text: 'bad' }))
    const [line] = log.at('error')
    expect(line?.message).toBe('handler failed')
    expect(line?.fields['err']).toBeInstanceOf(RangeError)
    expect(log.text).toContain('the detail')
  })

  its('rejects as it throws', async () => {
    const opened = await place.open(lab({ echo: () => Promise.reject(new NanowireError('not_found', 'nobody')) }))
    const error = await failureOf(opened.wire.client(Lab).echo({ text: 'x' }))
    expect(error).toMatchObject({ code: 'not_found', message: 'nobody', processed: 'yes' })
  })

  its('passes on the code alone of a call to another service', async () => {
    const { wire: inner } = await place.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'declared') throw ctx.error('Banned', { until: 'secret' })
          throw new NanowireError(text, 'secret')
        },
      }),
    )
    const { wire, log } = await place.open(lab({ echo: (request) => inner.client(Lab).echo(request) }))
    const { echo } = wire.client(Lab)
    const status = await failureOf(echo({ text: 'not_found' }))
    expect(status).toMatchObject({ code: 'not_found', processed: 'yes', data: undefined })
    expect(status.message).toBe('lab/echo: a call that it made ended with not_found')
    const declared = await failureOf(echo({ text: 'declared' }))
    expect(declared).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
    expect(`${status.stack}${declared.stack}`).not.toContain('secret')
    expect(log.at('error').map(({ fields }) => fields['id'])).toEqual([declared.id])
  })

  its('says yes of the outer handler, whatever became of the inner call', async () => {
    const { wire: inner } = await place.open(lab({}))
    await inner.close()
    const { wire } = await place.open(lab({ echo: (request) => inner.client(Lab).echo(request) }))
    expect(await failureOf(wire.client(Lab).echo({ text: 'x' }))).toMatchObject({
      code: 'unavailable',
      processed: 'yes',
    })
  })

  its('gives the error as a value to .try, and the value beside it', async () => {
    const { wire } = await place.open(throwing((until) => new NanowireError('Banned', 'x', { data: { until } })))
    const { echo } = wire.client(Lab)
    expect(await echo.try({ text: 'fine' })).toEqual({ ok: true, value: { text: 'fine' } })
    const banned = await echo.try({ text: 'noon' })
    if (banned.ok || banned.error.code !== 'Banned') throw new Error('it should be Banned')
    expect(banned.error.data.until).toBe('noon')
    const misfit = await echo.try({ text: 7 } as never) // as a program without types may call it
    expect(misfit).toMatchObject({ ok: false, error: { code: 'invalid_argument', processed: 'no' } })
    const late = await echo.try({ text: 'fine' }, { signal: AbortSignal.abort('enough') })
    expect(late).toMatchObject({ ok: false, error: { code: 'cancelled', processed: 'no', cause: 'enough' } })
  })

  its('keeps a long message readable and the connection open', async () => {
    const opened = await place.open(throwing(() => new NanowireError('aborted', '€'.repeat(100_000))))
    const error = await failureOf(opened.wire.client(Lab).echo({ text: 'bad' }))
    expect(error.code).toBe('aborted')
    expect(error.message).toMatch(/^€{1000}/)
    await expectHealthy(opened)
  })

  its('is broken by no logger', async () => {
    const broken = () => {
      throw new Error('the disk is full')
    }
    const log = { debug: broken, info: broken, warn: broken, error: broken }
    const service = lab({
      echo({ text }, ctx) {
        ctx.log.info({ text }, 'about to')
        if (text === 'fine') return { text }
        throw new Error('bad')
      },
    })
    const opened = await place.open(service, { log })
    expect(await failureOf(opened.wire.client(Lab).echo({ text: 'bad' }))).toMatchObject({ code: 'internal' })
    await expectHealthy(opened)
  })

  its('gives the handler a log that names its method', async () => {
    const { wire, log } = await place.open(
      lab({
        echo({ text }, ctx) {
          ctx.log.warn({ text }, 'seen')
          return { text }
        },
      }),
    )
    await wire.client(Lab).echo({ text: 'x' })
    expect(log.lines).toEqual([
      { level: 'warn', message: 'seen', fields: { method: 'lab/echo', peer: expect.any(String), text: 'x' } },
    ])
  })
}
