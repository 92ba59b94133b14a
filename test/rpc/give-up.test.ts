/** A start that nobody wants any more: of `serve` with the option signal, and what it leaves behind. */
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { connect, NanowireError, serve } from '../../src/index.ts'
import { serveWith } from '../../src/rpc/index.ts'
import type { Listener, Scheme } from '../../src/rpc/place.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { lifecycleOf, noted, sayOf } from '../support/noted.ts'

const at = 'tcp://127.0.0.1:0'

/** Knows which of its timers keep the process. */
class KeepingClock extends HandClock {
  readonly keeping = new Set<object>()

  override after(delayMs: number, callback: () => void, keepsProcess = false): () => void {
    const timer = {}
    if (keepsProcess) this.keeping.add(timer)
    const cancel = super.after(delayMs, () => {
      this.keeping.delete(timer)
      callback()
    })
    return () => {
      this.keeping.delete(timer)
      cancel()
    }
  }
}

/** Services `users` and, after it, `orders`, whose start goes on until it is told, or until `go`. */
function slow({ listens }: { listens: boolean }) {
  const log: string[] = []
  let go = (): void => {}
  const seen: { signal: AbortSignal | undefined } = { signal: undefined }
  const users = noted('users', log)
  const orders = noted('orders', log, [users], {
    start(signal) {
      seen.signal = signal
      return new Promise<void>((resolve, reject) => {
        go = resolve
        if (listens) signal.addEventListener('abort', () => reject(signal.reason))
      })
    },
  })
  return { log, seen, services: [orders, users], go: () => go() }
}

describe('serve with a signal', () => {
  it('gives up a start: it is told, what has started stops, nothing listens', async () => {
    const { log, seen, services } = slow({ listens: true })
    const controller = new AbortController()
    const served = serve(services, at, { signal: controller.signal }).catch((error: unknown) => error)
    await until(() => seen.signal !== undefined)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await served).toMatchObject({
      code: 'cancelled',
      processed: 'no',
      cause: reason,
      message: `serve: the start at ${at} was given up, as the option signal asked`,
    })
    expect(seen.signal?.aborted).toBe(true)
    expect(lifecycleOf(log)).toEqual(['start users', 'stop users'])
  })

  it('waits 5 s for a start that does not listen, and stops it when it ends after all', async () => {
    const clock = new KeepingClock()
    const { log, seen, services, go } = slow({ listens: false })
    const controller = new AbortController()
    const served = serve(services, at, { signal: controller.signal, clock }).catch((error: unknown) => error)
    await until(() => seen.signal !== undefined)
    controller.abort()
    let isOver = false
    void served.then(() => (isOver = true))
    clock.advance(4_999)
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    expect([isOver, lifecycleOf(log)]).toEqual([false, ['start users']])
    clock.advance(1)
    expect(await served).toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(lifecycleOf(log)).toEqual(['start users', 'stop users'])
    expect(clock.keeping.size).toBe(0)
    go()
    await until(() => log.length > 3)
    expect(lifecycleOf(log).slice(2)).toEqual(['start orders', 'stop orders'])
    expect(clock.timers).toBe(0)
  })

  it('starts nothing where it is aborted already', async () => {
    const log: string[] = []
    const served = serve(noted('users', log), at, { signal: AbortSignal.abort() })
    await expect(served).rejects.toMatchObject({ code: 'cancelled', processed: 'no' })
    expect(log).toEqual([])
  })

  it('is ended by close alone once it is there', async () => {
    const controller = new AbortController()
    const users = noted('users', [])
    const server = await serve(users, at, { signal: controller.signal })
    controller.abort()
    const wire = connect(server.url)
    expect(await sayOf(wire, users)('x')).toBe('users')
    await wire.close()
    await server.close()
  })

  it('says what went wrong where that was something else', async () => {
    const other = createServer()
    const { port } = await new Promise<{ port: number }>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve(other.address() as { port: number })) // it listens on a port
    })
    const { signal } = new AbortController()
    const served = serve(noted('users', []), `tcp://127.0.0.1:${port}`, { signal })
    await expect(served).rejects.toMatchObject({ code: 'unavailable' })
    other.close()
  })

  it('refuses what is none', async () => {
    for (const signal of [7, {}, null] as never[])
      await expect(serve(noted('users', []), at, { signal })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: 'serve: signal is an AbortSignal',
      })
    for (const options of [7, null] as never[])
      await expect(serve(noted('users', []), at, options)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: 'serve: options are an object',
      })
  })
})

describe('a start that goes on after its place was closed', () => {
  it.each([{ encoded: false }, { encoded: true }])('does not keep the process, %j', async (options) => {
    const clock = new KeepingClock()
    const { seen, services, go, log } = slow({ listens: false })
    const wire = connect(services, { ...options, clock })
    const ready = wire.ready().catch((error: unknown) => error)
    await until(() => seen.signal !== undefined)
    const closed = wire.close({ drainMs: 300 })
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    expect(clock.keeping.size).toBeGreaterThan(0) // it is waited for
    clock.advance(300)
    await closed
    expect(await ready).toBeInstanceOf(NanowireError)
    expect(clock.keeping.size).toBe(0)
    go()
    await until(() => log.includes('stop orders'))
  })

  it('is too late at the time that it has, for the next place too', async () => {
    const clock = new KeepingClock()
    const { seen, services, go, log } = slow({ listens: false })
    const wire = connect(services, { clock, limits: { startTimeoutMs: 700 } })
    const ready = wire.ready().catch((error: unknown) => error)
    await until(() => seen.signal !== undefined)
    const closed = wire.close({ drainMs: 300 })
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    clock.advance(300)
    await Promise.all([closed, ready])
    const next = connect(services, { clock, limits: { startTimeoutMs: 900 } })
    const failed = next.ready().catch((error: unknown) => error)
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    clock.advance(400)
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    clock.advance(900)
    expect(await failed).toMatchObject({ message: expect.stringContaining('startTimeoutMs is 900') })
    await next.close()
    go()
    await until(() => log.includes('stop orders'))
    expect(clock.timers).toBe(0)
  })
})

it('a server that is closed while its address is being taken gives it back', async () => {
  const steps: string[] = []
  let taken = (): void => {}
  const listener = { url: 'slow://x', isLocal: true, close: async () => void steps.push('given back') }
  const listen = (): Promise<Listener> => {
    steps.push('listen')
    return new Promise((resolve) => (taken = () => resolve(listener)))
  }
  const scheme: Scheme = { placeOf: (url) => ({ url: url.href, dial: () => Promise.reject(url) }), listen }
  const slowly = serveWith({ slow: { form: 'slow://x', takesTls: false, load: async () => scheme } })
  const controller = new AbortController()
  const { signal } = controller
  const served = slowly(noted('users', steps), 'slow://x', { signal }).catch((error: unknown) => error)
  await until(() => steps.includes('listen'))
  controller.abort()
  taken()
  expect(await served).toMatchObject({ code: 'cancelled', processed: 'no' })
  expect(steps).toEqual(['start users', 'listen', 'given back', 'stop users'])
})
