/** `checkParity` passes what comes to the same everywhere, and says first of anything else where it differs. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { app, contract, NanowireError, notify, router, type Service, service, unary } from '../../src/index.ts'
import { type ConformancePlace, checkParity, type ParityOptions, type ParityWire } from '../../src/testing/index.ts'
import { mutants } from '../conformance/mutants.ts'
import { places } from '../conformance/places.ts'
import { holdTime, PATIENCE_MS, soonOver } from './patience.ts'

const Text = Type.Object({ text: Type.String() })
const Shop = contract('shop', {
  find: unary(Text, Type.Object({ text: Type.String(), tags: Type.Array(Type.String()) }), {
    errors: { Gone: Type.Object({ since: Type.String() }) },
  }),
  wait: unary(Text, Text, { timeoutMs: 100 }),
  ring: notify(Text),
})

type Handlers = Parameters<typeof service<typeof Shop>>[1]
type FindContext = Parameters<Handlers['find']>[1]

/** A shop whose `find` is given. */
function shopOf(find: Handlers['find']): Service {
  return service(Shop, {
    find,
    wait: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    ring: () => undefined,
  })
}

const sound = (): Service =>
  shopOf(({ text }, ctx) => {
    if (text === 'gone') throw ctx.error('Gone', { since: 'monday' })
    if (text === 'broken') throw new Error('secret')
    ctx.reply.set('shelf', text)
    return { text, tags: ['new'] }
  })

const findOnce = async (wire: ParityWire): Promise<unknown> => wire.client(Shop).find({ text: 'pen' })

/** What is wrong in words, and where. */
async function faultOf(
  services: () => Service | Promise<Service>,
  scenario: (wire: ParityWire) => unknown = findOnce,
  options: ParityOptions = {},
): Promise<NanowireError> {
  const failure: unknown = await checkParity(services, scenario, options).catch((error: unknown) => error)
  if (failure instanceof NanowireError) return failure
  throw new Error(`no difference was found, but ${String(failure)}`)
}

/** Everything that can happen to calls: replies, declared errors, failures, misfits, notifies, a deadline, a cancellation. */
async function everything(wire: ParityWire): Promise<string[]> {
  const { find, wait, ring } = wire.client(Shop)
  const codes: string[] = []
  await find({ text: 'pen' }, { metadata: { tenant: 't' } })
  for (const text of ['gone', 'broken', 7 as never]) {
    const result = await find.try({ text }) // 7 is what a program without types may pass
    codes.push(result.ok ? 'ok' : result.error.code)
  }
  const controller = new AbortController()
  const waiting = [wait.try({ text: 'late' }), wait.try({ text: 'cancelled' }, { signal: controller.signal })]
  await ring({ text: 'x' })
  await wire.pass(0)
  controller.abort()
  await wire.pass(120)
  for (const result of await Promise.all(waiting)) codes.push(result.ok ? 'ok' : result.error.code)
  return codes
}

describe('a service that comes to the same', () => {
  it('passes in all places, whatever happens to its calls', async () => {
    let codes: unknown
    const report = await checkParity(sound, async (wire) => (codes = await everything(wire)), {
      places: places.slice(2),
      principal: 'ada',
    })
    expect(codes).toEqual(['Gone', 'internal', 'invalid_argument', 'deadline_exceeded', 'cancelled'])
    expect(report).toEqual({ calls: 7, places: ['memory', 'encoded', 'tcp', 'tls', 'unix'] })
  })

  it.each<[string, () => Parameters<typeof checkParity>[0]]>([
    ['a service', sound],
    ['a list of services', () => [sound()]],
    ['a router', () => router([sound()])],
    ['an app', () => app([sound()])],
    ['an app whose service is placed elsewhere', () => app([sound()], { places: { shop: 'tcp://127.0.0.1:1' } })],
    ['a function that makes a service', () => sound],
    ['a function that makes an app in its own time', () => async () => app([sound()])],
  ])('passes as %s', async (_, make) => {
    expect(await checkParity(make(), findOnce)).toEqual({ calls: 1, places: ['memory', 'encoded'] })
  })

  it('settles calls in the same order, however they overtake each other', async () => {
    const overtaking = () => {
      const held: (() => void)[] = []
      return shopOf(async ({ text }) => {
        if (text === 'last') for (const open of held.reverse()) open()
        else await new Promise<void>((resolve) => held.push(resolve))
        return { text, tags: [] }
      })
    }
    const scenario = async (wire: ParityWire) => {
      const { find } = wire.client(Shop)
      await Promise.all(['a', 'b', 'c', 'last'].map((text) => find({ text })))
    }
    const report = await checkParity(overtaking, scenario, { places: places.slice(2) })
    expect(report.calls).toBe(4)
  })
})

describe('the first difference', () => {
  it.each<[string, Handlers['find'], string, string]>([
    [
      'of a reply',
      ({ text }, ctx: FindContext) => ({ text: `${text} ${ctx.peer === 'memory' ? 'here' : 'there'}`, tags: [] }),
      'calls/1/outcome/reply/text',
      'call 1 (shop/find), outcome/reply/text: "pen here" in memory, "pen there" in tcp',
    ],
    [
      "of an error's code",
      (_, ctx) => {
        throw new NanowireError(ctx.peer === 'memory' ? 'not_found' : 'unavailable', 'x')
      },
      'calls/1/outcome/error/code',
      'call 1 (shop/find), outcome/error/code: "not_found" in memory, "unavailable" in tcp',
    ],
    [
      "of an error's data",
      (_, ctx) => {
        throw ctx.error('Gone', { since: ctx.peer === 'memory' ? 'monday' : 'today' })
      },
      'calls/1/outcome/error/data/since',
      'call 1 (shop/find), outcome/error/data/since: "monday" in memory, "today" in tcp',
    ],
    [
      'of metadata of the reply',
      ({ text }, ctx) => {
        ctx.reply.set('shelf', ctx.peer === 'memory' ? '1' : '2')
        return { text, tags: [] }
      },
      'calls/1/metadata/shelf',
      'call 1 (shop/find), metadata/shelf: "1" in memory, "2" in tcp',
    ],
  ])('%s says which call, which place and what each saw', async (_, find, path, words) => {
    const error = await faultOf(() => shopOf(find), findOnce, { places: places.slice(2, 3) })
    expect(error).toMatchObject({ code: 'failed_precondition', processed: 'no' })
    expect(error.message.split('\n')[0]).toBe(`it matters where the services are: ${words}`)
    expect(error.data).toMatchObject({ path, places: ['memory', 'tcp'] })
  })

  it.each([
    {
      name: 'loses processed',
      seen: 'calls/2/outcome/error/processed',
    },
    { name: 'forgets to cancel', seen: 'calls/6/outcome' },
  ])('of a place that $name', async ({ name, seen }) => {
    const place = mutants.find((mutant) => mutant.name === name) as ConformancePlace // the names are those of mutants
    const error = await faultOf(sound, everything, { places: [place] })
    expect(error.data).toMatchObject({ places: ['memory', name] })
    expect(String(Reflect.get(Object(error.data), 'path')).startsWith(seen)).toBe(true)
  })

  it('of a call that one place alone makes', async () => {
    let runs = 0
    const error = await faultOf(sound, async (wire) => {
      await findOnce(wire)
      if (runs++ === 1) await findOnce(wire)
    })
    expect(error.message).toBe('it matters where the services are: call 2 (shop/find): only in encoded')
  })

  it('of the order in which calls settled', async () => {
    const racing = () => {
      let second = (): void => {}
      return shopOf(async ({ text }, ctx) => {
        const isHere = ctx.peer === 'memory'
        if ((text === 'a') === isHere) await new Promise<void>((resolve) => (second = resolve))
        else setImmediate(() => setImmediate(() => second()))
        return { text, tags: [] }
      })
    }
    const scenario = async (wire: ParityWire) => {
      const { find } = wire.client(Shop)
      await Promise.all([find({ text: 'a' }), find({ text: 'b' })])
    }
    const error = await faultOf(racing, scenario, { places: places.slice(2, 3) })
    expect(error.message).toBe(
      'it matters where the services are: the order in which calls settled: number 1 was call 2 (shop/find) in memory, ' +
        'call 1 (shop/find) in tcp',
    )
  })

  it("of a caller's own value that its handler changes", async () => {
    const changing = () =>
      shopOf((request) => {
        Object.assign(request, { text: 'changed' })
        return { text: 'x', tags: [] }
      })
    const error = await faultOf(changing)
    expect(error.message).toBe(
      'it matters where the services are: call 1 (shop/find), afterwards, request/text: "changed" in memory, "pen" in ' +
        "encoded\n  the caller's own request was changed afterwards: in memory it is shared with the handler, and neither " +
        'may change it',
    )
  })

  it('of what the scenario itself returns', async () => {
    let runs = 0
    const error = await faultOf(sound, () => runs++)
    expect(error.message).toBe(
      'it matters where the services are: the scenario itself, value: 0 in memory, 1 in encoded',
    )
  })
})

describe('a scenario', () => {
  it('that throws the same everywhere throws it', async () => {
    const thrown = new TypeError('the scenario is wrong')
    const checking = checkParity(sound, () => {
      throw thrown
    })
    await expect(checking).rejects.toBe(thrown)
  })

  it('that throws in one place alone is a difference, with the cause', async () => {
    let runs = 0
    const error = await faultOf(sound, () => {
      if (runs++ === 1) throw new TypeError('not twice')
    })
    expect(error.message).toContain('the scenario itself')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it('whose call never ends is given up, and its call is named', async () => {
    holdTime()
    const waitForEver = (wire: ParityWire) => {
      void soonOver()
      return wire.client(Shop).wait({ text: 'x' })
    }
    const error = await faultOf(sound, waitForEver, { patienceMs: PATIENCE_MS })
    expect(error.message).toBe(
      'the scenario in memory: expected an end within 100 ms, came these calls wait: 1 (shop/wait)',
    )
  })

  it('is not begun where what makes the services never ends, or throws', async () => {
    await expect(checkParity(() => Promise.reject(new Error('mine')), findOnce)).rejects.toThrow('mine')
    holdTime()
    const error = await faultOf(soonOver, findOnce, { patienceMs: PATIENCE_MS })
    expect(error.message).toBe('the function that makes the services: expected an end within 100 ms, came no services')
  })

  it('may leave a call open: how that ends is not looked at any more', async () => {
    const deaf = () =>
      service(Shop, { find: () => new Promise<never>(() => {}), wait: () => new Promise(() => {}), ring() {} })
    for (const services of [sound, deaf]) {
      await checkParity(services, (wire) => void wire.client(Shop).wait.try({ text: 'x' }), { places })
    }
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '5', null])(
    'that lets %s milliseconds pass is told so',
    async (ms) => {
      await expect(checkParity(sound, (wire) => wire.pass(ms as number))).rejects.toMatchObject({
        code: 'invalid_argument',
      })
    },
  )
})

describe('a place', () => {
  const broken: ConformancePlace = { name: 'mine', open: () => Promise.reject(new Error('no such device')) }

  it('that cannot be opened is named', async () => {
    const error = await faultOf(sound, findOnce, { places: [broken] })
    expect(error.message).toBe('the place mine: Error: no such device')
  })

  it('that never opens is given up', async () => {
    holdTime()
    const error = await faultOf(sound, findOnce, { places: [{ ...broken, open: soonOver }], patienceMs: PATIENCE_MS })
    expect(error.message).toBe('the scenario in mine: expected an end within 100 ms, came no call waits')
  })

  it('that never closes is given up', async () => {
    const [memory] = places
    const stuck: ConformancePlace = {
      name: 'mine',
      open: async (...given) => ({
        ...(await (memory as ConformancePlace).open(...given)), // there is one
        close: soonOver,
      }),
    }
    holdTime()
    const error = await faultOf(sound, findOnce, { places: [stuck], patienceMs: PATIENCE_MS })
    expect(error.message).toContain('closing mine after the scenario: expected an end within 100 ms')
  })

  it('takes what it is given, and says so of anything else', async () => {
    await expect(checkParity(undefined as never, findOnce)).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
