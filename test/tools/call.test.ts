/** `nanowire call`: replies, error answers and wrong use, and what it says of servers that are none. */
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { contract, type Server, serve, unary } from '../../src/index.ts'
import { until } from '../support/hand-clock.ts'
import { FakeIo, inEnoughTime, runCommand } from './fake-io.ts'
import { command, greeter, lines, modules, waiting } from './greeter.ts'

describe('call', () => {
  let server: Server
  beforeAll(async () => {
    server = await serve(greeter, 'tcp://127.0.0.1:0')
  })
  afterAll(() => server.close())

  const call = (method: string, ...rest: string[]) => command('call', server.url, './greeter.js', method, ...rest)

  it('prints the reply in one line, and indented for people', async () => {
    expect(await call('greeter/hello', '{"name":"Ada"}')).toEqual({
      exitCode: 0,
      out: '{"text":"Hello, Ada"}',
      err: '',
    })
    const io = new FakeIo(modules)
    io.isTty = true
    const argv = ['call', server.url, './greeter.js', 'greeter/hello', '{"name":"Ada"}']
    expect((await runCommand(argv, io)).out).toBe('{\n  "text": "Hello, Ada"\n}')
  })

  it('reads the request from stdin', async () => {
    const io = new FakeIo(modules)
    io.stdin = '{"name":"Zoë"}\n'
    expect((await runCommand(['call', server.url, './greeter.js', 'greeter/hello', '-'], io)).out).toBe(
      '{"text":"Hello, Zoë"}',
    )
    io.stdin = '{"name"'
    const broken = await runCommand(['call', server.url, './greeter.js', 'greeter/hello', '-'], io)
    expect(broken).toMatchObject({
      exitCode: 2,
      err: 'error: the request on stdin is no JSON: at line 1, column 8 expected ":", but there is the end',
    })
  })

  it('sends what JSON cannot say, metadata, negative numbers and nothing', async () => {
    expect((await call('greeter/echo', '{"pixels":"AQID"}')).out).toBe('{"pixels":"AQID"}')
    expect((await call('greeter/hello', '{"name":"Ada"}', '--metadata', 'title=Lady = ', '--metadata', 'a=')).out).toBe(
      '{"text":"Hello, Lady = Ada"}',
    )
    expect((await call('greeter/next', '-5')).out).toBe('-4')
    expect((await call('greeter/ping')).out).toBe('null')
    expect((await call('greeter/ping', 'null')).out).toBe('null')
  })

  it('of a notify prints nothing, and it arrives', async () => {
    expect(await call('greeter/log', '{"line":"here"}')).toEqual({ exitCode: 0, out: '', err: '' })
    expect(lines).toContain('here')
  })

  it('shows an error answer with its code, processed, message, id and data', async () => {
    const declared = await call('greeter/hello', '{"name":"Mallory"}')
    expect(declared).toEqual({
      exitCode: 1,
      out: '',
      err: 'Banned (processed: yes): greeter/hello: Banned\n  data: {"until":"5"}',
    })
    const status = await call('greeter/fail', '{}')
    expect(status).toEqual({ exitCode: 1, out: '', err: 'not_found (processed: yes): no such thing \\u001b[31m' })
  })

  it('with --json shows it as one line on stdout', async () => {
    const { exitCode, out, err } = await call('greeter/hello', '{"name":"Mallory"}', '--json')
    expect([exitCode, err]).toEqual([1, ''])
    expect(JSON.parse(out)).toEqual({
      error: { code: 'Banned', processed: 'yes', message: 'greeter/hello: Banned', data: { until: '5' } },
    })
  })

  it.each([
    [
      ['greeter/hello', '{"name":""}'],
      'the request of greeter/hello does not fit: /name must not have fewer than 1 characters',
    ],
    [
      ['greeter/echo', '{"pixels":"?"}'],
      'the request of greeter/echo does not fit: /pixels must be bytes, written as base64 text',
    ],
  ])('%j does not fit, and nothing is sent', async ([method = '', request = ''], message) => {
    await until(() => server.stats().connections === 0) // those of the tests before
    const before = server.stats().bytesReceived
    expect(await call(method, request)).toEqual({
      exitCode: 1,
      out: '',
      err: `invalid_argument (processed: no): ${message}`,
    })
    expect(server.stats().bytesReceived).toBe(before)
  })

  it.each([
    [
      ['greeter/helo', '{}'],
      './greeter.js has no method "greeter/helo"; there is greeter/hello, greeter/log, greeter/echo',
    ],
    [['hello', '{}'], './greeter.js has no method "hello"; there is greeter/hello'],
    [['greeter/hello'], 'greeter/hello takes a request: give it as JSON, or - to read it from stdin'],
    [
      ['greeter/hello', '{name:1}'],
      'the request is no JSON: at line 1, column 2 expected a property name in double quotes or "}"',
    ],
  ])('%j is wrong use', async ([method = '', ...rest], message) => {
    const { exitCode, out, err } = await call(method, ...rest)
    expect([exitCode, out]).toEqual([2, ''])
    expect(err).toContain(`error: ${message}`)
  })

  it.each([
    ['localhost:7000', '"localhost:7000" is no address; write tcp://host:port or unix:/path'],
    ['tcp://127.0.0.1', '"tcp://127.0.0.1" is no TCP address; write tcp://host:port'],
  ])('%s is no address', async (address, message) => {
    const { exitCode, err } = await command('call', address, './greeter.js', 'greeter/hello', '{"name":"Ada"}')
    expect([exitCode, err]).toEqual([2, `error: ${message}`])
  })

  it('says what the server has not', async () => {
    const Newer = contract('greeter', { later: unary(Type.Object({}), Type.Object({})) })
    const io = new FakeIo({ './newer.js': { Newer } })
    const { exitCode, err } = await runCommand(['call', server.url, './newer.js', 'greeter/later', '{}'], io)
    expect([exitCode, err]).toEqual([1, expect.stringContaining('unimplemented (processed: no)')])
  })

  it('is refused where the contracts differ: an error answer, no wrong use', async () => {
    const Wider = contract('greeter', { hello: unary(Type.Object({ name: Type.String() }), Type.Object({})) })
    const callAt = (url: string) =>
      runCommand(['call', url, './wider.js', 'greeter/hello', '{"name":""}'], new FakeIo({ './wider.js': { Wider } }))
    const judged = await callAt(server.url)
    expect([judged.exitCode, judged.err]).toEqual([1, expect.stringContaining('failed_precondition (processed: no)')])
    expect(judged.err).toContain('/hello/request/name')
    const silent = await serve(greeter, 'tcp://127.0.0.1:0', { reflection: false })
    onTestFinished(() => silent.close({ drainMs: 0 }))
    const validated = await callAt(silent.url)
    expect([validated.exitCode, validated.err]).toEqual([
      1,
      expect.stringContaining('invalid_argument (processed: no)'),
    ])
  })

  it('ends at its deadline, and the handler is told', async () => {
    let hasBegun = false
    waiting.begun = () => {
      hasBegun = true
    }
    let aborted: Promise<void> | undefined
    const wait = (timeoutMs: string) => {
      hasBegun = false
      aborted = new Promise((resolve) => {
        waiting.aborted = resolve
      })
      return call('greeter/wait', '{}', '--timeout-ms', timeoutMs)
    }
    const { exitCode, err } = await inEnoughTime(wait, (ended) => hasBegun && !ended.err.includes('processed: no'))
    expect([exitCode, err]).toEqual([
      1,
      'deadline_exceeded (processed: maybe): greeter/wait: no reply before the deadline',
    ])
    await aborted
  })
})

describe('a server that is none', () => {
  const servers: NetServer[] = []
  afterAll(() => {
    for (const server of servers) server.close()
  })

  /** A server that does `met` with each connection, which is cut when the test is over. */
  function listen(met: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => {}) // the command may be gone
      met(socket)
    })
    servers.push(server)
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(`tcp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
      })
    })
  }

  const hello = (url: string, ...flags: string[]) =>
    command('call', url, './greeter.js', 'greeter/hello', '{"name":"Ada"}', ...flags)
  const log = (url: string, ...flags: string[]) =>
    command('call', url, './greeter.js', 'greeter/log', '{"line":"x"}', ...flags)

  it('but an HTTP server', async () => {
    const url = await listen((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const refusal = {
      exitCode: 1,
      err: expect.stringContaining('the peer does not speak Nanowire: it began with "HTTP/1.1 400 Bad Request'),
    }
    expect(await hello(url)).toMatchObject(refusal)
    expect(await log(url)).toMatchObject(refusal)
  })

  it('but cuts the connection', async () => {
    const url = await listen((socket) => socket.on('data', () => socket.resetAndDestroy()))
    expect(await hello(url)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^unavailable \(processed: maybe\): .* was cut/),
    })
    expect(await log(url)).toMatchObject({ exitCode: 1, err: expect.stringMatching(/^unavailable .* was cut/) })
  })

  it('but says nothing', async () => {
    const sockets: Socket[] = []
    const url = await listen((socket) => sockets.push(socket))
    const called = await inEnoughTime(
      (timeoutMs) => hello(url, '--timeout-ms', timeoutMs),
      ({ err }) => !err.includes('processed: no'),
    )
    expect(called).toMatchObject({ exitCode: 1, err: expect.stringMatching(/^deadline_exceeded \(processed: maybe\)/) })
    let givenMs = ''
    const notified = await inEnoughTime(
      (timeoutMs) => {
        givenMs = timeoutMs
        return log(url, '--timeout-ms', timeoutMs)
      },
      ({ err }) => !err.includes('no answer from'), // it was not even connected
    )
    expect(notified).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining(`sent no HELLO in time: handshakeTimeoutMs is ${givenMs} `),
    })
    for (const socket of sockets) socket.destroy()
  })

  it('but is not there', async () => {
    const url = await listen(() => {})
    await new Promise((resolve) => servers.pop()?.close(resolve))
    expect(await hello(url)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^unavailable \(processed: no\): nothing listens at 127\.0\.0\.1:\d+/),
    })
    const { exitCode, out } = await log(url, '--json')
    expect([exitCode, JSON.parse(out)]).toEqual([
      1,
      { error: expect.objectContaining({ code: 'unavailable', processed: 'no' }) },
    ])
  })
})
