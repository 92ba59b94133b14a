/** Signals while services start: `serve` and `up` give the start up, stop what has started, and end with the signal's code. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { app, contract, service, unary } from '../../src/index.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { FakeIo, runCommand } from './fake-io.ts'

const text = Type.String()
const First = contract('first', { say: unary(text, text) })
const Second = contract('second', { say: unary(text, text) })
const at = ['--at', 'tcp://127.0.0.1:0']

/** `second` starts after `first`, and then as `start` says. */
function services(log: string[], start: (signal: AbortSignal) => unknown) {
  const stop = (name: string) => () => void log.push(`stop ${name}`)
  const say = (request: string): string => request
  const first = service(First, { say }, { start: () => void log.push('start first'), stop: stop('first') })
  const second = service(
    Second,
    { say },
    {
      uses: { first: First },
      async start({ signal }) {
        log.push('starting second')
        await start(signal)
        log.push('start second')
      },
      stop: stop('second'),
    },
  )
  return [second, first]
}

const untilTold = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

const commands: readonly (readonly string[])[] = [
  ['serve', './it.js', ...at],
  ['up', './it.js', ...at],
  ['up', './it.js'],
  ['up', './it.js', '--drain-ms', '0'],
]

function run(argv: readonly string[], start: (signal: AbortSignal) => unknown) {
  const log: string[] = []
  const all = services(log, start)
  const io = new FakeIo({ './it.js': { default: argv[0] === 'up' ? app(all) : all } })
  return { io, log, ended: runCommand(argv, io) }
}

describe.each(commands.map((argv) => ({ argv })))('$argv', ({ argv }) => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is ended by %s: the start is told, what has started stops, exit %i', async (signal, exitCode) => {
    const { io, log, ended } = run(argv, untilTold)
    await until(() => log.includes('starting second'))
    io.signal(signal)
    expect(await ended).toEqual({ exitCode, out: '', err: `${signal}: giving up the start (once more ends at once)` })
    expect(log).toEqual(['start first', 'starting second', 'stop first'])
    expect(io.listeners).toBe(0)
  })

  it('ends at once at a second signal', async () => {
    let go = (): void => {}
    const { io, log, ended } = run(argv, () => new Promise<void>((resolve) => (go = resolve)))
    await until(() => log.includes('starting second'))
    io.signal('SIGTERM')
    io.nowMs = 499
    io.signal('SIGTERM')
    io.nowMs = 500
    io.signal('SIGINT')
    expect([130, 143]).toContain((await ended).exitCode) // without a drain the first may have ended it
    expect(io.listeners).toBe(0)
    go()
    await until(() => log.includes('stop first'))
  })

  it('stops what had just started when the signal came', async () => {
    const { io, log, ended } = run(argv, () => {
      queueMicrotask(() => io.signal('SIGTERM'))
    })
    expect(await ended).toMatchObject({ exitCode: 143, out: '' })
    await nextTurn()
    expect(log.filter((line) => line.startsWith('stop'))).toEqual(
      log.includes('start second') ? ['stop second', 'stop first'] : ['stop first'],
    )
  })

  it('says why a start fails, and listens to no signal then', async () => {
    const { io, ended, log } = run(argv, () => Promise.reject(new Error('no database')))
    expect(await ended).toMatchObject({ exitCode: 1, err: expect.stringContaining('no database') })
    expect([io.listeners, log.at(-1)]).toEqual([0, 'stop first'])
  })
})
