/** `nanowire describe` and `diff` of streams and events: their kinds, what each side sends, and what changes of them break. */
import Type from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  Bytes,
  bidiStream,
  clientStream,
  contract,
  event,
  type Server,
  serve,
  serverStream,
  stub,
} from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'

const Tick = Type.Object({ n: Type.Integer() })
const Feed = contract('feed', {
  ticks: serverStream(Type.Object({ count: Type.Integer() }), Tick, { errors: { Gone: Type.Void() }, slow: 'latest' }),
  store: clientStream(Bytes(), Type.Integer(), { timeoutMs: 500 }),
  chat: bidiStream(Type.String(), Tick),
  placed: event(Type.Object({ id: Type.String(), n: Type.Integer() }), { key: 'id' }),
  rang: event(Tick),
})
/** As another version has them. */
const Later = contract('feed', {
  ticks: clientStream(Tick, Type.Object({ count: Type.Integer() })),
  store: clientStream(Bytes(), Type.Integer()),
  chat: bidiStream(Type.String(), Type.Object({ n: Type.Integer(), from: Type.String() })),
  placed: event(Type.Object({ id: Type.String(), n: Type.Integer() })),
  rang: event(Tick, { slow: 'latest' }),
})

let server: Server
beforeAll(async () => {
  server = await serve(stub(Feed), 'tcp://127.0.0.1:0')
})
afterAll(() => server.close())

const command = (...argv: string[]) => runCommand(argv, new FakeIo({ './feed.js': { Feed }, './later.js': { Later } }))

it('shows the kind of each method, and the items of each side', async () => {
  const shown = await command('describe', './feed.js')
  expect(shown.out.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^ {2}feed\/ticks {3}serverStream {2}tag 0x[0-9a-f]{8}$/),
    '    request  { count: integer }',
    '    reply    { n: integer }',
    '    Gone     void',
    expect.stringMatching(/^ {2}feed\/store {3}clientStream {2}tag 0x[0-9a-f]{8} {2}timeout 500 ms$/),
    '    request  bytes',
    '    reply    integer',
    expect.stringMatching(/^ {2}feed\/chat {4}bidiStream {4}tag 0x/),
    '    request  string',
    '    reply    { n: integer }',
    expect.stringMatching(/^ {2}feed\/placed {2}event {9}tag 0x/),
    expect.stringMatching(/^ {4}request {2}\{ id\?: string/),
    '    reply    { id: string, n: integer }',
    expect.stringMatching(/^ {2}feed\/rang {4}event {9}tag 0x/),
    expect.stringMatching(/^ {4}request {2}\{ ?/),
    '    reply    { n: integer }',
  ])
  expect((await command('describe', server.url)).out).toBe(shown.out)
})

it('says what breaks between two versions', async () => {
  const { exitCode, out } = await command('diff', server.url, './later.js', '--json')
  const { contracts } = JSON.parse(out) as { contracts: { methods: { name: string; verdict: string }[] }[] }
  const verdicts = contracts[0]?.methods.map(({ name, verdict }) => [name, verdict])
  expect([exitCode, Object.fromEntries(verdicts ?? [])]).toEqual([
    0,
    {
      'feed/ticks': 'breaking',
      'feed/store': 'identical',
      'feed/chat': 'breaking',
      'feed/placed': 'breaking',
      'feed/rang': 'identical',
    },
  ])
})
