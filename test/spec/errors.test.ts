/** The rules of spec/errors.md, in memory and over the protocol alike. */
import Type from 'typebox'
import { describe, expect, it, test } from 'vitest'
import {
  type Context,
  connect,
  contract,
  NanowireError,
  notify,
  router,
  serve,
  service,
  statusCodes,
  unary,
} from '../../src/index.ts'
import { endOf, errorOf, open, placeNames } from './places.ts'
import { NOTHING, refusalOf } from './refusal.ts'
import { pass, settle } from './stage.ts'

const Lab = contract('lab', {
  run: unary(Type.Object({ n: Type.Integer() }), Type.Object({ n: Type.Integer() }), {
    errors: { Broken: Type.Object({ at: Type.String({ maxLength: 20_000 }) }) },
  }),
  other: unary(NOTHING, NOTHING),
  tell: notify(Type.Object({ secret: Type.String() })),
})

type RunContext = Context<(typeof Lab)['methods']['run']['definition']>

/** A lab whose `run` does this, and `other` always works. */
function labThat(run: (request: { n: number }, ctx: RunContext) => unknown) {
  return service(Lab, { run: (request, ctx) => run(request, ctx) as { n: number }, other: () => null, tell() {} }) // may be wrong, on purpose
}

const throwing = (thrown: unknown) => labThat(() => Promise.reject(thrown))
const never = () => new Promise<never>(() => {})

test('E2: no status begins with a capital, and every declared error does', () => {
  expect(Object.keys(statusCodes).filter((code) => !/^[a-z_]+$/.test(code))).toEqual([])
  expect(refusalOf(() => contract('c', { m: unary(NOTHING, NOTHING, { errors: { aborted: NOTHING } }) }))).toContain(
    'capital',
  )
})

describe.each(placeNames)('in %s', (place) => {
  /** The error of `run({ n: 1 })`, and what else there is to look at. */
  async function failureOf(lab: ReturnType<typeof labThat>) {
    const { wire, log, outcome } = open(place, lab)
    const error = errorOf(await outcome(wire.client(Lab).run({ n: 1 })))
    return { error, log, outcome, wire }
  }

  it('E3: whatever leaves a handler has run', async () => {
    const { error } = await failureOf(throwing(new NanowireError('aborted', 'm', { processed: 'no' })))
    expect(error).toMatchObject({ code: 'aborted', processed: 'yes' })
  })

  it('E4: a deadline or a cancellation before and after the request has left', async () => {
    const { wire, clock, outcome } = open(place, labThat(never), { maxCallsInFlight: 1 })
    const { run } = wire.client(Lab)
    await outcome(wire.ready())
    const abort = new AbortController()
    const left = endOf(run({ n: 1 }, { timeoutMs: 50 }))
    const waiting = endOf(run({ n: 2 }, { timeoutMs: 50 }))
    const cancelled = endOf(run({ n: 3 }, { signal: abort.signal }))
    await settle(clock)
    abort.abort()
    await pass(clock, 100)
    expect(errorOf(left.outcome)).toMatchObject({ code: 'deadline_exceeded', processed: 'maybe' })
    expect(errorOf(waiting.outcome)).toMatchObject({ code: 'deadline_exceeded', processed: 'no' })
    expect(errorOf(cancelled.outcome)).toMatchObject({ code: 'cancelled', processed: 'no' })
  })

  it('E4: cancelled afterwards', async () => {
    const { wire, clock } = open(place, labThat(never))
    const abort = new AbortController()
    const call = endOf(wire.client(Lab).run({ n: 1 }, { signal: abort.signal }))
    await settle(clock)
    abort.abort()
    await settle(clock)
    expect(errorOf(call.outcome)).toMatchObject({ code: 'cancelled', processed: 'maybe' })
  })

  it('E5: what is refused before the handler has not run', async () => {
    const Foreign = contract('foreign', { m: unary(NOTHING, NOTHING) })
    const { wire, clock, outcome } = open(place, labThat(never), { maxCallsInFlight: 1, maxCallsQueued: 1 })
    await outcome(wire.ready())
    const { run } = wire.client(Lab)
    expect(errorOf(await outcome(wire.client(Foreign).m(null)))).toMatchObject({
      code: 'unimplemented',
      processed: 'no',
    })
    expect(errorOf(await outcome(run({ n: 1.5 })))).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    void endOf(run({ n: 1 }))
    void endOf(run({ n: 2 }))
    expect(errorOf(await outcome(run({ n: 3 })))).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    void wire.close({ drainMs: 1 })
    expect(errorOf(await outcome(run({ n: 4 })))).toMatchObject({ code: 'unavailable', processed: 'no' })
    await pass(clock, 1)
  })

  it('E6: a declared error keeps its data, and nothing else', async () => {
    const lab = labThat((_, ctx) => {
      throw Object.assign(ctx.error('Broken', { at: 'x' }), { message: 'a secret', cause: 'a secret' })
    })
    const { error, log } = await failureOf(lab)
    expect(error).toMatchObject({ code: 'Broken', data: { at: 'x' }, processed: 'yes', message: 'lab/run: Broken' })
    expect([error.cause, error.id, log.text]).toEqual([undefined, undefined, ''])
  })

  it('E6: a declared error carries no undeclared properties', async () => {
    const lab = labThat((_, ctx) => {
      throw ctx.error('Broken', { at: 'x', password: 'a secret' } as { at: string })
    })
    expect((await failureOf(lab)).error.data).toEqual({ at: 'x' })
  })

  it('E7: declared data that do not fit', async () => {
    const lab = labThat((_, ctx) => {
      throw ctx.error('Broken', { at: 5 } as never)
    })
    const { error, log } = await failureOf(lab)
    expect(error).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
    expect(log.at('error')).toMatchObject([{ fields: { id: error.id, misfit: '/at must be string' } }])
  })

  it('E8: a status that the handler makes keeps its message', async () => {
    const made = new NanowireError('not_found', 'no such run', { data: { a: 1 }, cause: new Error('a secret') })
    const { error, log } = await failureOf(throwing(made))
    expect(error).toMatchObject({ code: 'not_found', message: 'no such run', processed: 'yes', data: undefined })
    expect([error.cause, log.text]).toEqual([undefined, ''])
  })

  const Inner = contract('inner', { ask: unary(NOTHING, NOTHING, { errors: { Secret: NOTHING }, timeoutMs: 5 }) })
  const fromInner = (handler: Parameters<typeof service<typeof Inner>>[1]['ask']) => {
    const inner = open(place, service(Inner, { ask: handler }))
    const lab = labThat(async () => await inner.wire.client(Inner).ask(null))
    return { lab, inner }
  }

  it('E9: a status of an inner call passes by its code alone', async () => {
    const { lab, inner } = fromInner(() => {
      throw new NanowireError('not_found', 'a secret')
    })
    const { wire, clock } = open(place, lab)
    const call = endOf(wire.client(Lab).run({ n: 1 }))
    for (let turn = 0; turn < 4; turn++) await Promise.all([settle(clock), settle(inner.clock)])
    expect(errorOf(call.outcome)).toMatchObject({ code: 'not_found', processed: 'yes' })
    expect(errorOf(call.outcome).message).toMatch(/^lab\/run: /)
    expect(errorOf(call.outcome).message).not.toMatch(/secret|inner/)
  })

  it('E9: so does what the inner call ended with by itself', async () => {
    const { lab, inner } = fromInner(never)
    const { wire, clock } = open(place, lab)
    const call = endOf(wire.client(Lab).run({ n: 1 }))
    for (let turn = 0; turn < 4; turn++) await Promise.all([settle(clock), pass(inner.clock, 20)])
    expect(errorOf(call.outcome)).toMatchObject({ code: 'deadline_exceeded', processed: 'yes' })
    expect(errorOf(call.outcome).message).not.toMatch(/inner/)
  })

  it('E10: a declared error of an inner call is internal', async () => {
    const { lab, inner } = fromInner((_, ctx) => {
      throw ctx.error('Secret', null)
    })
    const { wire, clock, log } = open(place, lab)
    const call = endOf(wire.client(Lab).run({ n: 1 }))
    for (let turn = 0; turn < 4; turn++) await Promise.all([settle(clock), settle(inner.clock)])
    expect(errorOf(call.outcome)).toMatchObject({ code: 'internal', processed: 'yes' })
    expect(errorOf(call.outcome).message).not.toMatch(/Secret/)
    expect(log.at('error')).toMatchObject([{ fields: { id: errorOf(call.outcome).id } }])
  })

  const hostile = new Proxy(new Error('x'), {
    get() {
      throw new Error('a secret')
    },
    getPrototypeOf() {
      throw new Error('a secret')
    },
  })
  const accidents: readonly [string, unknown][] = [
    ['an Error', new Error('a secret')],
    ['a text', 'a secret'],
    ['undefined', undefined],
    ['null', null],
    ['an undeclared name', new NanowireError('Undeclared', 'a secret')],
    ['a code that is none', new NanowireError('whatever', 'a secret')],
    ['what cannot be looked at', hostile],
  ]

  it.each(accidents)('E11, E14: %s is internal, and the log has it under its id', async (_, thrown) => {
    const { error, log } = await failureOf(throwing(thrown))
    expect(error).toMatchObject({ code: 'internal', processed: 'yes', data: undefined })
    expect(error.cause).toBeUndefined()
    expect(error.id).toMatch(/^[0-9a-f]{12}$/)
    expect(error.message).toBe(`lab/run failed; the server's log has it under ${error.id}`)
    expect(log.at('error')).toHaveLength(1)
    expect(log.at('error')[0]?.fields['id']).toBe(error.id)
  })

  it('E12: a request that does not fit says where, and the handler does not run', async () => {
    let ran = 0
    const { wire, outcome } = open(
      place,
      labThat(({ n }) => ({ n: ++ran && n })),
    )
    const { run } = wire.client(Lab)
    const error = errorOf(await outcome(run({ n: 'a secret' } as never)))
    expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(error.message).toContain('/n must be integer')
    expect(error.message).not.toContain('secret')
    expect(ran).toBe(0)
    expect(await outcome(run({ n: 7 }))).toEqual({ value: { n: 7 } })
  })

  it('E13: a reply that does not fit is told to the log alone', async () => {
    const { error, log } = await failureOf(labThat(() => ({ n: 'a secret' })))
    expect(error).toMatchObject({ code: 'internal', processed: 'yes' })
    expect(error.message).not.toMatch(/integer|secret/)
    expect(log.at('error')).toMatchObject([{ fields: { id: error.id, misfit: '/n must be integer' } }])
  })

  it('E14: the log has no payloads', async () => {
    const { wire, log, outcome } = open(
      place,
      labThat(() => ({ n: 'a secret reply' })),
    )
    const client = wire.client(Lab)
    await outcome(client.run({ n: 123_456_789 }, { metadata: { token: 'a secret token' } }))
    await outcome(client.tell({ secret: 5 } as never))
    await outcome(client.run({ n: 'a secret request' } as never))
    expect(log.lines.length).toBeGreaterThan(0)
    expect(log.text).not.toMatch(/secret (reply|token|request)|123456789/)
  })

  it('E15: a handler that never settles hurts only its own call', async () => {
    const { wire, clock, outcome } = open(
      place,
      labThat(({ n }) => (n === 1 ? never() : { n })),
    )
    const { run, other } = wire.client(Lab)
    const stuck = endOf(run({ n: 1 }, { timeoutMs: 50 }))
    expect(await outcome(other(null))).toEqual({ value: null })
    await pass(clock, 100)
    expect(errorOf(stuck.outcome).code).toBe('deadline_exceeded')
    expect(await outcome(run({ n: 2 }))).toEqual({ value: { n: 2 } })
    expect(wire.stats().inFlight).toBe(1)
  })

  it('E19: a notify is done when it was accepted', async () => {
    const { wire, log, outcome } = open(
      place,
      service(Lab, { run: never, other: never, tell: () => Promise.reject(new Error('x')) }),
    )
    const { tell } = wire.client(Lab)
    expect(await outcome(tell({ secret: 's' }))).toEqual({ value: undefined })
    expect(log.at('error')).toHaveLength(1)
    expect(errorOf(await outcome(tell({} as never)))).toMatchObject({ code: 'invalid_argument', processed: 'no' })
  })

  it('E20: metadata come with replies and with errors', async () => {
    const lab = labThat(({ n }, ctx) => {
      ctx.reply.set('n', String(n))
      if (n === 2) throw new NanowireError('aborted', 'm')
      return { n }
    })
    const { wire, outcome } = open(place, lab)
    const seen: unknown[] = []
    const options = { onMetadata: (metadata: unknown) => seen.push(metadata) }
    await outcome(wire.client(Lab).run({ n: 1 }, options))
    await outcome(wire.client(Lab).run({ n: 2 }, options))
    expect(seen).toEqual([{ n: '1' }, { n: '2' }])
  })

  it('E22: a limit that fires says its name, value, peer and option', async () => {
    const { wire, outcome } = open(place, labThat(never), { maxCallsInFlight: 1, maxCallsQueued: 0 })
    await outcome(wire.ready())
    void endOf(wire.client(Lab).run({ n: 1 }))
    const { message } = errorOf(await outcome(wire.client(Lab).run({ n: 2 })))
    expect(message).toMatch(/maxCallsQueued is 0 \(peer memory; option limits\.maxCallsQueued\)/)
  })

  it('E23: .try is the same call', async () => {
    const lab = labThat(({ n }, ctx) => {
      if (n === 2) throw ctx.error('Broken', { at: 'x' })
      return { n }
    })
    const { wire, outcome } = open(place, lab)
    expect(await outcome(wire.client(Lab).run.try({ n: 1 }))).toEqual({ value: { ok: true, value: { n: 1 } } })
    const failed = await outcome(wire.client(Lab).run.try({ n: 2 }))
    expect(failed).toMatchObject({
      value: { ok: false, error: { code: 'Broken', data: { at: 'x' }, processed: 'yes' } },
    })
  })
})

describe('on the wire', () => {
  const failureOf = async (lab: ReturnType<typeof labThat>, limits = {}) => {
    const { wire, outcome } = open('encoded', lab, limits)
    return errorOf(await outcome(wire.client(Lab).run({ n: 1 })))
  }

  it('E16: the message is cut to 1,024 units, never within a character', async () => {
    const error = await failureOf(throwing(new NanowireError('aborted', `${'x'.repeat(1_023)}😀`)))
    expect(error.message).toBe(`${'x'.repeat(1_023)}\ufffd`)
  })

  it('E16: an error above maxErrorBytes is replaced', async () => {
    const lab = (length: number) =>
      labThat((_, ctx) => {
        throw ctx.error('Broken', { at: 'x'.repeat(length) })
      })
    expect(await failureOf(lab(16_000))).toMatchObject({ code: 'Broken' })
    const error = await failureOf(lab(17_000))
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(error.message).toContain('maxErrorBytes is 16384')
    expect(await failureOf(lab(17_000), { maxErrorBytes: 20_000 })).toMatchObject({ code: 'Broken' })
  })
})

describe('E21: misuse says what would be right', () => {
  const lab = labThat(never)
  const cases: readonly [string, () => unknown, string][] = [
    [
      'an option of connect',
      () => connect(lab, { retries: 3 } as object),
      'no option "retries"; there are use, limits',
    ],
    [
      'an option of router',
      () => router([lab], { retries: 3 } as object),
      'no option "retries"; there are use, authorize, limits',
    ],
    [
      'a limit that does not exist',
      () => connect(lab, { limits: { maxMoons: 1 } as object }),
      'the limits are maxConnections',
    ],
    [
      'a limit out of its range',
      () => connect(lab, { limits: { maxDepth: 0 } }),
      'limits.maxDepth is a whole number from 1 to 512',
    ],
    [
      'limits that contradict',
      () => connect(lab, { limits: { pingAfterMs: 30_000 } }),
      'must be larger than limits.pingAfterMs',
    ],
    ['no place', () => connect(5 as never), 'connect takes an address, a service'],
    ['an address of no scheme', () => connect('http://localhost:1'), 'write tcp://host:port'],
    [
      'options of memory with an address',
      () => connect('tcp://localhost:1', { encoded: true }),
      'services in this process',
    ],
    ['a handler that is missing', () => service(Lab, { run: never } as never), 'lab/other has no handler'],
    [
      'a handler without a method',
      () => service(Lab, { run: never, other: never, tell() {}, more() {} } as never),
      '"more"',
    ],
  ]
  it.each(cases)('%s', (_, act, words) => expect(refusalOf(act)).toContain(words))

  it('an address that cannot be served', async () => {
    for (const address of ['tcp://localhost', 'tcp://:1', 'nonsense', 'tcp://localhost:0/path'])
      await expect(serve(lab, address)).rejects.toMatchObject({ code: 'invalid_argument', processed: 'no' })
  })

  it('options of a call', async () => {
    const { run } = open('memory', lab).wire.client(Lab)
    for (const options of [
      { timeoutMs: 0 },
      { timeoutMs: 1.5 },
      { signal: {} as AbortSignal },
      { metadata: { a: 5 as never } },
    ])
      await expect(run({ n: 1 }, options)).rejects.toMatchObject({ code: 'invalid_argument', processed: 'no' })
  })
})
