/** `nanowire call` without a module: the server says what its contract is, and what it says is not trusted. */
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ContractDescription, readDescription } from '../../src/contract/index.ts'
import { contract, type Server, serve, service, unary } from '../../src/index.ts'
import { FakeIo, inEnoughTime, runCommand } from './fake-io.ts'
import { command, greeter, lines, modules } from './greeter.ts'
import { type Answer, descriptionOf, tellingServer } from './telling-server.ts'

/** A second contract, with a name that is nearer to some others than the first. */
const Grader = contract('grader', { next: unary(Type.Integer(), Type.Integer()) })
const grader = service(Grader, { next: (n) => n + 10 })

describe('call without a module', () => {
  let server: Server
  beforeAll(async () => {
    server = await serve([greeter, grader], 'tcp://127.0.0.1:0')
  })
  afterAll(() => server.close())

  const call = (...words: string[]) => command('call', server.url, ...words)

  it.each([
    [['greeter/hello', '{"name":"Ada"}'], '{"text":"Hello, Ada"}'],
    [['greeter/echo', '{"pixels":"AQID"}'], '{"pixels":"AQID"}'],
    [['greeter/next', '-5'], '-4'],
    [['greeter/ping'], 'null'],
    [['greeter/ping', 'null'], 'null'],
    [['grader/next', '1'], '11'],
    [
      ['greeter/hello', '{"name":"Ada"}', '--metadata', 'title=Lady ', '--timeout-ms', '5000'],
      '{"text":"Hello, Lady Ada"}',
    ],
    [['nanowire/describe', '{"contract":"none"}'], ''],
  ])('%j prints what it prints with one', async (words, out) => {
    const learned = await call(...words)
    expect(learned.out).toBe(out)
    if (words[0]?.startsWith('greeter')) expect(learned).toEqual(await call('./greeter.js', ...words))
  })

  it('reads the request from stdin, and indents for people', async () => {
    const io = new FakeIo()
    io.stdin = '{"name":"Zoë"}\n'
    io.isTty = true
    expect((await runCommand(['call', server.url, 'greeter/hello', '-'], io)).out).toBe('{\n  "text": "Hello, Zoë"\n}')
  })

  it('of a notify prints nothing, and it arrives', async () => {
    expect(await call('greeter/log', '{"line":"learned"}')).toEqual({ exitCode: 0, out: '', err: '' })
    expect(lines).toContain('learned')
  })

  it.each([
    [['greeter/hello', '{"name":"Mallory"}'], 'Banned (processed: yes): greeter/hello: Banned\n  data: {"until":"5"}'],
    [['greeter/fail', '{}'], 'not_found (processed: yes): no such thing \\u001b[31m'],
    [['nanowire/describe', '{"contract":"none"}'], 'not_found (processed: yes): no contract here is named "none"'],
  ])('%j shows the error answer', async (words, err) => {
    expect(await call(...words)).toEqual({ exitCode: 1, out: '', err })
  })

  it('checks the request by what it has learned, and sends none that does not fit', async () => {
    const before = server.stats().calls['greeter/hello']
    expect(await call('greeter/hello', '{"name":""}')).toEqual({
      exitCode: 1,
      out: '',
      err: 'invalid_argument (processed: no): the request of greeter/hello does not fit: /name must fit what the server told: string within its bounds',
    })
    expect(await call('greeter/echo', '{"pixels":"?"}')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('/pixels must be bytes, written as base64 text'),
    })
    expect(server.stats().calls['greeter/hello']).toEqual(before)
  })

  it.each([
    [['greeter/pong'], 'has no method "greeter/pong"; there is greeter/ping, greeter/log'],
    [['graeter/next', '1'], 'has no contract "graeter"; there is greeter, grader'],
    [['greeter/hello'], 'greeter/hello takes a request: give it as JSON, or - to read it from stdin'],
    [['greeter/hello', '{name:1}'], 'the request is no JSON: at line 1, column 2'],
    [['greeter/next', '1', '--export', 'Greeter'], '--export is about a module: name it before the method'],
    [['hello'], '"hello" is no method\'s full name: write it as greeter/hello'],
    [['hello', '{}'], 'there is no file hello'],
    [['./none.js', 'greeter/hello'], 'there is no file ./none.js'],
    [['./greeter.js', 'greeter/hello', '{}', '{}'], 'one word too many: "{}"; quote the request'],
  ])('%j is wrong use', async (words, message) => {
    const { exitCode, out, err } = await call(...words)
    expect([exitCode, out, err]).toEqual([2, '', expect.stringContaining(message)])
    expect(err).toMatch(/^error: [^\n]*$/)
  })

  it('says its credentials before it learns', async () => {
    const guarded = await serve(greeter, 'tcp://127.0.0.1:0', {
      authenticate: ({ credentials }) => (credentials === 't7' ? 'ada' : undefined),
    })
    onTestFinished(() => guarded.close({ drainMs: 0 }))
    const words = ['call', guarded.url, 'greeter/next', '1']
    expect(await command(...words, '--credentials', 't7')).toEqual({ exitCode: 0, out: '2', err: '' })
    const refused = await command(...words, '--credentials', 't8')
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('unauthenticated (processed: no): ')])
  })

  it('asks for the module where the server does not tell', async () => {
    const silent = await serve(greeter, 'tcp://127.0.0.1:0', { reflection: false })
    onTestFinished(() => silent.close({ drainMs: 0 }))
    const { exitCode, err } = await command('call', silent.url, 'greeter/next', '1')
    expect([exitCode, err]).toEqual([1, expect.stringContaining('pass the module that has its contracts')])
    expect((await command('call', silent.url, './greeter.js', 'greeter/next', '1')).out).toBe('2')
  })
})

describe('what a server tells', () => {
  /** A server that tells this, and then answers the call. */
  const told = (description: unknown, reply: Answer = { value: 'x' }, described?: ContractDescription) =>
    tellingServer({
      contracts: ['nanowire', 'greeter'],
      ...(described ? { described } : {}),
      answer: (index) => (index === 0 ? { value: description } : reply),
    })

  /** The same, with the hash of what it tells in its HELLO. */
  const honest = (method: Readonly<Record<string, unknown>>, reply?: Answer) => {
    const description = descriptionOf('greeter', method)
    return told(description, reply, readDescription(description))
  }

  it('is used as it is: the reply is read by it', async () => {
    expect(await command('call', await honest({}, { value: 'text\u001b[31m' }), 'greeter/hello', 'null')).toEqual({
      exitCode: 0,
      out: '"text\\u001b[31m"',
      err: '',
    })
    expect(await command('call', await honest({}, { value: 7 }), 'greeter/hello', 'null')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('the reply of greeter/hello does not fit'),
    })
  })

  it('runs no pattern: the request is sent, whatever it would take to match', async () => {
    const url = await honest({ request: { type: 'string', pattern: '^(a+)+$' } })
    const { exitCode, out } = await command('call', url, 'greeter/hello', JSON.stringify(`${'a'.repeat(60)}!`))
    expect([exitCode, out]).toEqual([0, '"x"'])
  })

  it('may be of another hash than its HELLO says, where it says the same when it is asked again', async () => {
    const answer = (index: number): Answer => ({ value: index < 2 ? descriptionOf('greeter') : 'third' })
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'], answer })
    expect((await command('call', url, 'greeter/hello', 'null')).out).toBe('"third"')
  })

  const many = Array.from({ length: 5_000 }, (_, index) => ({ const: `c${index}` }))
  const selfish = { $defs: { A: { anyOf: [{ $ref: 'A' }, { $ref: 'A' }] } }, $ref: 'A' }
  it.each([
    ['is no description', 'x', 'is of no use: the description cannot be read'],
    ['has many forms', descriptionOf('greeter', { request: { anyOf: many } }), 'call it with its module'],
    ['refers to itself', descriptionOf('greeter', { request: selfish }), ''],
    [
      'has a method of a later version',
      descriptionOf('greeter', { kind: 'chat' }),
      'is a method of the kind chat, which this version cannot call',
    ],
    ['has another method alone', { nanowire: 1, name: 'greeter', methods: {} }, ''],
  ])('and %s is an error answer or wrong use in one line', async (_, description, message) => {
    const { exitCode, out, err } = await command('call', await told(description), 'greeter/hello', 'null')
    expect([exitCode > 0, out]).toEqual([true, ''])
    expect(err).toContain(message)
    expect(err.split('\n')).toHaveLength(1)
    expect(err.length).toBeLessThan(1_500)
  })

  it('never at all, ends at --timeout-ms', async () => {
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'] })
    const { exitCode, err } = await inEnoughTime(
      (timeoutMs) => command('call', url, 'greeter/hello', 'null', '--timeout-ms', timeoutMs),
      (ended) => !ended.err.includes('handshakeTimeoutMs'),
    )
    expect([exitCode, err]).toEqual([1, expect.stringContaining('deadline_exceeded')])
  })

  it('is not asked for where a module says it', async () => {
    const url = await tellingServer({ contracts: ['greeter'], answer: () => ({ value: 5 }) })
    expect(await runCommand(['call', url, './greeter.js', 'greeter/next', '4'], new FakeIo(modules))).toMatchObject({
      exitCode: 0,
      out: '5',
    })
  })
})
