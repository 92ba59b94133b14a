/** `nanowire describe`: servers, modules and saved files, what they say wrongly, and what is written to a file. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Bytes, contract, notify, type ServeOptions, serve, service, unary } from '../../src/index.ts'
import { serverTls } from '../support/certificates.ts'
import { FakeIo, inEnoughTime, runCommand } from './fake-io.ts'
import { command, greeter, modules } from './greeter.ts'
import { type Answer, descriptionOf, TOLD_HASH, tellingServer } from './telling-server.ts'

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function served(options: ServeOptions = {}, at = 'tcp://127.0.0.1:0'): Promise<string> {
  const server = await serve([greeter, clock], at, options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return server.url
}

const Clock = contract('clock', {
  now: unary(Type.Undefined(), Type.Number(), { idempotent: true, timeoutMs: 500, description: 'What time it is.' }),
  set: notify(Type.Object({ at: Type.Number(), zone: Type.Optional(Type.String()) }), { deprecated: 'use\nntp' }),
  old: unary(Type.Null(), Bytes({ maxBytes: 8 }), { deprecated: true, tag: 7 }),
})
const clock = service(Clock, { now: () => 0, set() {}, old: () => new Uint8Array() })
const clockModule = { './clock.js': { Clock } }

const CLOCK = `clock  ${Clock.fingerprint}
  clock/now  unary   tag 0xc541f4d6  idempotent  timeout 500 ms
    "What time it is."
    request  undefined
    reply    number
  clock/set  notify  tag 0xc1191fce  deprecated: "use\\nntp"
    request  { at: number, zone?: string }
  clock/old  unary   tag 0x00000007  deprecated
    request  null
    reply    bytes(maxBytes: 8)`

describe('describe', () => {
  it('prints the contracts of a module: fingerprint, methods, and what they take and give', async () => {
    const { exitCode, out, err } = await runCommand(['describe', './clock.js'], new FakeIo(clockModule))
    expect([exitCode, out, err]).toEqual([0, CLOCK, ''])
  })

  it.each([['tcp://127.0.0.1:0'], ['unix:']])(
    'prints the contracts of a server at %s, without the one by which it tells',
    async (at) => {
      const url = await served({}, at === 'unix:' ? `unix:${join(ownFolder(), 's')}` : at)
      const { exitCode, out, err } = await command('describe', url)
      expect([exitCode, err]).toEqual([0, ''])
      expect(out).toContain(`\n\n${CLOCK}`)
      expect(out).toContain('    Banned   { until: bigint }')
      expect(out).not.toContain('nanowire/describe')
      expect((await command('describe', url, 'nanowire')).out).toContain('nanowire/describe  unary')
    },
  )

  it('reaches a server by TLS and credentials', async () => {
    const authority = fileURLToPath(new URL('../support/certificates/authority.pem', import.meta.url))
    const url = await served({
      tls: serverTls(),
      authenticate: ({ credentials }) => (credentials === 't7' ? 'ada' : undefined),
    })
    const flags = ['--tls-ca', authority, '--credentials']
    expect((await command('describe', url, 'clock', ...flags, 't7')).out).toBe(CLOCK)
    const refused = await command('describe', url, 'clock', ...flags, 't8')
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('unauthenticated (processed: no): ')])
  })

  it('prints one contract where it is named, and names the nearest where there is none of the name', async () => {
    const url = await served()
    expect((await command('describe', url, 'clock')).out).toBe(CLOCK)
    expect(await command('describe', url, 'clocks')).toEqual({
      exitCode: 2,
      out: '',
      err: `error: ${url} has no contract "clocks"; there is clock, greeter`,
    })
    const { exitCode, err } = await runCommand(['describe', './clock.js', 'x'], new FakeIo(clockModule))
    expect([exitCode, err]).toEqual([2, 'error: ./clock.js has no contract "x"; there is clock'])
  })

  it('says the same of a server, its module and a saved file, with --json', async () => {
    const file = join(ownFolder(), 'saved.json')
    const byServer = await command('describe', await served(), 'greeter', '--json')
    const byModule = await command('describe', './greeter.js', '--json', '--save', file)
    const byFile = await command('describe', file, '--json')
    expect(JSON.parse(byModule.out)).toMatchObject({
      nanowire: 1,
      fingerprints: { greeter: expect.stringMatching(/^[0-9a-f]{32}$/) },
      contracts: { greeter: { nanowire: 1, name: 'greeter' } },
    })
    expect(byServer).toEqual(byModule)
    expect(byFile).toEqual(byModule)
    const io = new FakeIo()
    io.stdin = byModule.out
    expect(await runCommand(['describe', '-', '--json'], io)).toEqual(byModule)
    const { contracts } = JSON.parse(byModule.out) as { contracts: { greeter: unknown } }
    io.stdin = JSON.stringify(contracts.greeter)
    expect(await runCommand(['describe', '-'], io)).toMatchObject({ exitCode: 0 })
    expect(io.printed[1]).toBe((await command('describe', './greeter.js')).out)
  })

  it('takes one export of a module, and wants it where two contracts have one name', async () => {
    const Other = contract('clock', { now: unary(Type.Null(), Type.Null()) })
    const two = { './clock.js': { Clock, Other, again: Clock } }
    expect((await runCommand(['describe', './clock.js#Clock'], new FakeIo(two))).out).toBe(CLOCK)
    expect((await runCommand(['describe', './clock.js#Other'], new FakeIo(two))).out).toContain('request  null')
    expect(await runCommand(['describe', './clock.js'], new FakeIo(two))).toMatchObject({
      exitCode: 2,
      err: 'error: ./clock.js has several contracts named clock: say which, as ./clock.js#Clock or ./clock.js#Other or ./clock.js#again',
    })
    expect(await runCommand(['describe', './clock.js#None'], new FakeIo(two))).toMatchObject({
      exitCode: 2,
      err: 'error: ./clock.js has no export "None"; it exports Clock, Other, again',
    })
  })
})

describe('describe --save', () => {
  it('writes a file that ends in a line break, over an older one, and leaves nothing else', async () => {
    const folder = ownFolder()
    const file = join(folder, 'saved.json')
    for (const source of ['./greeter.js', './clock.js']) {
      const io = new FakeIo({ ...modules, ...clockModule })
      expect((await runCommand(['describe', source, '--save', file], io)).exitCode).toBe(0)
      expect(readFileSync(file, 'utf8')).toMatch(/^\{\n {2}"nanowire": 1,\n.*\n\}\n$/s)
    }
    expect(readdirSync(folder)).toEqual(['saved.json'])
    expect((await command('describe', file)).out).toBe(CLOCK)
  })

  it('never leaves half a file: whoever reads the older one goes on reading it', async () => {
    const file = join(ownFolder(), 'saved.json')
    await command('describe', './greeter.js', '--save', file)
    const before = readFileSync(file)
    const opened = openSync(file, 'r')
    onTestFinished(() => closeSync(opened))
    await runCommand(['describe', './clock.js', '--save', file], new FakeIo(clockModule))
    expect(readFileSync(opened)).toEqual(before)
    expect(readFileSync(file)).not.toEqual(before)
  })

  it('keeps off the terminal, when the file is printed, what a server has put into it', async () => {
    const answer = (): Answer => ({ value: descriptionOf('greeter', { description: '\u009b31m \u202e \u007f' }) })
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'], answer })
    const file = join(ownFolder(), 'saved.json')
    expect((await command('describe', url, '--save', file)).exitCode).toBe(0)
    expect(readFileSync(file, 'utf8')).toMatch(/^[\n -~]*$/)
    expect((await command('describe', file, '--json')).out).toContain('\\u009b31m \\u202e \\u007f')
  })

  it.each([
    ['a file that is something else', '{"name":"package"}'],
    ['an empty file', ''],
  ])('writes over no %s', async (_, content) => {
    const file = join(ownFolder(), 'other.json')
    writeFileSync(file, content)
    expect(await command('describe', './greeter.js', '--save', file)).toEqual({
      exitCode: 2,
      out: '',
      err: `error: ${file} is there already, and is no saved description: name another file, or delete it first`,
    })
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  it('wants a name that reads back, and a folder that can be written', async () => {
    const folder = ownFolder()
    expect(await command('describe', './greeter.js', '--save', join(folder, 'x.txt'))).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('--save takes a file whose name ends in .json'),
    })
    expect(await command('describe', './greeter.js', '--save', join(folder, 'none', 'x.json'))).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^error: cannot write .*ENOENT/),
    })
    expect(await command('describe', './greeter.js', '--save', folder)).toMatchObject({ exitCode: 2 })
    expect(readdirSync(folder)).toEqual([])
  })

  it('writes nothing where the server tells nothing', async () => {
    const folder = ownFolder()
    const url = await served({ reflection: false })
    expect((await command('describe', url, '--save', join(folder, 'x.json'))).exitCode).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a file', () => {
  const bad: readonly [string, string, string][] = [
    ['is no JSON', '{"nanowire":', 'is no JSON: at line 1, column 13 expected a value, but there is the end'],
    ['is something else', '{"name":"package"}', 'is no saved description: make one with nanowire describe --save'],
    ['is of a later form', '{"nanowire":2}', 'is no saved description'],
    ['is a list', '[]', 'is no saved description'],
    ['has contracts that are a list', '{"nanowire":1,"contracts":[]}', 'its "contracts" are no object'],
    [
      'has a contract that is none',
      '{"nanowire":1,"contracts":{"a":7}}',
      'the description cannot be read: it is no object',
    ],
    [
      'has a contract under another name',
      JSON.stringify({ nanowire: 1, contracts: { a: descriptionOf('b') } }),
      'under "a" stands the contract "b"',
    ],
    ['is nested without end', `{"nanowire":1,"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'is deeper than'],
    ['is nested without end, and broken', '['.repeat(1_000_000), 'is no JSON'],
    ['is one text without end', `"${'x'.repeat(8_000_000)}`, 'is no JSON'],
  ]
  it.each(bad)('that %s is refused in one line', async (_, content, message) => {
    const file = join(ownFolder(), 'x.json')
    writeFileSync(file, content)
    const { exitCode, out, err } = await command('describe', file)
    expect([exitCode, out]).toEqual([2, ''])
    expect(err).toContain(`error: ${file}`)
    expect(err).toContain(message)
    expect(err.split('\n')).toHaveLength(1)
    expect(err.length).toBeLessThan(1_000)
  })

  it('that is not there, a folder, no text, too large or without end is refused', async () => {
    const folder = ownFolder()
    const file = join(folder, 'x.json')
    expect(await command('describe', file)).toMatchObject({ exitCode: 2, err: `error: there is no file ${file}` })
    writeFileSync(file, Buffer.from([0x22, 0xff, 0x22]))
    expect(await command('describe', file)).toMatchObject({
      exitCode: 2,
      err: `error: ${file} is no text in UTF-8`,
    })
    truncateSync(file, 33 * 1_024 * 1_024)
    expect(await command('describe', file)).toMatchObject({
      exitCode: 2,
      err: `error: ${file} has more than 33554432 bytes`,
    })
    const endless = join(folder, 'zero.json')
    symlinkSync('/dev/zero', endless)
    expect(await command('describe', endless)).toMatchObject({
      exitCode: 2,
      err: `error: ${endless} has more than 33554432 bytes`,
    })
    rmSync(file)
    symlinkSync(folder, file)
    expect(await command('describe', file)).toMatchObject({
      exitCode: 2,
      err: `error: ${file} is a folder; name the file in it`,
    })
  })
})

describe('a server', () => {
  it('without reflection says what its contracts are called', async () => {
    const url = await served({ reflection: false })
    const { exitCode, out, err } = await command('describe', url)
    expect([exitCode, out]).toEqual([1, ''])
    expect(err).toBe(
      `unimplemented (processed: no): ${url} has reflection turned off; its contracts are clock, greeter: ` +
        'pass the module that has its contracts, or serve with { reflection: true }',
    )
    const json = await command('describe', url, '--json')
    expect([json.exitCode, JSON.parse(json.out)]).toMatchObject([1, { error: { code: 'unimplemented' } }])
  })

  it('that says nothing of its contracts is told apart', async () => {
    const url = await tellingServer({})
    const { exitCode, err } = await command('describe', url)
    expect([exitCode, err]).toEqual([1, expect.stringContaining(`${url} says nothing of its contracts`)])
  })

  it('that has no contracts has none', async () => {
    const url = await tellingServer({ contracts: ['nanowire'] })
    expect(await command('describe', url)).toEqual({ exitCode: 0, out: 'no contracts', err: '' })
  })

  it('that is not there, speaks otherwise or is silent is an error answer', async () => {
    const silent = await tellingServer({ contracts: ['nanowire', 'greeter'] })
    const { exitCode, err } = await inEnoughTime(
      (timeoutMs) => command('describe', silent, '--timeout-ms', timeoutMs),
      (ended) => !ended.err.includes('handshakeTimeoutMs'),
    )
    expect([exitCode, err]).toEqual([1, expect.stringContaining('deadline_exceeded')])
    const free = 'tcp://127.0.0.1:1'
    expect(await command('describe', free)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('unavailable (processed: no): nothing listens at 127.0.0.1:1'),
    })
    expect(await command('describe', 'http://127.0.0.1')).toMatchObject({
      exitCode: 2,
      err: 'error: "http://127.0.0.1" is no address; write tcp://host:port or unix:/path',
    })
  })

  it('whose description is not of the hash in its HELLO is shown with both', async () => {
    const answer = (): Answer => ({ value: descriptionOf('greeter') })
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'], answer })
    const { exitCode, out } = await command('describe', url)
    expect(exitCode).toBe(0)
    expect(out).toContain(`\n  !! its HELLO says ${TOLD_HASH}\n`)
  })

  const deep = (levels: number): unknown => (levels === 0 ? {} : { type: 'array', items: deep(levels - 1) })
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`p${index}`, {}]))
  const hostile: readonly [string, Answer, string][] = [
    ['is another contract’s', { value: descriptionOf('other') }, 'is of no use: it is of "other"'],
    ['is no description', { value: 'x' }, 'the description cannot be read: it is no object'],
    ['is nil', { value: null }, 'the description cannot be read'],
    ['has a method that is no name', { value: { nanowire: 1, name: 'greeter', methods: { valueOf: {} } } }, 'valueOf'],
    ['is deep', { value: descriptionOf('greeter', { request: deep(200) }) }, 'too_deep'],
    [
      'is wide',
      { value: descriptionOf('greeter', { request: { properties: wide, required: [], enum: Object.keys(wide) } }) },
      'values',
    ],
    ['is of an extension type', { bytes: Uint8Array.from([0xd4, 0x05, 0x00]) }, 'extension type 5'],
    ['is no MessagePack', { bytes: Uint8Array.from([0xc1]) }, 'nanowire/describe'],
    [
      'is refused',
      { error: { code: 'permission_denied', message: 'not\u001b[2J you', processed: 'no' } },
      'not\\u001b[2J you',
    ],
    [
      'is refused as if it were our fault',
      { error: { code: 'invalid_argument', message: 'no', processed: 'no' } },
      'no',
    ],
    [
      'is not found',
      { error: { code: 'not_found', message: 'gone', processed: 'yes' } },
      'not_found (processed: yes): gone',
    ],
  ]
  it.each(hostile)('whose answer %s is an error answer in one line', async (_, told, message) => {
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'], answer: () => told })
    const { exitCode, out, err } = await command('describe', url)
    expect([exitCode, out]).toEqual([1, ''])
    expect(err).toContain(message)
    expect(err.split('\n')).toHaveLength(1)
    expect(err.length).toBeLessThan(1_500)
  })

  it('whose contracts have names that are none is an error answer', async () => {
    const url = await tellingServer({ contracts: ['nanowire', '\u001b[31m/../x'] })
    const { exitCode, err } = await command('describe', url)
    expect([exitCode, err]).toEqual([1, expect.stringContaining('that is no name of a contract')])
    expect(err).not.toContain('\u001b')
  })

  it('that tells without end is left', async () => {
    const contracts = ['nanowire', ...Array.from({ length: 100 }, (_, index) => `c${index}`)]
    const text = 'x'.repeat(4_000_000)
    const answer = (index: number): Answer => ({ value: { ...descriptionOf(`c${index}`), text } })
    const url = await tellingServer({ contracts, answer })
    const { exitCode, err } = await command('describe', url, '--timeout-ms', '60000')
    expect([exitCode, err]).toEqual([1, expect.stringContaining('resource_exhausted')])
    expect(err).toContain('tells more than 67108864 bytes of its contracts; name one of them')
  })

  it('cannot print to the terminal what it likes', async () => {
    const evil = '\u001b]0;x\u0007\n\tclock  fake\u202e'
    const answer = (): Answer => ({
      value: descriptionOf('greeter', {
        description: evil,
        deprecated: evil,
        request: {
          type: 'object',
          properties: { [evil]: { const: evil, pattern: evil } },
          patternProperties: { [evil]: {} },
        },
        reply: { $ref: evil, title: evil, [evil]: evil, enum: [evil], type: evil },
        errors: { Bad: { anyOf: [{ type: [evil] }, { 'x-nanowire': evil }] } },
      }),
    })
    const url = await tellingServer({ contracts: ['nanowire', 'greeter'], answer })
    const { exitCode, out } = await command('describe', url)
    expect(exitCode).toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect(out.split('\n')).toHaveLength(7)
    const json = await command('describe', url, '--json')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
    expect(json.out).not.toMatch(/[\u0000-\u001f\u202e]/)
  })
})
