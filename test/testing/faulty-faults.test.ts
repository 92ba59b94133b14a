/** Whatever else than they ask for is passed to `faultyLink` and `faultyProxy`: an `invalid_argument` that says what is wanted. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/index.ts'
import * as testing from '../../src/testing/index.ts'
import { failureOf, lab } from '../rpc/lab.ts'
import { until } from '../support/hand-clock.ts'

type Loose = Readonly<Record<string, (...args: readonly unknown[]) => Promise<{ close(): Promise<void> }>>>
const { faultyLink, faultyProxy } = testing as unknown as Loose // as a program without types calls them

const services = lab({})
const target = 'tcp://127.0.0.1:1'
const link = (options: unknown) => () => faultyLink?.(services, options)
const proxy = (options: object) => () => faultyProxy?.({ target, ...options })

type Mistake = readonly [what: string, run: () => Promise<unknown> | undefined, message: string]

describe.each<readonly [string, readonly Mistake[]]>([
  [
    'faultyLink',
    [
      ['no services', () => faultyLink?.(), 'a service, a list of services or a router is wanted'],
      ['options', link(5), 'faultyLink: options are an object'],
      ['a misspelt option', link({ fault: {} }), 'faultyLink has no option "fault"; there are faults'],
      ['a seed', link({ seed: 'x' }), 'seed is a whole number, not x'],
      ['faults', link({ faults: [] }), 'faultyLink: faults are an object such as { latencyMs: 50 }, or a function'],
      ['a fault', link({ faults: { latency: 5 } }), 'faultyLink: faults has no option "latency"; there are latencyMs'],
      [
        'a number',
        link({ faults: { latencyMs: -1 } }),
        'faultyLink: latencyMs is a number from 0 to 2147483647, not -1',
      ],
      ['a whole number', link({ faults: { limitBytes: 0.5 } }), 'limitBytes is a whole number from 0'],
      ['a piece', link({ faults: { sliceBytes: 0 } }), 'sliceBytes is a whole number from 1'],
      ['a rate', link({ faults: { bytesPerSecond: Number.NaN } }), 'bytesPerSecond is a number from 1'],
      ['a flag', link({ faults: { stall: 1 } }), 'stall is true or false, not 1'],
      ['of one direction', link({ faults: { toClient: { resetMs: 'x' } } }), 'toClient: resetMs is a number from 0'],
      ['what is for both', link({ faults: { toServer: { refuse: true } } }), 'toServer has no option "refuse"'],
      [
        'a list for one direction',
        link({ faults: { toClient: [] } }),
        'toClient are an object such as { latencyMs: 50 }',
      ],
      [
        'a map',
        link({ faults: new Map([['latencyMs', 5]]) }),
        'faults are an object such as { latencyMs: 50 }, not a Map',
      ],
      ['a pause of no pieces', link({ faults: { slicePauseMs: 5 } }), 'sliceBytes, which is missing'],
      ['one of a direction', link({ faults: { toServer: { slicePauseMs: 5 } } }), 'toServer: slicePauseMs is the time'],
      ['a clock', link({ clock: 5 }), 'faultyLink: clock has the functions now, after, turn, random'],
      ['what is for serve', link({ serve: 5 }), 'faultyLink: serve is an object, not 5'],
      ['another clock', link({ serve: { clock: {} } }), 'faultyLink: serve has no clock: the option clock is for both'],
      ['what serve takes', link({ serve: { reflect: true } }), 'serve has no option "reflect"'],
    ],
  ],
  [
    'faultyProxy',
    [
      ['nothing', () => faultyProxy?.(), 'faultyProxy: options are an object'],
      ['no target', () => faultyProxy?.({}), 'target is an address such as tcp://127.0.0.1:7000, not undefined'],
      [
        'a target',
        proxy({ target: 'http://x:1' }),
        'target is an address such as tcp://127.0.0.1:7000, not "http://x:1"',
      ],
      ['a target without a port', proxy({ target: 'tcp://x' }), 'target is an address'],
      ['a target at no port', proxy({ target: 'tcp://x:0' }), 'target is an address'],
      ['a target with a path', proxy({ target: 'tcp://x:1/y' }), 'target is an address'],
      ['where it listens', proxy({ listen: 7_000 }), 'listen is an address such as tcp://127.0.0.1:7000, not 7000'],
      ['a misspelt option', proxy({ latencyMs: 5 }), 'faultyProxy has no option "latencyMs"; there are target'],
      ['a bound', proxy({ maxQueuedBytes: 0 }), 'maxQueuedBytes is a whole number from 1, not 0'],
      ['a seed', proxy({ seed: 0.5 }), 'seed is a whole number, not 0.5'],
      ['a clock', proxy({ clock: {} }), 'faultyProxy: clock has the functions now, after, turn, random'],
      ['faults', proxy({ faults: null }), 'faultyProxy: faults are an object'],
      ['a fault', proxy({ faults: { timeoutMs: -1 } }), 'faultyProxy: timeoutMs is a number from 0'],
    ],
  ],
])('%s', (_, mistakes) => {
  it.each(mistakes)('says what it takes: %s', async (_, run, message) => {
    const failure = await failureOf(Promise.resolve().then(run))
    expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect(failure.message).toContain(message)
  })
})

describe('faults that are set later', () => {
  it('are looked at too, and change nothing where they are wrong', async () => {
    const one = await testing.faultyProxy({ target })
    onTestFinished(() => one.close())
    expect(() => one.setFaults({ sliceBytes: -1 })).toThrow('sliceBytes is a whole number from 1')
    expect(() => one.setTarget('x')).toThrow('target is an address')
  })

  it('are drawn for all connections before any has them', async () => {
    const one = await testing.faultyLink(services)
    onTestFinished(() => one.close())
    const wires = [connect(one), connect(one)]
    onTestFinished(() => void Promise.all(wires.map((wire) => wire.close({ drainMs: 0 }))))
    for (const wire of wires) await wire.ready()
    const drawn: number[] = []
    const plan = (index: number) => {
      drawn.push(index)
      if (index === 1) throw new Error('no more')
      return { stall: true }
    }
    expect(() => one.setFaults(plan)).toThrow('no more')
    expect(drawn).toEqual([0, 1])
    await Promise.all(wires.map((wire) => wire.close())) // neither is stalled
    await until(() => one.connections.length === 0)
  })

  it('of a plan that throws turn the connection away, with that as the cause', async () => {
    const cause = new Error('my plan')
    const plan = () => {
      throw cause
    }
    const one = await testing.faultyLink(services, { faults: plan })
    onTestFinished(() => one.close())
    const wire = connect(one)
    onTestFinished(() => wire.close({ drainMs: 0 }))
    await expect(wire.ready()).rejects.toMatchObject({ code: 'unavailable', cause })
  })

  it('of a plan that throws are an uncaught exception of the process, where a proxy is to have them', async () => {
    const program = `
      import { connect } from 'node:net'
      import { faultyProxy } from './src/testing/index.ts'
      process.once('uncaughtException', ({ message }) => console.log(message) ?? process.exit())
      const plan = () => { throw new Error('my plan') }
      const { url } = await faultyProxy({ target: 'tcp://127.0.0.1:9', faults: plan })
      connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})`
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toBe('my plan\n')
  })

  it('are no promise of any', async () => {
    const one = await testing.faultyLink(services)
    onTestFinished(() => one.close())
    const wire = connect(one)
    onTestFinished(() => wire.close())
    await wire.ready()
    const plan = (async () => ({ stall: true })) as unknown as () => testing.Faults // as a program without types passes it
    expect(() => one.setFaults(plan)).toThrow(
      'connection 0: faults are an object such as { latencyMs: 50 }, not a Promise',
    )
  })

  it('count for both directions, but where one has its own', async () => {
    const pieces = { slicePauseMs: 5, toServer: { sliceBytes: 1 }, toClient: { sliceBytes: 2 } }
    const one = await testing.faultyLink(services, { faults: pieces })
    onTestFinished(() => one.close())
    expect(() => one.setFaults({ ...pieces, toClient: {} })).toThrow('toClient: slicePauseMs')
  })
})
