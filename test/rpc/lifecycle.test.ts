/** Services that start and stop: in the order of their needs, once however many places run them, and never half. */
import { describe, expect, it } from 'vitest'
import { connect, type Logger, NanowireError, router, serve, service } from '../../src/index.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { contractOf, lifecycleOf, noted, sayOf } from '../support/noted.ts'

function recording(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (fields: object, message: string) => {
    const { service: name, err } = fields as { service?: string; err?: Error }
    lines.push([level, message, name, err?.message].join(' | '))
  }
  return { lines, log: { debug() {}, info: at('info'), warn: at('warn'), error: at('error') } }
}

describe('services start before the first call and stop after the last', () => {
  it.each([{ encoded: false }, { encoded: true }])('in memory, %j', async (options) => {
    const log: string[] = []
    const users = noted('users', log)
    const orders = noted('orders', log, [users])
    const wire = connect([orders, users], options)
    await nextTurn()
    expect(log).toEqual([])
    expect(await Promise.all(['a', 'b'].map((one) => sayOf(wire, orders)(one)))).toEqual([
      'orders+users',
      'orders+users',
    ])
    expect(log.slice(0, 3)).toEqual(['start users', 'call users', 'start orders'])
    expect(lifecycleOf(log)).toEqual(['start users', 'start orders'])
    await wire.close()
    expect(lifecycleOf(log)).toEqual(['start users', 'start orders', 'stop orders', 'stop users'])
  })

  it.each([{ encoded: false }, { encoded: true }])('with ready, and only once, %j', async (options) => {
    const log: string[] = []
    const wire = connect(noted('users', log), options)
    await Promise.all([wire.ready(), wire.ready()])
    await wire.ready()
    expect(log).toEqual(['start users'])
    await Promise.all([wire.close(), wire.close()])
    expect(log).toEqual(['start users', 'stop users'])
  })

  it('at an address: before it listens, and after the last connection', async () => {
    const log: string[] = []
    const users = noted('users', log)
    const orders = noted('orders', log, [users])
    const server = await serve(orders, 'tcp://127.0.0.1:0', { uses: { users } })
    expect(lifecycleOf(log)).toEqual(['start users', 'start orders'])
    const wire = connect(server.url)
    expect(await sayOf(wire, orders)('x')).toBe('orders+users')
    await wire.close()
    await server.close()
    expect(lifecycleOf(log).slice(2)).toEqual(['stop orders', 'stop users'])
  })

  it('and stop again where the address cannot be had', async () => {
    const taken = await serve(noted('other', []), 'tcp://127.0.0.1:0')
    const log: string[] = []
    await expect(serve(noted('users', log), taken.url)).rejects.toMatchObject({ code: 'unavailable' })
    expect(log).toEqual(['start users', 'stop users'])
    await taken.close()
  })

  it('for a message that is dispatched, unless they run already', async () => {
    const log: string[] = []
    const users = noted('users', log)
    const r = router([users])
    const message = { tag: 'users/say', body: 'x' } as const
    await r.dispatch(message)
    expect(log.splice(0)).toEqual(['start users', 'call users', 'stop users'])
    const wire = connect(r)
    await wire.ready()
    await r.dispatch(message)
    expect(log).toEqual(['start users', 'call users'])
    await wire.close()
    expect(log).toEqual(['start users', 'call users', 'stop users'])
  })

  it('once, however many places run them', async () => {
    const log: string[] = []
    const users = noted('users', log)
    const server = await serve(users, 'tcp://127.0.0.1:0')
    const wires = [connect(users), connect(noted('orders', log, [users]), { uses: { users } })]
    await Promise.all(wires.map((wire) => wire.ready()))
    expect(log.filter((line) => line === 'start users')).toHaveLength(1)
    await server.close()
    await wires[0]?.close()
    expect(log).not.toContain('stop users')
    await wires[1]?.close()
    expect(log.slice(-2)).toEqual(['stop orders', 'stop users'])
    const again = connect(users)
    await again.ready()
    expect(log.at(-1)).toBe('start users')
    await again.close()
  })

  it('after the calls that are in flight have ended, or were cut off', async () => {
    const log: string[] = []
    let end = (): void => {}
    const slow = service(
      contractOf('slow'),
      { say: () => new Promise((resolve) => (end = () => resolve('done'))) },
      { stop: () => void log.push('stop') },
    )
    const wire = connect(slow)
    const call = sayOf(wire, slow)('x').finally(() => log.push('ended'))
    await nextTurn()
    const closed = wire.close()
    await nextTurn()
    expect(log).toEqual([])
    end()
    await Promise.all([call, closed])
    expect(log).toEqual(['ended', 'stop'])
  })

  it('and what starts may work in the background with its clients, until it stops', async () => {
    const seen: string[] = []
    const users = noted('users', [])
    let say = async (_: string): Promise<string> => ''
    const worker = service(
      contractOf('worker'),
      { say: (request) => request },
      {
        uses: { users: contractOf('users') },
        start({ uses }) {
          say = uses.users.say
        },
        async stop({ uses }) {
          seen.push(await uses.users.say('last'))
        },
      },
    )
    const wire = connect([worker, users])
    await wire.ready()
    expect(await say('x')).toBe('users')
    await wire.close()
    expect(seen).toEqual(['users'])
    await expect(say('x')).rejects.toMatchObject({ code: 'unavailable', processed: 'no' })
  })
})

describe('calls that wait for a start', () => {
  it.each([{ encoded: false }, { encoded: true }])('have their deadlines, and did not run, %j', async (options) => {
    const clock = new HandClock()
    let go = (): void => {}
    const hold = new Promise<void>((resolve) => (go = resolve))
    const log: string[] = []
    const users = noted('users', log, [], { start: () => hold })
    const wire = connect(users, { ...options, clock })
    const say = sayOf(wire, users)
    const early = say('x', { timeoutMs: 100 }).catch((error: unknown) => error)
    const cancelled = new AbortController()
    const gone = say('x', { signal: cancelled.signal }).catch((error: unknown) => error)
    const patient = say('y')
    await nextTurn()
    clock.advance(120)
    cancelled.abort()
    expect(await early).toMatchObject({ code: 'deadline_exceeded', processed: 'no' })
    expect(await gone).toMatchObject({ code: 'cancelled', processed: 'no' })
    go()
    expect(await patient).toBe('users')
    expect(log).toEqual(['start users', 'call users'])
    await wire.close()
  })

  it('are bounded by maxCallsQueued', async () => {
    const users = noted('users', [], [], { start: () => new Promise(() => {}) })
    const wire = connect(users, { limits: { maxCallsQueued: 1 } })
    const first = sayOf(wire, users)('x').catch((error: unknown) => error)
    await expect(sayOf(wire, users)('y')).rejects.toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(wire.stats().waiting).toBe(1)
    void wire.close({ drainMs: 0 })
    expect(await first).toMatchObject({ code: 'unavailable', processed: 'no' })
  })
})

describe('a start that fails', () => {
  const cause = new Error('no database')

  it.each([{ encoded: false }, { encoded: true }])(
    'names the service, keeps the cause, stops what had started, and is tried again by the next call, %j',
    async (options) => {
      const log: string[] = []
      let failures = 2
      const users = noted('users', log)
      const orders = noted('orders', log, [users], {
        start() {
          if (failures-- > 0) throw cause
        },
      })
      const wire = connect([orders, users], options)
      const failed = {
        code: 'unavailable',
        processed: 'no',
        cause,
        message: 'the service orders did not start: Error: no database',
      }
      await expect(sayOf(wire, orders)('x')).rejects.toMatchObject(failed)
      expect(lifecycleOf(log.splice(0))).toEqual(['start users', 'stop users'])
      await expect(wire.ready()).rejects.toMatchObject(failed)
      expect(await sayOf(wire, orders)('x')).toBe('orders+users')
      await wire.close()
    },
  )

  it('is an error of serve, which then does not listen', async () => {
    const users = noted('users', [], [], { start: () => Promise.reject(cause) })
    await expect(serve(users, 'tcp://127.0.0.1:0')).rejects.toMatchObject({
      code: 'unavailable',
      processed: 'no',
      cause,
    })
  })

  it('may throw what is no error, or what a call ended with', async () => {
    const odd = connect(noted('odd', [], [], { start: () => Promise.reject(7) }))
    await expect(odd.ready()).rejects.toThrow('the service odd did not start: it threw a number, not an Error')
    const none = new NanowireError('not_found', 'no such table')
    const rejected = connect(noted('users', [], [], { start: () => Promise.reject(none) })).ready()
    await expect(rejected).rejects.toMatchObject({ code: 'unavailable', cause: none })
  })

  it('may be one that does not end: its signal is aborted, and what starts after all is stopped', async () => {
    const clock = new HandClock()
    const log: string[] = []
    let go = (): void => {}
    let signal: AbortSignal | undefined
    const users = noted('users', log, [], {
      start(given) {
        signal ??= given
        return log.length > 0 ? undefined : new Promise<void>((resolve) => (go = resolve))
      },
    })
    const wire = connect(users, { clock, limits: { startTimeoutMs: 700 } })
    const ready = wire.ready().catch((error: unknown) => error)
    await until(() => signal !== undefined)
    clock.advance(699)
    await nextTurn()
    expect(signal?.aborted).toBe(false)
    clock.advance(1)
    const words =
      'the start of the service users takes too long: startTimeoutMs is 700 (peer memory; option limits.startTimeoutMs)'
    expect(await ready).toMatchObject({ code: 'unavailable', processed: 'no', message: words })
    expect(signal?.aborted).toBe(true)
    const again = wire.ready()
    await nextTurn()
    go()
    await again
    expect(log).toEqual(['start users', 'stop users', 'start users'])
    await wire.close()
    expect(clock.timers).toBe(0)
  })
})

describe('a stop that fails', () => {
  it('is logged with the name of the service, and does not hold up the others', async () => {
    const clock = new HandClock()
    const log: string[] = []
    const { log: logger, lines } = recording()
    const users = noted('users', log)
    const orders = noted('orders', log, [users], { stop: () => Promise.reject(new Error('stuck')) })
    const desk = noted('desk', log, [orders], { stop: () => new Promise(() => {}) })
    const wire = connect(router([desk, orders, users], { log: logger }), { clock })
    await wire.ready()
    const closed = wire.close()
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    clock.advance(30_000)
    await closed
    expect(lifecycleOf(log).slice(3)).toEqual(['stop users'])
    expect(lines).toEqual([
      'error | a service did not stop as it should | desk | the stop of the service desk takes too long: startTimeoutMs is 30000 (peer memory; option limits.startTimeoutMs)',
      'error | a service did not stop as it should | orders | stuck',
    ])
  })
})

describe('a place that is closed while its services start', () => {
  it.each([{ encoded: false }, { encoded: true }])('tells them, and stops what had started, %j', async (options) => {
    const log: string[] = []
    const users = noted('users', log)
    const orders = noted('orders', log, [users], {
      start: (signal) =>
        new Promise((_, reject) => {
          const stop = (): void => reject(signal.reason)
          if (signal.aborted) stop()
          signal.addEventListener('abort', stop)
        }),
    })
    const desk = noted('desk', log, [orders])
    const wire = connect([desk, orders, users], options)
    const ready = wire.ready().catch((error: unknown) => error)
    const call = sayOf(wire, desk)('x').catch((error: unknown) => error)
    await until(() => log.includes('call users'))
    await wire.close()
    for (const end of [ready, call]) expect(await end).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(lifecycleOf(log)).toEqual(['start users', 'stop users'])
  })

  it.each([{ encoded: false }, { encoded: true }])(
    'waits for one that does not listen as long as it drains, %j',
    async (options) => {
      const clock = new HandClock()
      const log: string[] = []
      let go = (): void => {}
      let isStarting = false
      const users = noted('users', log)
      const orders = noted('orders', log, [users], {
        start: () => {
          isStarting = true
          return new Promise<void>((resolve) => (go = resolve))
        },
      })
      const wire = connect([orders, users], { ...options, clock })
      const ready = wire.ready().catch((error: unknown) => error)
      await until(() => isStarting)
      const closed = wire.close({ drainMs: 300 })
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      expect(lifecycleOf(log)).toEqual(['start users'])
      clock.advance(300)
      await closed
      expect(await ready).toMatchObject({ code: 'unavailable', processed: 'no' })
      expect(lifecycleOf(log)).toEqual(['start users', 'stop users'])
      go()
      await until(() => log.length > 3)
      expect(lifecycleOf(log).slice(2)).toEqual(['start orders', 'stop orders'])
      expect(clock.timers).toBe(0)
    },
  )

  it('stops one that starts all the same', async () => {
    const log: string[] = []
    let go = (): void => {}
    const clock = new HandClock()
    const users = noted('users', log, [], { start: () => new Promise<void>((resolve) => (go = resolve)) })
    const wire = connect(users, { clock })
    const ready = wire.ready().catch((error: unknown) => error)
    await nextTurn()
    const closed = wire.close()
    go()
    await closed
    expect(await ready).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(log).toEqual(['start users', 'stop users'])
    expect(clock.timers).toBe(0)
  })
})
