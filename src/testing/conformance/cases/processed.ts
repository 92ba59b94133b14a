/** `processed` in each situation that every place can be brought into (spec/errors.md): did this call's handler run? */
import Type from 'typebox'
import { contract, unary } from '../../../contract/index.ts'
import { NanowireError, type Processed } from '../../../errors.ts'
import type { LimitOptions } from '../../../limits.ts'
import type { Context } from '../../../rpc/index.ts'
import { equal, fails } from '../assert.ts'
import { type Gate, lab, untyped } from '../lab.ts'
import { type Cases, each } from '../suite.ts'
import type { Opened } from '../trial.ts'
import { stuck } from './stuck.ts'

interface Situation {
  readonly code: string
  readonly processed: Processed
  /** How often a handler of `echo` or `quick` ran. */
  readonly runs: number
  readonly limits?: LimitOptions
  /** Brings it about, and returns the call. */
  call(opened: Opened, begun: Gate<Context>): Promise<unknown> | Promise<{ readonly ended: Promise<unknown> }>
}

const Other = contract('other', { get: unary(Type.Void(), Type.Void()) })

/** A call that began, and whose end somebody else brings about. */
async function begunCall(opened: Opened, begun: Gate<Context>, end: () => void, signal?: AbortSignal) {
  const ended = opened.client.echo({ text: 'stuck' }, { signal, timeoutMs: 500 })
  await begun.promise
  end()
  return { ended }
}

const situations: Readonly<Record<string, Situation>> = {
  'the request does not fit': {
    code: 'invalid_argument',
    processed: 'no',
    runs: 0,
    call: ({ client }) => client.echo({ text: 7 } as never), // as a program without types may call it
  },
  'an option is wrong': {
    code: 'invalid_argument',
    processed: 'no',
    runs: 0,
    call: ({ client }) => client.quick(undefined, untyped({ timeout: 5 })),
  },
  'no service has the method': {
    code: 'unimplemented',
    processed: 'no',
    runs: 0,
    call: ({ wire }) => wire.client(Other).get(),
  },
  'the signal was aborted before': {
    code: 'cancelled',
    processed: 'no',
    runs: 0,
    call: ({ client }) => client.quick(undefined, { signal: AbortSignal.abort() }),
  },
  'the metadata are too large': {
    code: 'resource_exhausted',
    processed: 'no',
    runs: 0,
    limits: { maxMetadataBytes: 10 },
    call: ({ client }) => client.quick(undefined, { metadata: { tenant: 'x'.repeat(20) } }),
  },
  'the connection was closed before': {
    code: 'unavailable',
    processed: 'no',
    runs: 0,
    call: async ({ client, wire }) => {
      await wire.close()
      return client.quick()
    },
  },
  'the handler threw a declared error': {
    code: 'Banned',
    processed: 'yes',
    runs: 1,
    call: ({ client }) => client.echo({ text: 'declared' }),
  },
  'the handler threw a status that says no': {
    code: 'not_found',
    processed: 'yes',
    runs: 1,
    call: ({ client }) => client.echo({ text: 'status' }),
  },
  'the handler failed in another way': {
    code: 'internal',
    processed: 'yes',
    runs: 1,
    call: ({ client }) => client.echo({ text: 'thrown' }),
  },
  'the reply does not fit': {
    code: 'internal',
    processed: 'yes',
    runs: 1,
    call: ({ client }) => client.echo({ text: 'misfit' }),
  },
  'the deadline passed while the handler ran': {
    code: 'deadline_exceeded',
    processed: 'maybe',
    runs: 1,
    call: (opened, begun) => begunCall(opened, begun, () => opened.clock.advance(600)),
  },
  'the caller cancelled while the handler ran': {
    code: 'cancelled',
    processed: 'maybe',
    runs: 1,
    call: (opened, begun) => {
      const controller = new AbortController()
      return begunCall(opened, begun, () => controller.abort(), controller.signal)
    },
  },
}

export const processed: Cases = each(
  situations,
  (name) => `is said where ${name}`,
  async (t, situation) => {
    let runs = 0
    const { service: waiting, begun } = stuck()
    const opened = await t.open(
      lab({
        echo(request, ctx) {
          runs++
          if (request.text === 'declared') throw ctx.error('Banned', { until: 'x' })
          if (request.text === 'status') throw new NanowireError('not_found', 'x', { processed: 'no' })
          if (request.text === 'thrown') throw new Error('x')
          if (request.text === 'misfit') return { text: 7 } as never // as a program without types may
          return waiting.handlers.echo(request, ctx)
        },
        quick() {
          runs++
        },
      }),
      { limits: situation.limits ?? {} },
    )
    const call = (async () => {
      const made = await situation.call(opened, begun)
      return typeof made === 'object' && made !== null && 'ended' in made ? await made.ended : made
    })()
    await fails(call, { code: situation.code, processed: situation.processed })
    equal(runs, situation.runs, 'runs of the handler')
  },
)
