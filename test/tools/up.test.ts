/** `nanowire up` to its end: what runs where, and what is said of bad input. */
import Type from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import { type AppOptions, app, connect, contract, serve, service, stub, unary } from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'

const Id = Type.Object({ id: Type.String() })
const Users = contract('users', { get: unary(Id, Id) })
const Billing = contract('billing', { charge: unary(Id, Id) })
const Orders = contract('orders', { place: unary(Id, Id) })

let log: string[] = []
afterEach(() => {
  log = []
})
const noting = (name: string) => ({
  start: () => void log.push(`start ${name}`),
  stop: () => void log.push(`stop ${name}`),
})
const users = service(Users, { get: (request) => request }, noting('users'))
const billing = service(
  Billing,
  { charge: (request, ctx) => ctx.uses.users.get(request) },
  { uses: { users: Users }, ...noting('billing') },
)
const orders = service(
  Orders,
  { place: (request, ctx) => ctx.uses.billing.charge(request) },
  { uses: { billing: Billing }, ...noting('orders') },
)

const shopWith = (options?: AppOptions) => app([orders, billing, users], options)

/** A command on `./app.js` that runs until something is printed, and what is done meanwhile. */
async function up(exports: Record<string, unknown>, argv: readonly string[], meanwhile = async (_: string[]) => {}) {
  const io = new FakeIo({ './app.js': exports })
  const printed = io.untilPrinted(argv.includes('--json') ? 'url' : 'Ctrl-C')
  const ended = runCommand(['up', './app.js', ...argv], io)
  await Promise.race([printed, ended])
  await meanwhile(io.printed)
  io.signal('SIGTERM')
  const { exitCode, out, err } = await ended
  return { exitCode, lines: out.split('\n'), err, listeners: io.listeners }
}

const at = ['--at', 'tcp://127.0.0.1:0']
const urlIn = (line = '') => /tcp:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? ''

describe('up', () => {
  it('runs the whole app in one process, until a signal', async () => {
    const { exitCode, lines, err, listeners } = await up({ shop: shopWith() }, [])
    expect(lines).toEqual(['orders   here', 'billing  here', 'users    here', '(Ctrl-C ends it)'])
    expect([exitCode, err, listeners]).toEqual([0, 'SIGTERM: draining, at most 5000 ms (once more ends at once)', 0])
    expect(log).toEqual(['start users', 'start billing', 'start orders', 'stop orders', 'stop billing', 'stop users'])
  })

  it('serves the whole app at an address', async () => {
    const { lines, exitCode } = await up({ default: shopWith() }, [...at, '--drain-ms', '70'], async ([text]) => {
      const wire = connect(urlIn(text))
      for (const [contract, method] of [
        [Users, 'get'],
        [Orders, 'place'],
      ] as const)
        expect(await Reflect.get(wire.client(contract), method)({ id: '7' })).toEqual({ id: '7' })
      await wire.close()
    })
    const url = urlIn(lines[0])
    const here = `here, at ${url}`
    expect(lines).toEqual([`orders   ${here}`, `billing  ${here}`, `users    ${here}`, '(Ctrl-C ends it)'])
    expect(exitCode).toBe(0)
  })

  it('runs one role: what is named at the address, what that uses in the process, the rest not', async () => {
    const { lines, err } = await up({ shop: shopWith() }, ['--only', 'billing', ...at], async ([text]) => {
      const wire = connect(urlIn(text))
      expect(await wire.client(Billing).charge({ id: '7' })).toEqual({ id: '7' })
      await expect(wire.client(Users).get({ id: '7' })).rejects.toMatchObject({ code: 'unimplemented' })
      await wire.close()
    })
    expect(lines).toEqual([
      'orders   not here',
      `billing  here, at ${urlIn(lines[1])}`,
      'users    here',
      '(Ctrl-C ends it)',
    ])
    expect(err).toBe('SIGTERM: draining, 0 calls in flight, at most 5000 ms (once more ends at once)')
    expect(log).toEqual(['start users', 'start billing', 'stop billing', 'stop users'])
  })

  it('uses the places of the app, and runs what is named although it has one', async () => {
    const elsewhere = await serve(stub(Users, { get: () => ({ id: 'elsewhere' }) }), 'tcp://127.0.0.1:0')
    const shop = shopWith({ places: { users: elsewhere.url, billing: 'tcp://127.0.0.1:1' } })
    const { lines } = await up({ shop }, ['--only', 'orders, billing', ...at, '--json'], async ([text]) => {
      const wire = connect(urlIn(text))
      expect(await wire.client(Orders).place({ id: '7' })).toEqual({ id: 'elsewhere' })
      await wire.close()
    })
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      url: urlIn(lines[0]),
      services: ['orders', 'billing'],
      here: ['orders', 'billing'],
      elsewhere: { users: elsewhere.url },
    })
    const places = { users: elsewhere.url }
    const { lines: whole } = await up({ shop: shopWith({ places }) }, [])
    expect(whole).toEqual(['orders   here', 'billing  here', `users    at ${elsewhere.url}`, '(Ctrl-C ends it)'])
    const { lines: json } = await up({ shop: shopWith({ places }) }, ['--json'])
    expect(JSON.parse(json[0] ?? '')).toEqual({
      url: null,
      services: [],
      here: ['orders', 'billing'],
      elsewhere: places,
    })
    await elsewhere.close()
  })

  it('is called with the same module', async () => {
    const shop = shopWith()
    await up({ shop }, at, async ([text]) => {
      const io = new FakeIo({ './app.js': { shop } })
      const { exitCode, out } = await runCommand(['call', urlIn(text), './app.js', 'users/get', '{"id":"7"}'], io)
      expect([exitCode, out]).toEqual([0, '{"id":"7"}'])
    })
  })

  it('chooses among several apps', async () => {
    const other = app([users])
    const { lines } = await up({ shop: shopWith(), other, again: other }, ['--export', 'other'])
    expect(lines).toEqual(['users  here', '(Ctrl-C ends it)'])
    expect((await up({ other, again: other }, [])).exitCode).toBe(1) // it was closed
  })

  const broken = app([
    service(Users, { get: (request) => request }, { start: () => Promise.reject(new Error('no database')) }),
  ])
  it.each<[string, Record<string, unknown>, string[], number, string]>([
    ['no app', { users, x: 1 }, [], 2, 'error: ./app.js exports no app, as app([…]) makes it; it exports users, x'],
    [
      'several apps',
      { one: shopWith(), two: shopWith() },
      [],
      2,
      'exports several apps (one, two): choose one with --export',
    ],
    ['an export that is no app', { users }, ['--export', 'users'], 2, 'the export users of ./app.js is no app'],
    [
      'an export that is not there',
      { users },
      ['--export', 'shop'],
      2,
      './app.js has no export "shop"; it exports users',
    ],
    [
      '--only without --at',
      { shop: shopWith() },
      ['--only', 'users'],
      2,
      'error: --only needs --at <address>: where are',
    ],
    [
      '--tls-cert without --at',
      { shop: shopWith() },
      ['--tls-cert', 'package.json', '--tls-key', 'package.json'],
      2,
      'the flags of TLS are for --at',
    ],
    [
      'a service that is not there',
      { shop: shopWith() },
      ['--only', 'billing,usres', ...at],
      2,
      './app.js has no service "usres"; there is users, orders, billing',
    ],
    ['nothing named', { shop: shopWith() }, ['--only', '', ...at], 2, './app.js has no service ""; there is'],
    [
      'nothing to run',
      { shop: app([users], { places: { users: 'tcp://127.0.0.1:1' } }) },
      at,
      2,
      './app.js places every service elsewhere: say with --only which',
    ],
    ['an address that is none', { shop: shopWith() }, ['--at', 'here'], 2, '"here" is no address'],
    [
      'a start that fails',
      { broken },
      [],
      1,
      'unavailable (processed: no): the service users did not start: Error: no database',
    ],
    [
      'a start that fails, at an address',
      { broken: app(broken.services) },
      at,
      1,
      'unavailable (processed: no): the service users did not start',
    ],
    [
      'a place that cannot be reached',
      { shop: shopWith({ places: { users: 'unix:/nowhere/at/all' } }) },
      [],
      1,
      'unavailable (processed: no)',
    ],
  ])('says what is wrong: %s', async (_, exports, argv, code, words) => {
    const { exitCode, err } = await up(exports, argv)
    expect(err).toContain(words)
    expect(err).not.toMatch(/\n\s+at /) // a stack
    expect(exitCode).toBe(code)
    expect(log.filter((line) => line.startsWith('start')).length).toBe(log.length / 2)
  })

  it('says that an address is taken, and stops what it had started', async () => {
    const taken = await serve(users, 'tcp://127.0.0.1:0')
    const { exitCode, err } = await up({ shop: shopWith() }, ['--only', 'billing', '--at', taken.url])
    expect([exitCode, err]).toEqual([1, expect.stringContaining('unavailable (processed: no)')])
    await taken.close()
    expect(log).toEqual(['start users', 'start billing', 'stop billing', 'stop users'])
  })
})
