/** Arguments, what of a module is served, and `serve` to its end: what is printed, and the exit code of each way. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { connect, contract, router, service, unary } from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'
import { command, Greeter, greeter, modules, waiting } from './greeter.ts'

describe('arguments', () => {
  it.each([['--help'], ['call', '--help'], ['help', 'serve']])('%s %s is help, exit 0', async (...argv) => {
    const { exitCode, out, err } = await command(...argv)
    expect([exitCode, err]).toEqual([0, ''])
    expect(out).toMatch(/^Usage: nanowire/)
  })

  it('--version is that of the package', async () => {
    expect(await command('--version')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  })

  it.each([
    [[], 'Usage: nanowire'],
    [['srve'], "unknown command 'srve'\n(Did you mean serve?)"],
    [['call', 'a', 'b', 'c', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)"],
    [['call', 'a'], "missing required argument 'words'"],
    [['call', 'a', 'b'], '"b" is no method\'s full name'],
    [['call', 'a', 'b', 'c', 'd', 'e'], 'one word too many: "e"'],
    [['serve', './greeter.js'], "required option '--at <address>' not specified"],
    [['serve', './greeter.js', '--at', 'x', '--drain-ms', '1.5'], 'a whole number of milliseconds from 0'],
    [['call', 'a', 'b', 'c', '--timeout-ms', '0'], 'a whole number of milliseconds from 1'],
    [['call', 'a', 'b', 'c', '--metadata', 'x'], 'Write it as name=text.'],
    [['decode'], "missing required argument 'hex|file'"],
    [['serve', './gone.js', '--at', 'x'], 'error: there is no file ./gone.js'],
  ])('%j is wrong use', async (argv, message) => {
    const { exitCode, out, err } = await command(...argv)
    expect([exitCode, out]).toEqual([2, ''])
    expect(err).toContain(message)
    expect(err).not.toMatch(/\n\s+at /) // a stack
  })
})

describe('what a module exports', () => {
  const Other = contract('other', { go: unary(Type.Object({}), Type.Object({})) })
  const other = service(Other, { go: () => ({}) })
  const both = router([greeter, other])

  /** The names of the services that are served, or the complaint. */
  async function served(exports: Record<string, unknown>, ...flags: string[]): Promise<string> {
    const io = new FakeIo({ './it.js': exports })
    const printed = io.untilPrinted('url')
    const ended = runCommand(['serve', './it.js', '--at', 'tcp://127.0.0.1:0', '--json', ...flags], io)
    await Promise.race([printed, ended])
    io.signal('SIGTERM')
    const { exitCode, out, err } = await ended
    return exitCode === 0 ? (JSON.parse(out) as { services: string[] }).services.join() : err
  }

  it.each<[string, Record<string, unknown>, string[], string]>([
    ['a service', { greeter }, [], 'greeter'],
    ['every service, each once', { greeter, other, again: greeter, Greeter, text: 'x' }, [], 'greeter,other'],
    ['the default export before others', { default: other, greeter }, [], 'other'],
    ['a list by default', { default: [greeter, other] }, [], 'greeter,other'],
    ['services beside a default that is none', { default: Greeter, greeter }, [], 'greeter'],
    ['the router before services', { greeter, other, both }, [], 'greeter,other'],
    ['the export that was named', { greeter, other, both }, ['--export', 'other'], 'other'],
    ['what CommonJS holds in module.exports', { default: { greeter, note: 1 } }, [], 'greeter'],
  ])('is served: %s', async (_, exports, flags, names) => expect(await served(exports, ...flags)).toBe(names))

  it.each<[string, Record<string, unknown>, string[], string]>([
    ['nothing', {}, [], 'exports no service and no router; it exports nothing'],
    ['a contract only', { Greeter, x: 1 }, [], 'exports no service and no router; it exports Greeter, x'],
    [
      'two routers',
      { one: both, two: router([other]) },
      [],
      'exports several routers (one, two): choose one with --export',
    ],
    ['an export that is none', { greeter }, ['--export', 'x'], 'has no export "x"; it exports greeter'],
    ['an export of another kind', { Greeter }, ['--export', 'Greeter'], 'is no service, list of services or router'],
    [
      'two services of one name',
      { greeter, again: service(Greeter, greeter.handlers) },
      [],
      'two services have the contract name "greeter"',
    ],
  ])('is refused: %s', async (_, exports, flags, message) => expect(await served(exports, ...flags)).toContain(message))

  it('has no contract to call by', async () => {
    const call = (exports: Record<string, unknown>, ...flags: string[]) =>
      runCommand(
        ['call', 'tcp://127.0.0.1:1', './it.js', 'other/go', '{}', ...flags],
        new FakeIo({ './it.js': exports }),
      )
    expect(await call({ x: 1 })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('exports no contract and no service; it exports x'),
    })
    expect(await call({ x: 1, Other }, '--export', 'x')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('is no contract, service or router'),
    })
    const again = contract('other', { go: unary(Type.Object({}), Type.Object({})) })
    expect(await call({ Other, again })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('exports two contracts with other/go'),
    })
    expect(await call({ both })).toMatchObject({ exitCode: 1, err: expect.stringContaining('unavailable') })
  })
})

describe('serve', () => {
  /** A command that serves, with its address. */
  async function serving(...flags: string[]) {
    const io = new FakeIo(modules)
    const printed = io.untilPrinted('tcp:')
    const ended = runCommand(['serve', './greeter.js', '--at', 'tcp://127.0.0.1:0', ...flags], io)
    await printed
    const url = /tcp:\/\/[\d.]+:\d+/.exec(io.printed[0] ?? '')?.[0] ?? ''
    return { io, ended, url }
  }

  /** A call that a handler is at. */
  async function callInFlight(url: string) {
    const wire = connect(url)
    const begun = new Promise<void>((resolve) => {
      waiting.begun = resolve
    })
    const outcome = wire.client(Greeter).wait.try({})
    await begun
    return { wire, outcome }
  }

  it('says where, and drains at a signal: the call in flight ends first', async () => {
    const { io, ended, url } = await serving()
    expect(io.printed).toEqual([`serving greeter at ${url} (Ctrl-C ends it)`])
    const { wire, outcome } = await callInFlight(url)
    io.signal('SIGINT')
    expect(io.complaints).toEqual(['SIGINT: draining, 1 call in flight, at most 5000 ms (once more ends at once)'])
    waiting.end()
    expect(await outcome).toEqual({ ok: true, value: {} })
    expect((await ended).exitCode).toBe(0)
    expect(io.listeners).toBe(0)
    await wire.close()
  })

  it('takes the same press twice for one, and ends at once at the second', async () => {
    const { io, ended, url } = await serving()
    const { wire, outcome } = await callInFlight(url)
    io.signal('SIGINT')
    io.nowMs = 499
    io.signal('SIGINT') // npm passes on what the terminal has sent already
    io.nowMs = 500
    io.signal('SIGTERM')
    expect((await ended).exitCode).toBe(143)
    waiting.end()
    await outcome
    await wire.close()
  })

  it('cuts off what has not ended after --drain-ms', async () => {
    const { io, ended, url } = await serving('--drain-ms', '0')
    const { outcome } = await callInFlight(url)
    const aborted = new Promise<void>((resolve) => {
      waiting.aborted = resolve
    })
    io.signal('SIGTERM')
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'unavailable', processed: 'maybe' } })
    await aborted
    expect((await ended).exitCode).toBe(0)
  })

  it('says why an address cannot be had', async () => {
    const { io, ended, url } = await serving('--json')
    expect(JSON.parse(io.printed[0] ?? '')).toEqual({ url, services: ['greeter'] })
    const taken = await command('serve', './greeter.js', '--at', url)
    expect(taken).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^unavailable \(processed: no\): .* is in use/),
    })
    const bad = await command('serve', './greeter.js', '--at', 'http://x')
    expect(bad).toMatchObject({
      exitCode: 2,
      err: 'error: "http://x" is no address; write tcp://host:port or unix:/path',
    })
    io.signal('SIGTERM')
    await ended
  })
})
