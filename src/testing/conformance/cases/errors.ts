/** How calls fail: what leaves a handler, what the caller gets of it, and that nobody else is hurt. */
import { NanowireError, type StatusCode, statusCodes } from '../../../errors.ts'
import { equal, fails, holds, matches } from '../assert.ts'
import { lab } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import type { Opened } from '../trial.ts'
import { thrown } from './thrown.ts'

/** A handler of `echo` that throws what is made here. */
const throwing = (make: (text: string) => unknown) =>
  lab({
    echo({ text }) {
      if (text === 'fine') return { text }
      throw make(text)
    },
  })

async function expectHealthy({ client }: Opened): Promise<void> {
  equal(await client.echo({ text: 'fine' }), { text: 'fine' }, 'the reply to another call')
}

const declared: Cases = {
  async 'keeps the code and data of a declared error'(t) {
    const { client, log, counts } = await t.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'closed') throw ctx.error('Closed', undefined)
          throw ctx.error('Banned', { until: text, hash: 'secret' } as { until: string }) // more than is declared
        },
      }),
    )
    const pattern = { code: 'Banned', processed: 'yes', message: 'lab/echo: Banned', id: undefined }
    const banned = await fails(client.echo({ text: 'noon' }), pattern)
    equal(banned.data, { until: 'noon' }, 'its data')
    await fails(client.echo({ text: 'closed' }), { code: 'Closed', processed: 'yes', data: undefined })
    equal(counts().calls, { 'lab/echo': { Banned: 1, Closed: 1 } }, 'how the calls ended')
    equal(log.at('error'), [], 'the log')
  },

  async 'keeps them however the error was made'(t) {
    const { client } = await t.open(throwing((until) => new NanowireError('Banned', 'secret', { data: { until } })))
    const pattern = { code: 'Banned', processed: 'yes', data: { until: 'noon' }, message: 'lab/echo: Banned' }
    await fails(client.echo({ text: 'noon' }), pattern)
  },

  async 'knows no error that is not declared'(t) {
    const { client, log } = await t.open(
      lab({
        echo(_, ctx) {
          throw ctx.error('Nobody' as never, {} as never) // as a program without types may
        },
      }),
    )
    await fails(client.echo({ text: 'x' }), { code: 'internal', processed: 'yes' })
    matches(log.text, /declares no error "Nobody"; it declares Banned, Closed/, 'the log')
  },

  async 'gives the error as a value to .try, and the value beside it'(t) {
    const { client } = await t.open(throwing((until) => new NanowireError('Banned', 'x', { data: { until } })))
    const { echo } = client
    equal(await echo.try({ text: 'fine' }), { ok: true, value: { text: 'fine' } })
    matches(await echo.try({ text: 'noon' }), { ok: false, error: { code: 'Banned', data: { until: 'noon' } } })
    const misfit = await echo.try({ text: 7 } as never) // as a program without types may call it
    matches(misfit, { ok: false, error: { code: 'invalid_argument', processed: 'no' } })
    const late = await echo.try({ text: 'fine' }, { signal: AbortSignal.abort('enough') })
    matches(late, { ok: false, error: { code: 'cancelled', processed: 'no', cause: 'enough' } })
  },
}

const statuses: Cases = {
  ...each(
    Object.fromEntries(Object.keys(statusCodes).map((code) => [code, code as StatusCode])), // they are its keys
    (code) => `keeps a status and message that a handler makes, and says that it ran: ${code}`,
    async (t, code) => {
      const made = { processed: 'no', id: 'mine', data: 'secret' } as const
      const opened = await t.open(throwing(() => new NanowireError(code, `said ${code}`, made)))
      const pattern = { code, message: `said ${code}`, processed: 'yes', data: undefined }
      await fails(opened.client.echo({ text: 'bad' }), pattern)
      equal(opened.counts().calls, { 'lab/echo': { [code]: 1 } }, 'how the call ended')
      equal(opened.log.at('error'), [], 'the log')
      await expectHealthy(opened)
    },
  ),

  async 'survives a status whose message is no text'(t) {
    const opened = await t.open(throwing(() => Object.assign(new NanowireError('aborted', 'x'), { message: 42 })))
    const error = await fails(opened.client.echo({ text: 'bad' }), { processed: 'yes' })
    equal(typeof error.message, 'string', 'the type of its message')
    await expectHealthy(opened)
  },

  async 'rejects as it throws'(t) {
    const { client } = await t.open(lab({ echo: () => Promise.reject(new NanowireError('not_found', 'nobody')) }))
    await fails(client.echo({ text: 'x' }), { code: 'not_found', message: 'nobody', processed: 'yes' })
  },

  async 'keeps a long message readable and the connection open'(t) {
    const opened = await t.open(throwing(() => new NanowireError('aborted', '€'.repeat(100_000))))
    await fails(opened.client.echo({ text: 'bad' }), { code: 'aborted', message: /^€{1000}/ })
    await expectHealthy(opened)
  },
}

const unknown: Cases = {
  ...each(
    thrown,
    (name) => `turns into internal with an id, and hurts nobody else: ${name}`,
    async (t, make) => {
      const opened = await t.open(throwing(make))
      const others = Array.from({ length: 5 }, () => expectHealthy(opened))
      const pattern = { code: 'internal', processed: 'yes', data: undefined, id: /^[0-9a-f]{12}$/ }
      const error = await fails(opened.client.echo({ text: 'bad' }), pattern)
      equal(error.message, `lab/echo failed; the server's log has it under ${error.id}`, 'its message')
      holds(!/secret|12345/.test(error.stack ?? ''), 'an error without what the handler threw')
      await Promise.all(others)
      await expectHealthy(opened)
      matches(opened.log.at('error'), [{ fields: { method: 'lab/echo', id: error.id } }], 'the log')
    },
  ),

  async 'keeps the stack of what was thrown for the log'(t) {
    const { client, log } = await t.open(throwing(() => new RangeError('the detail')))
    await fails(client.echo({ text: 'bad' }), { code: 'internal' })
    const [line] = log.at('error')
    equal(line?.message, 'handler failed', 'the line in the log')
    holds(line?.fields['err'] instanceof RangeError, 'the error itself in the log')
    holds(log.text.includes('the detail'), 'its message in the log')
  },

  async 'is broken by no logger'(t) {
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
    const opened = await t.open(service, { log })
    await fails(opened.client.echo({ text: 'bad' }), { code: 'internal' })
    await expectHealthy(opened)
  },

  async 'gives the handler a log that names its method and its peer'(t) {
    const { client, log } = await t.open(
      lab({
        echo({ text }, ctx) {
          ctx.log.warn({ text }, 'seen')
          return { text }
        },
      }),
    )
    await client.echo({ text: 'x' })
    const fields = { method: 'lab/echo', peer: /./, text: 'x' }
    matches(log.lines, [{ level: 'warn', message: 'seen', fields }], 'the log')
  },
}

const ofOthers: Cases = {
  async 'passes on the code alone of a call to another service'(t) {
    const inner = await t.open(
      lab({
        echo({ text }, ctx) {
          if (text === 'declared') throw ctx.error('Banned', { until: 'secret' })
          throw new NanowireError(text, 'secret')
        },
      }),
    )
    const { client, log } = await t.open(lab({ echo: (request) => inner.client.echo(request) }))
    const status = await fails(client.echo({ text: 'not_found' }), {
      code: 'not_found',
      processed: 'yes',
      data: undefined,
      message: 'lab/echo: a call that it made ended with not_found',
    })
    const other = await fails(client.echo({ text: 'declared' }), {
      code: 'internal',
      processed: 'yes',
      data: undefined,
    })
    holds(!`${status.stack}${other.stack}`.includes('secret'), 'errors without what the inner service said')
    equal(
      log.at('error').map(({ fields }) => fields['id']),
      [other.id],
      'the ids in the log',
    )
  },

  async 'says yes of the outer handler, whatever became of the inner call'(t) {
    const inner = await t.open(lab({}))
    await inner.wire.close()
    const { client } = await t.open(lab({ echo: (request) => inner.client.echo(request) }))
    await fails(client.echo({ text: 'x' }), { code: 'unavailable', processed: 'yes' })
  },

  async 'lets a handler mend what an inner call ended with'(t) {
    const inner = await t.open(throwing((text) => new NanowireError('Banned', '', { data: { until: text } })))
    const { client } = await t.open(
      lab({
        async echo(request) {
          const got = await inner.client.echo.try(request)
          if (got.ok) return got.value
          return { text: got.error.code === 'Banned' ? `until ${got.error.data.until}` : got.error.code }
        },
      }),
    )
    equal(await client.echo({ text: 'noon' }), { text: 'until noon' })
    equal(await client.echo({ text: 'fine' }), { text: 'fine' })
  },
}

export const errors: Cases = { ...declared, ...statuses, ...unknown, ...ofOthers }
