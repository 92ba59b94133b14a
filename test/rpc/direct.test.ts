/** Calls in memory, whose objects are used again and whose deadlines are waited for no sooner than they must (spec/places.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { type Context, connect, contract, type NanowireError, notify, router, service, unary } from '../../src/index.ts'
import { mulberry32 } from '../../src/testing/simulate/chance.ts'
import { HandClock, nextTurn } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'

const TICK_MS = 8

const Lab = contract('lab', {
  run: unary(Type.Object({ n: Type.Integer() }), Type.Object({ n: Type.Integer() }), {
    errors: { Odd: Type.Object({ n: Type.Integer() }) },
  }),
  tell: notify(Type.Object({ n: Type.Integer() })),
})

type Run = (request: { n: number }, ctx: Context) => unknown

/** A lab whose handlers do what is said, on a clock that is moved by hand. */
function labOf(run: Run, limits: object = {}) {
  const clock = new HandClock()
  const lab = service(Lab, { run: run as never, tell: run as never }) // what does not fit is what some tests are about
  const log = new RecordingLog() // what handlers throw stands there
  const wire = connect(router([lab], { log }), { clock, limits, principal: 'ada' })
  return { clock, wire, client: wire.client(Lab) }
}

const never = () => new Promise<never>(() => {})
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: NanowireError) => error.code,
  )

/** Puts down when each call has ended. */
function watch(clock: HandClock, calls: readonly Promise<unknown>[]): { readonly ends: (string | undefined)[] } {
  const ends: (string | undefined)[] = calls.map(() => undefined)
  calls.forEach((call, index) => {
    void codeOf(call).then((code) => (ends[index] = `${code} at ${clock.now()}`))
  })
  return { ends }
}

describe('a deadline', () => {
  it('is its own for each of the calls that begin in one turn, the shortest last', async () => {
    const { clock, client } = labOf(never)
    const from = clock.now()
    const timeouts = [400, 200, 40, 3]
    const { ends } = watch(
      clock,
      timeouts.map((timeoutMs, n) => client.run({ n }, { timeoutMs })),
    )
    for (let ms = 0; ms < 420; ms++) {
      clock.advance(1)
      await nextTurn()
    }
    const at = ends.map((end) => Number(end?.replace('deadline_exceeded at ', '')) - from)
    for (const [index, timeoutMs] of timeouts.entries()) {
      expect(at[index]).toBeGreaterThanOrEqual(timeoutMs)
      expect(at[index]).toBeLessThanOrEqual(timeoutMs + TICK_MS)
    }
  })

  it('is told to a handler that asks for it at once, and holds as it was told', async () => {
    const told: (number | undefined)[] = []
    const { clock, client } = labOf((_, ctx) => {
      told.push(ctx.deadline?.remainingMs)
      return never()
    })
    const { ends } = watch(clock, [client.run({ n: 1 }, { timeoutMs: 80 }), client.run({ n: 2 }, { timeoutMs: 16 })])
    expect(told).toEqual([80, 16])
    clock.advance(15)
    await nextTurn()
    expect(ends).toEqual([undefined, undefined])
    clock.advance(1 + TICK_MS)
    await nextTurn()
    expect(ends[0]).toBeUndefined()
    expect(ends[1]).toMatch('deadline_exceeded')
  })

  it('is counted from when a handler asked for it, though it was busy afterwards', async () => {
    const { clock, client } = labOf((_, ctx) => {
      const { deadline } = ctx
      clock.advance(40)
      expect(deadline?.remainingMs).toBe(40)
      return never()
    })
    const { ends } = watch(clock, [client.run({ n: 1 }, { timeoutMs: 80 })])
    clock.advance(40 + TICK_MS)
    await nextTurn()
    expect(ends[0]).toMatch('deadline_exceeded')
  })

  it('of a lone call is met in one step of the clock', async () => {
    const { clock, client } = labOf(never)
    const { ends } = watch(clock, [client.run({ n: 1 }, { timeoutMs: 80 })])
    clock.advance(80 + TICK_MS)
    await nextTurn()
    expect(ends[0]).toMatch('deadline_exceeded')
  })

  it('is counted on in what a handler keeps of its context', async () => {
    const kept: Context[] = []
    const { clock, client } = labOf(({ n }, ctx) => {
      kept.push(ctx)
      return n < 2 ? { n } : never()
    })
    await client.run({ n: 1 }, { timeoutMs: 100 })
    void client.run({ n: 2 }, { timeoutMs: 100 }).catch(() => {})
    void client.run({ n: 3 }, { timeoutMs: 200 }).catch(() => {})
    void client.run({ n: 4 }, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => {})
    clock.advance(50)
    expect(kept.slice(1).map((ctx) => ctx.deadline?.remainingMs)).toEqual([50, 150, undefined])
    clock.advance(500)
    expect(kept.slice(1).map((ctx) => ctx.deadline?.remainingMs)).toEqual([0, 0, undefined])
  })

  it('of a notify is its handler’s, also where others begin in its turn, and where it has waited', async () => {
    const stopped: string[] = []
    const { clock, client } = labOf(
      ({ n }, ctx) =>
        new Promise<void>((resolve) => {
          const stop = () => {
            stopped.push(`${n} at ${clock.now() - 1_000}: ${(ctx.signal.reason as NanowireError).code}`)
            resolve()
          }
          ctx.signal.addEventListener('abort', stop)
        }),
      { maxCallsInFlight: 2 },
    )
    await Promise.all([client.tell({ n: 1 }, { timeoutMs: 40 }), client.tell({ n: 2 }, { timeoutMs: 16 })])
    void client.tell({ n: 3 }, { timeoutMs: 64 })
    for (let ms = 0; ms < 80; ms += TICK_MS) {
      clock.advance(TICK_MS)
      await nextTurn()
    }
    expect(stopped).toEqual([16, 40, 64].map((at, index) => `${[2, 1, 3][index]} at ${at}: deadline_exceeded`))
  })

  it.each<[string, Run]>([
    ['answers at once', ({ n }) => ({ n })],
    ['answers later', async ({ n }) => ({ n })],
    ['throws', () => Promise.reject(new Error('mine'))],
  ])('is waited for no longer when the handler %s', async (_, run) => {
    const { clock, client } = labOf(run)
    for (let n = 0; n < 3; n++)
      await Promise.all([client.tell({ n }), client.run({ n }), client.run({ n })].map(codeOf))
    clock.advance(TICK_MS)
    await nextTurn()
    expect(clock.timers).toBe(0)
  })

  it('is waited for no longer when the caller has cancelled while the handler began', async () => {
    const controller = new AbortController()
    const { clock, client, wire } = labOf(() => {
      controller.abort()
      return never()
    })
    expect(await codeOf(client.run({ n: 1 }, { signal: controller.signal }))).toBe('cancelled')
    clock.advance(TICK_MS)
    await nextTurn()
    expect(clock.timers).toBe(0)
    expect(wire.stats().inFlight).toBe(1) // the handler has not ended
  })
})

describe('a call whose handler answers at once', () => {
  it('is cancelled all the same where the handler itself cancels it', async () => {
    const controller = new AbortController()
    const { client, wire } = labOf(({ n }, ctx) => {
      controller.abort('enough')
      expect(ctx.signal.aborted).toBe(true)
      return { n }
    })
    const call = client.run({ n: 1 }, { signal: controller.signal })
    await expect(call).rejects.toMatchObject({ code: 'cancelled', processed: 'maybe', cause: 'enough' })
    expect(wire.stats().inFlight).toBe(0)
  })

  it('ends as one that answers later, with its metadata', async () => {
    for (const later of [false, true]) {
      const outcome = (n: number, ctx: Context) => {
        ctx.reply.set('n', String(n))
        if (n % 2 === 1) throw ctx.error('Odd', { n })
        return { n }
      }
      const { client, wire } = labOf(({ n }, ctx) =>
        later ? Promise.resolve().then(() => outcome(n, ctx)) : outcome(n, ctx),
      )
      const seen: string[] = []
      const options = {
        onMetadata: (metadata: Readonly<Record<string, string>>) => void seen.push(metadata['n'] ?? ''),
      }
      expect(await client.run({ n: 2 }, options)).toEqual({ n: 2 })
      await expect(client.run({ n: 3 }, options)).rejects.toMatchObject({
        code: 'Odd',
        data: { n: 3 },
        processed: 'yes',
      })
      expect(seen).toEqual(['2', '3'])
      expect(wire.stats().calls).toEqual({ 'lab/run': { ok: 1, Odd: 1 } })
      const mine = new Error('mine')
      const thrown = client.run(
        { n: 4 },
        {
          onMetadata: () => {
            throw mine
          },
        },
      )
      await expect(thrown).rejects.toBe(mine)
    }
  })

  it('may have waited for a slot until a later turn', async () => {
    let go = (): void => {}
    const { clock, client, wire } = labOf(
      ({ n }) => (n === 1 ? new Promise((resolve) => (go = () => resolve({ n }))) : { n }),
      { maxCallsInFlight: 1 },
    )
    const calls = [1, 2, 3].map((n) => client.run({ n }))
    clock.advance(TICK_MS)
    await nextTurn()
    go()
    expect(await Promise.all(calls)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(await client.run({ n: 4 })).toEqual({ n: 4 })
    expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0, calls: { 'lab/run': { ok: 4 } } })
    clock.advance(TICK_MS)
    await nextTurn()
    expect(clock.timers).toBe(0)
  })

  it('may make calls itself, of the same kind', async () => {
    const inner: Promise<unknown>[] = []
    const lab = labOf(({ n }) => {
      if (n > 0) inner.push(lab.client.run({ n: n - 1 }))
      return { n }
    })
    expect(await lab.client.run({ n: 5 })).toEqual({ n: 5 })
    expect(await Promise.all(inner)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })))
  })
})

describe('objects of calls that have ended', () => {
  it('stand for others, and none has anything of another: reply, error, context, metadata', async () => {
    const chance = mulberry32(7)
    const kept: [number, Context][] = []
    const { clock, client, wire } = labOf(
      ({ n }, ctx) => {
        kept.push([n, ctx])
        const answer = () => {
          ctx.reply.set('n', String(n))
          if (n % 7 === 0) throw ctx.error('Odd', { n })
          return { n }
        }
        if (n % 5 === 0) return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve({ n })))
        return n % 2 === 0 ? answer() : Promise.resolve().then(answer)
      },
      { maxCallsInFlight: 40, maxCallsQueued: 60 },
    )
    const ends: Record<string, number> = {}
    const isBare = (n: number): boolean => n % 4 === 1 && n % 5 !== 0 && n % 9 !== 0
    const received: [number, string[], string[]][] = []
    const one = async (n: number): Promise<void> => {
      const controller = new AbortController()
      const metadata: string[] = []
      const options = {
        timeoutMs: 20 + Math.floor(chance() * 40),
        metadata: { n: String(n) },
        onMetadata: (back: Readonly<Record<string, string>>) => void metadata.push(back['n'] ?? 'none'),
        signal: n % 3 === 0 ? controller.signal : undefined,
      }
      const call = client.run({ n }, isBare(n) ? undefined : options)
      if (n % 9 === 0) controller.abort()
      const end = await call.then(
        (reply) => {
          expect(reply).toEqual({ n })
          return 'ok'
        },
        (error: NanowireError) => {
          if (error.code === 'Odd') expect(error.data).toEqual({ n })
          return error.code
        },
      )
      received.push([n, isBare(n) ? [] : [end === 'ok' || end === 'Odd' ? String(n) : 'none'], metadata])
      ends[end] = (ends[end] ?? 0) + 1
    }
    for (let n = 0; n < 3_000; ) {
      const calls: Promise<void>[] = []
      for (const until = n + Math.floor(chance() * 120); n < until; n++) calls.push(one(n))
      await nextTurn()
      clock.advance(100)
      await Promise.all(calls)
    }
    for (const [n, ctx] of kept)
      expect([ctx.metadata.get('n'), ctx.principal]).toEqual([isBare(n) ? undefined : String(n), 'ada'])
    for (const [n, wanted, metadata] of received) expect([n, metadata]).toEqual([n, wanted]) // in the end: none came later
    expect(wire.stats().calls).toEqual({ 'lab/run': ends })
    expect(Object.keys(ends).sort()).toEqual(['Odd', 'cancelled', 'deadline_exceeded', 'ok'])
    expect([wire.stats().inFlight, wire.stats().waiting]).toEqual([0, 0])
  })
})

it('a long queue of calls whose handlers answer at once is worked off without recursion, in its order', async () => {
  const release: ((value: unknown) => void)[] = []
  const ran: number[] = []
  const { client } = labOf(
    ({ n }) => {
      ran.push(n)
      return n === 0 ? new Promise((resolve) => release.push(resolve)) : { n }
    },
    { maxCallsInFlight: 1, maxCallsQueued: 20_000 },
  )
  const calls = Array.from({ length: 16_000 }, (_, n) => client.run({ n }))
  expect(ran).toEqual([0])
  release[0]?.({ n: 0 })
  const replies = await Promise.all(calls)
  expect(replies.map(({ n }) => n)).toEqual(ran)
  expect(ran).toEqual(Array.from({ length: 16_000 }, (_, n) => n))
})
