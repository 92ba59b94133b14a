/** A notify: its caller waits for nothing; what becomes of it stands in the server's log and counters. */
import { expect } from 'vitest'
import { type Context, NanowireError } from '../../../src/index.ts'
import { nextTurn, until } from '../../support/hand-clock.ts'
import { casesOf, type Opened, type Skips, type TestPlace } from '../../support/places.ts'
import { failureOf, Gate, Lab, lab, never } from '../lab.ts'

const COUNTS: Skips = { encoded: 'its server is inside, and only the client can be asked' }

const counted = ({ counts }: Opened, method: string, code: string) => counts().calls[method]?.[code] === 1

export function notifySuite(place: TestPlace): void {
  const its = casesOf(place)

  its('resolves to nothing, and reaches its handler', async () => {
    const lines: string[] = []
    const arrived = new Gate()
    const { wire } = await place.open(
      lab({
        note({ line }) {
          lines.push(line)
          if (lines.length === 3) arrived.open()
        },
      }),
    )
    const { note } = wire.client(Lab)
    for (const line of ['a', 'b', 'c']) expect(await note({ line })).toBeUndefined()
    await arrived.promise
    expect(lines).toEqual(['a', 'b', 'c'])
  })

  its('does not wait for its handler', async () => {
    const begun = new Gate()
    const { wire, counts } = await place.open(
      lab({
        note() {
          begun.open()
          return never()
        },
      }),
    )
    await wire.client(Lab).note({ line: 'x' })
    await begun.promise
    expect(counts().inFlight).toBe(place.name === 'encoded' ? 0 : 1) // which is the client's number there
  })

  its(
    'fails in the log and the counters only',
    async () => {
      const opened = await place.open(lab({ note: () => Promise.reject(new Error('secret')) }))
      await opened.wire.client(Lab).note({ line: 'payload' })
      await until(() => counted(opened, 'lab/note', 'internal'))
      const [line, ...more] = opened.log.at('error')
      expect(line?.fields).toMatchObject({ method: 'lab/note', id: expect.any(String) })
      expect(more).toEqual([])
      expect(opened.log.text).not.toContain('payload')
    },
    COUNTS,
  )

  its('stands in the log even if its handler fails with a status', async () => {
    const opened = await place.open(
      lab({
        note() {
          throw new NanowireError('failed_precondition', 'the disk is full')
        },
      }),
    )
    await opened.wire.client(Lab).note({ line: 'payload' })
    await until(() => place.name === 'encoded' || counted(opened, 'lab/note', 'failed_precondition'))
    await nextTurn()
    await nextTurn()
    const lines = [...opened.log.at('warn'), ...opened.log.at('error')]
    expect(lines.map(({ fields }) => fields['method'])).toEqual(['lab/note'])
    expect(opened.log.text).not.toContain('payload')
  })

  its('is refused where its caller can see it: a bad request, an aborted signal', async () => {
    let runs = 0
    const { wire } = await place.open(
      lab({
        note() {
          runs++
        },
      }),
    )
    const { note } = wire.client(Lab)
    expect(await failureOf(note({ line: 7 } as never))).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    const aborted = failureOf(note({ line: 'x' }, { signal: AbortSignal.abort() }))
    expect(await aborted).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(runs).toBe(0)
  })

  its("has the method's deadline, of which its handler is told", async () => {
    const begun: Gate<Context> = new Gate()
    const { wire, clock } = await place.open(
      lab({
        quickNote(_, ctx) {
          begun.open(ctx)
          return never()
        },
      }),
    )
    await wire.client(Lab).quickNote()
    const ctx = await begun.promise
    expect(ctx.deadline?.remainingMs).toBe(100)
    expect(ctx.signal.aborted).toBe(false)
    clock.advance(108)
    expect(ctx.signal.reason).toMatchObject({ code: 'deadline_exceeded' })
  })

  its("has the limit's deadline where nobody names one, and the call's where it does", async () => {
    const contexts: Context[] = []
    const { wire } = await place.open(
      lab({
        note(_, ctx) {
          contexts.push(ctx)
          return never()
        },
      }),
      { limits: { callTimeoutMs: 700 } },
    )
    await wire.client(Lab).note({ line: 'x' })
    await wire.client(Lab).note({ line: 'x' }, { timeoutMs: 300 })
    await until(() => contexts.length === 2)
    expect(contexts.map(({ deadline }) => deadline?.remainingMs)).toEqual([700, 300])
  })

  its('is not cancelled by a signal after it was accepted', async () => {
    const begun: Gate<Context> = new Gate()
    const { wire } = await place.open(
      lab({
        note(_, ctx) {
          begun.open(ctx)
          return never()
        },
      }),
    )
    const controller = new AbortController()
    await wire.client(Lab).note({ line: 'x' }, { signal: controller.signal })
    const ctx = await begun.promise
    controller.abort()
    await nextTurn()
    expect(ctx.signal.aborted).toBe(false)
  })

  its('carries metadata to its handler', async () => {
    const tenant: Gate<unknown> = new Gate()
    const { wire } = await place.open(lab({ note: (_, ctx) => tenant.open(ctx.metadata.get('tenant')) }))
    await wire.client(Lab).note({ line: 'x' }, { metadata: { tenant: 'blue' } })
    expect(await tenant.promise).toBe('blue')
  })

  its(
    'is counted when it succeeds, whatever its handler returned',
    async () => {
      const opened = await place.open(lab({ note: () => 'ignored' as never }))
      await opened.wire.client(Lab).note({ line: 'x' })
      await until(() => counted(opened, 'lab/note', 'ok'))
      expect(opened.log.lines).toEqual([])
    },
    COUNTS,
  )

  its('has a .try too', async () => {
    const { wire } = await place.open(lab({ note: () => undefined }))
    const { note } = wire.client(Lab)
    expect(await note.try({ line: 'x' })).toEqual({ ok: true, value: undefined })
    expect(await note.try({ line: 7 } as never)).toMatchObject({ ok: false, error: { code: 'invalid_argument' } })
  })
}
