/** A notify: its caller waits for nothing; what becomes of it stands in the server's log. */
import { NanowireError } from '../../../errors.ts'
import type { Context } from '../../../rpc/index.ts'
import { equal, fails, matches } from '../assert.ts'
import { Gate, lab, never } from '../lab.ts'
import type { Cases } from '../suite.ts'

/** A service whose notifies never end, and say that they have begun. */
function stuck() {
  const begun: Gate<Context> = new Gate()
  const wait = (_: unknown, ctx: Context) => {
    begun.open(ctx)
    return never()
  }
  return { service: lab({ note: wait, quickNote: wait }), begun }
}

export const notifies: Cases = {
  async 'resolves to nothing, and reaches its handler'(t) {
    const lines: string[] = []
    const { client } = await t.open(
      lab({
        note({ line }) {
          lines.push(line)
        },
      }),
    )
    for (const line of ['a', 'b', 'c']) equal(await client.note({ line }), undefined, 'what it resolves to')
    await t.until(() => lines.length === 3, 'three notifies')
    equal(lines, ['a', 'b', 'c'], 'the lines that came')
  },

  async 'does not wait for its handler'(t) {
    const { service, begun } = stuck()
    const { client } = await t.open(service)
    await client.note({ line: 'x' })
    await begun.promise
  },

  async 'stands in the log if its handler fails with a status'(t) {
    const { client, log } = await t.open(
      lab({
        note() {
          throw new NanowireError('failed_precondition', 'the disk is full')
        },
      }),
    )
    await client.note({ line: 'payload' })
    await t.until(() => log.lines.length > 0, 'a line in the log')
    await t.turns(2)
    const lines = [...log.at('warn'), ...log.at('error')]
    equal(
      lines.map(({ fields }) => fields['method']),
      ['lab/note'],
      'the methods in the log',
    )
    equal(log.text.includes('payload'), false, 'a payload in the log')
  },

  async 'stands in the log under an id if its handler throws'(t) {
    const { client, log } = await t.open(lab({ note: () => Promise.reject(new Error('secret')) }))
    await client.note({ line: 'payload' })
    await t.until(() => log.at('error').length > 0, 'a line in the log')
    await t.turns(2)
    matches(log.at('error'), [{ fields: { method: 'lab/note', id: /^[0-9a-f]{12}$/ } }], 'the log')
    equal(log.text.includes('payload'), false, 'a payload in the log')
  },

  async 'is refused where its caller can see it: a bad request, an aborted signal'(t) {
    let runs = 0
    const { client } = await t.open(
      lab({
        note() {
          runs++
        },
      }),
    )
    const misfit = client.note({ line: 7 } as never) // as a program without types may call it
    await fails(misfit, { code: 'invalid_argument', processed: 'no' })
    const aborted = client.note({ line: 'x' }, { signal: AbortSignal.abort() })
    await fails(aborted, { code: 'cancelled', processed: 'no' })
    await t.turns(2)
    equal(runs, 0, 'runs of the handler')
  },

  async "has the method's deadline, of which its handler is told"(t) {
    const { service, begun } = stuck()
    const { client, clock } = await t.open(service)
    await client.quickNote()
    const ctx = await begun.promise
    equal(ctx.deadline?.remainingMs, 100, 'what is left')
    equal(ctx.signal.aborted, false)
    clock.advance(108)
    matches(ctx.signal.reason, { code: 'deadline_exceeded' }, 'why the handler was told to stop')
  },

  async "has the limit's deadline where nobody names one, and the call's where it does"(t) {
    const contexts: Context[] = []
    const { client } = await t.open(
      lab({
        note(_, ctx) {
          contexts.push(ctx)
          return never()
        },
      }),
      { limits: { callTimeoutMs: 700 } },
    )
    await client.note({ line: 'x' })
    await client.note({ line: 'x' }, { timeoutMs: 300 })
    await t.until(() => contexts.length === 2, 'both handlers to begin')
    equal(
      contexts.map(({ deadline }) => deadline?.remainingMs),
      [700, 300],
      'what is left',
    )
  },

  async 'is not cancelled by a signal after it was accepted'(t) {
    const { service, begun } = stuck()
    const { client } = await t.open(service)
    const controller = new AbortController()
    await client.note({ line: 'x' }, { signal: controller.signal })
    const ctx = await begun.promise
    controller.abort()
    await t.turns(3)
    equal(ctx.signal.aborted, false)
  },

  async 'carries metadata to its handler'(t) {
    const tenant: Gate<unknown> = new Gate()
    const { client } = await t.open(lab({ note: (_, ctx) => tenant.open(ctx.metadata.get('tenant')) }))
    await client.note({ line: 'x' }, { metadata: { tenant: 'blue' } })
    equal(await tenant.promise, 'blue')
  },

  async 'has a .try too'(t) {
    const { client } = await t.open(lab({ note: () => undefined }))
    equal(await client.note.try({ line: 'x' }), { ok: true, value: undefined })
    const misfit = await client.note.try({ line: 7 } as never) // as a program without types may call it
    matches(misfit, { ok: false, error: { code: 'invalid_argument' } })
  },

  async 'hurts nobody when it fails: the calls around it go on'(t) {
    const { client, log } = await t.open(
      lab({ note: () => Promise.reject(new Error('bad')), echo: (request) => request }),
    )
    for (let n = 0; n < 5; n++) {
      await client.note({ line: 'x' })
      equal(await client.echo({ text: `${n}` }), { text: `${n}` })
    }
    await t.until(() => log.at('error').length === 5, 'five lines in the log')
  },
}
