/** `nanowire diff`: two versions of contracts, wherever they are, and the exit code that a build looks at. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contract, type ServeOptions, serve, service, unary } from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'
import { type Answer, descriptionOf, tellingServer } from './telling-server.ts'

const Item = Type.Object({ item: Type.String() })
const Shop1 = contract('shop', {
  order: unary(Item, Type.Boolean()),
  price: unary(Item, Type.Integer()),
  ping: unary(Type.Null(), Type.Null()),
  gone: unary(Type.Null(), Type.Null()),
})
const Shop2 = contract('shop', {
  later: unary(Type.Null(), Type.Null()),
  ping: unary(Type.Null(), Type.Null()),
  price: unary(Type.Object({ item: Type.String(), discount: Type.Optional(Type.Number()) }), Type.Integer()),
  order: unary(Type.Object({ item: Type.String(), pieces: Type.Integer() }), Type.Boolean()),
})
/** All of `Shop1`, and what it takes besides is not asked for. */
const Shop3 = contract('shop', {
  order: unary(Item, Type.Boolean()),
  price: unary(Type.Object({ item: Type.String(), discount: Type.Optional(Type.Number()) }), Type.Integer()),
  ping: unary(Type.Null(), Type.Null()),
  gone: unary(Type.Null(), Type.Null()),
  more: unary(Type.Null(), Type.Null()),
})
const Users = contract('users', { get: unary(Type.Null(), Type.Null()) })

const modules = {
  './old.js': { Shop1 },
  './new.js': { Shop2 },
  './wide.js': { Shop3 },
  './both.js': { Shop1, Shop2 },
  './more.js': { Shop1, Users },
  './none.js': { x: 1 },
}

async function diff(...argv: string[]) {
  return runCommand(['diff', ...argv], new FakeIo(modules))
}

function ownFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'saved.json')
}

async function served(options: ServeOptions = {}): Promise<string> {
  const shop = service(Shop2, { later: () => null, ping: () => null, price: () => 1, order: () => true })
  const server = await serve(shop, 'tcp://127.0.0.1:0', options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return server.url
}

/** From `Shop1` to `Shop2`. */
const DIFF = `shop  ${Shop1.fingerprint} -> ${Shop2.fingerprint}
  shop/order  breaking
    old client, new server: breaking
      !! /order/request/pieces: the server wants \`pieces\`, which the client does not send; make it optional, or give it a new method
    new client, old server: compatible
         /order/request/pieces: the server does not know \`pieces\`, and never sees it
  shop/price  compatible
    old client, new server: compatible
         /price/request/discount: the server takes \`discount\`, which the client does not send
    new client, old server: compatible
         /price/request/discount: the server does not know \`discount\`, and never sees it
  shop/ping   identical
  shop/gone   removed: breaking for old clients
  shop/later  added: no old client calls it

breaking: methods: 1 identical, 1 compatible, 1 breaking, 1 added, 1 removed`

describe('diff', () => {
  it('says of each method what each side’s clients meet, with the place and the reason', async () => {
    expect(await diff('./old.js', './new.js')).toEqual({ exitCode: 0, out: DIFF, err: '' })
  })

  it('says the same of modules, exports, saved files and servers', async () => {
    const [saved, url] = [ownFile(), await served()]
    await runCommand(['describe', './old.js', '--save', saved], new FakeIo(modules))
    for (const before of ['./old.js', './both.js#Shop1', saved])
      for (const after of ['./new.js', './both.js#Shop2', url]) expect((await diff(before, after)).out).toBe(DIFF)
    const io = new FakeIo(modules)
    io.stdin = (await runCommand(['describe', url, '--json'], new FakeIo())).out
    expect((await runCommand(['diff', './old.js', '-'], io)).out).toBe(DIFF)
  })

  it('finds no difference of a contract to itself', async () => {
    const out = `shop  ${Shop2.fingerprint}
  shop/later  identical
  shop/ping   identical
  shop/price  identical
  shop/order  identical

identical: methods: 4 identical`
    expect(await diff('./new.js', await served(), '--fail-on', 'any')).toEqual({ exitCode: 0, out, err: '' })
  })

  it('names contracts that one side has alone', async () => {
    const added = await diff('./old.js', './more.js', '--fail-on', 'breaking')
    expect([added.exitCode, added.out]).toEqual([0, expect.stringContaining('users  added: no old client calls it')])
    expect(added.out).toContain('compatible: methods: 4 identical; contracts added: users')
    const removed = await diff('./more.js', './old.js', '--fail-on', 'breaking')
    expect([removed.exitCode, removed.out]).toEqual([
      1,
      expect.stringContaining('users  removed: breaking for old clients'),
    ])
    expect(removed.out).toContain('breaking: methods: 4 identical; contracts removed: users')
  })

  it.each([
    ['./old.js', './new.js', undefined, 0],
    ['./old.js', './new.js', 'breaking', 1],
    ['./old.js', './new.js', 'any', 1],
    ['./old.js', './wide.js', 'breaking', 0],
    ['./old.js', './wide.js', 'any', 1],
    ['./wide.js', './old.js', 'breaking', 1],
    ['./old.js', './old.js', 'breaking', 0],
    ['./old.js', './old.js', 'any', 0],
    ['./old.js', './more.js', 'any', 1],
  ] as const)('from %s to %s with --fail-on %s ends with %d', async (before, after, failOn, exitCode) => {
    const flags = failOn === undefined ? [] : ['--fail-on', failOn]
    expect((await diff(before, after, ...flags)).exitCode).toBe(exitCode)
    expect((await diff(before, after, '--json', ...flags)).exitCode).toBe(exitCode)
  })

  it('prints one line of JSON with --json', async () => {
    const { out, err } = await diff('./old.js', './new.js', '--json')
    expect([err, out.includes('\n')]).toEqual(['', false])
    expect(JSON.parse(out)).toEqual({
      verdict: 'breaking',
      contracts: [
        {
          name: 'shop',
          presence: 'both',
          old: Shop1.fingerprint,
          new: Shop2.fingerprint,
          verdict: 'breaking',
          methods: [
            {
              name: 'shop/order',
              presence: 'both',
              verdict: 'breaking',
              oldClients: {
                verdict: 'breaking',
                findings: [expect.objectContaining({ pointer: '/order/request/pieces', verdict: 'breaking' })],
              },
              newClients: { verdict: 'compatible', findings: [expect.objectContaining({ verdict: 'compatible' })] },
            },
            expect.objectContaining({ name: 'shop/price', verdict: 'compatible' }),
            expect.objectContaining({ name: 'shop/ping', verdict: 'identical' }),
            {
              name: 'shop/gone',
              presence: 'removed',
              verdict: 'breaking',
              oldClients: expect.objectContaining({ verdict: 'breaking' }),
            },
            {
              name: 'shop/later',
              presence: 'added',
              verdict: 'compatible',
              newClients: expect.objectContaining({ verdict: 'breaking' }),
            },
          ],
        },
      ],
    })
  })

  it.each([
    [['./old.js'], "missing required argument 'new'"],
    [
      ['./old.js', './new.js', '--fail-on', 'most'],
      "option '--fail-on <what>' argument 'most' is invalid. Allowed choices are breaking, any.",
    ],
    [
      ['./old.js', './both.js'],
      './both.js has several contracts named shop: say which, as ./both.js#Shop1 or ./both.js#Shop2',
    ],
    [['./old.js', './none.js'], './none.js exports no contract and no service; it exports x'],
    [['./old.js', './missing.js'], 'there is no file ./missing.js'],
    [['./old.js', './missing.json'], 'there is no file ./missing.json'],
    [['-', '-'], 'stdin can be read once: only one of the two is -'],
    [['./old.js', 'http://x'], '"http://x" is no address'],
  ])('%j is wrong use', async (argv, message) => {
    const { exitCode, out, err } = await diff(...argv)
    expect([exitCode, out, err]).toEqual([2, '', expect.stringContaining(`error: ${message}`)])
  })

  it('of a server that tells nothing, or is not there, is an error answer', async () => {
    const quiet = await diff('./old.js', await served({ reflection: false }))
    expect([quiet.exitCode, quiet.out, quiet.err]).toEqual([
      1,
      '',
      expect.stringContaining('has reflection turned off'),
    ])
    const absent = await diff('tcp://127.0.0.1:1', './old.js', '--json')
    expect([absent.exitCode, absent.err]).toEqual([1, ''])
    expect(JSON.parse(absent.out)).toEqual({ error: expect.objectContaining({ code: 'unavailable', processed: 'no' }) })
  })

  it('shows nothing of a server that a terminal would obey, in the right number of lines', async () => {
    const evil = 'a\u001b[31m\nb\tc\u202e'
    const request = { type: 'object', properties: { [evil]: { const: evil } }, required: [evil] }
    const answer = (): Answer => ({ value: descriptionOf('shop', { request, tag: 8 }) })
    const url = await tellingServer({ contracts: ['nanowire', 'shop'], answer })
    const Shop = contract('shop', { hello: unary(Type.Object({}), Type.String(), { tag: 8 }) })
    const { exitCode, out } = await runCommand(['diff', './shop.js', url], new FakeIo({ './shop.js': { Shop } }))
    expect(exitCode).toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    for (const line of out.split('\n'))
      expect(line).toMatch(/^$|^shop {2}|^ {2}shop\/|^ {4}(old|new) client|^ {6}|^breaking: /)
  })
})
