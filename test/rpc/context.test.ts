/** Why a call is given up, as its handler hears of it: the error is made when somebody asks for it, and is one. */
import { describe, expect, it } from 'vitest'
import { NanowireError } from '../../src/index.ts'
import { CallContext } from '../../src/rpc/context.ts'
import { HandClock } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { Lab } from './lab.ts'

function contextOf(): CallContext {
  const side = { clock: new HandClock(), log: new RecordingLog(), peer: 'memory', bindings: undefined }
  return new CallContext(side, Lab.methods.echo, {}, undefined)
}

const ends: [string, (ctx: CallContext) => void, object][] = [
  [
    'its caller has gone away',
    (ctx) => ctx.callerGone(),
    { code: 'cancelled', message: 'lab/echo: the caller has gone away' },
  ],
  [
    'its deadline has passed',
    (ctx) => ctx.expire(),
    { code: 'deadline_exceeded', message: 'lab/echo: the deadline has passed' },
  ],
  [
    'a server closes',
    (ctx) => ctx.cancel(new NanowireError('unavailable', 'it closes')),
    { code: 'unavailable', message: 'it closes' },
  ],
]

describe('a call that is given up', () => {
  it.each(ends)('because %s says so to a handler that asks afterwards', (_, end, error) => {
    const ctx = contextOf()
    end(ctx)
    expect(ctx.signal.aborted).toBe(true)
    expect(ctx.signal.reason).toBeInstanceOf(NanowireError)
    expect(ctx.signal.reason).toMatchObject(error)
    expect(ctx.reason).toBe(ctx.signal.reason)
  })

  it.each(ends)(
    'because %s says so to a handler that listens, and to whoever runs it, by one error',
    (_, end, error) => {
      const ctx = contextOf()
      const told: unknown[] = []
      ctx.signal.addEventListener('abort', () => told.push(ctx.signal.reason))
      ctx.onCancel((reason) => told.push(reason))
      end(ctx)
      expect(told).toHaveLength(2)
      expect(told[0]).toBe(told[1])
      expect(told[0]).toMatchObject(error)
    },
  )

  it.each(ends)('because %s is given up once', (_, end, error) => {
    const ctx = contextOf()
    const told: unknown[] = []
    ctx.onCancel((reason) => told.push(reason))
    end(ctx)
    ctx.expire()
    ctx.callerGone()
    ctx.cancel(new NanowireError('aborted', 'too late'))
    expect(told).toEqual([expect.objectContaining(error)])
    expect(ctx.reason).toBe(told[0])
  })

  it.each(ends)('because %s is told of nothing when its handler has ended', (_, end) => {
    const ctx = contextOf()
    const { signal } = ctx
    ctx.onCancel(() => expect.unreachable())
    ctx.end()
    end(ctx)
    expect([signal.aborted, ctx.reason]).toEqual([false, undefined])
  })

  it('tells nobody who runs it where hearing the signal has ended it', () => {
    const ctx = contextOf()
    ctx.onCancel(() => expect.unreachable())
    ctx.signal.addEventListener('abort', () => ctx.end())
    ctx.callerGone()
    expect(ctx.reason).toMatchObject({ code: 'cancelled' })
  })
})
