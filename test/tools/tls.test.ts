/** The flags of TLS, of credentials and of unix sockets, at `serve` and `call` (spec/cli.md). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { router, type ServeOptions, serve } from '../../src/index.ts'
import { askingTls, serverTls } from '../support/certificates.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { FakeIo, runCommand } from './fake-io.ts'
import { Greeter, greeter } from './greeter.ts'

const quiet = router([greeter], { log: new RecordingLog() })
const modules = { './greeter.js': { Greeter, default: quiet } }
const command = (...argv: string[]) => runCommand(argv, new FakeIo(modules))

const file = (name: string) => fileURLToPath(new URL(`../support/certificates/${name}.pem`, import.meta.url))
const ada = { exitCode: 0, out: '{"text":"Hello, Ada"}', err: '' }

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const call = (url: string, ...flags: string[]) =>
  command('call', url, './greeter.js', 'greeter/hello', '{"name":"Ada"}', ...flags)

async function served(options: ServeOptions): Promise<string> {
  const server = await serve(quiet, 'tcp://127.0.0.1:0', options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return server.url
}

/** A command that serves until the test is over, and its address. */
async function serving(at: string, ...flags: string[]): Promise<string> {
  const io = new FakeIo(modules)
  const printed = io.untilPrinted('serving')
  const ended = runCommand(['serve', './greeter.js', '--at', at, ...flags], io)
  onTestFinished(async () => {
    io.signal('SIGTERM')
    expect((await ended).exitCode).toBe(0)
  })
  await printed
  return / at (\S+) \(/.exec(io.printed[0] ?? '')?.[1] ?? ''
}

describe('serve', () => {
  it('takes a certificate and its key, and then serves with TLS only', async () => {
    const url = await serving('tcp://127.0.0.1:0', '--tls-cert', file('server'), '--tls-key', file('server.key'))
    expect(await call(url, '--tls-ca', file('authority'))).toEqual(ada)
    const plain = await call(url)
    expect(plain.exitCode).toBe(1)
    expect(plain.err).toContain('unavailable (processed: no): ')
    expect(plain.err).toContain('this server takes TLS only')
  })

  it('asks clients for certificates of the authorities that it is given', async () => {
    const own = ['--tls-cert', file('server'), '--tls-key', file('server.key'), '--tls-ca', file('authority')]
    const url = await serving('tcp://127.0.0.1:0', ...own)
    const identity = ['--tls-cert', file('client'), '--tls-key', file('client.key')]
    expect(await call(url, '--tls-ca', file('authority'), ...identity)).toEqual(ada)
    const stranger = await call(url, '--tls-ca', file('authority'))
    expect([stranger.exitCode, stranger.err]).toEqual([1, expect.stringContaining('unauthenticated (processed: no): ')])
  })

  it('takes a unix socket, which call reaches', async () => {
    const at = `unix:${join(ownFolder(), 's')}`
    expect(await serving(at)).toBe(at)
    expect(await call(at)).toEqual(ada)
  })

  it.each([
    [['--tls-cert', 'x'], '--tls-cert and --tls-key belong together: give both, or none'],
    [['--tls-key', 'x'], '--tls-cert and --tls-key belong together: give both, or none'],
    [['--tls-ca', 'x'], '--tls-ca asks clients for a certificate: give --tls-cert and --tls-key of this server too'],
    [['--tls-cert', 'x', '--tls-key', 'y'], 'cannot read the file x of --tls-cert: ENOENT'],
    [['--tls-cert', file('server'), '--tls-key', '/'], 'cannot read the file / of --tls-key: EISDIR'],
    [['--tls-cert', file('server'), '--tls-key', file('client.key')], 'tls.key does not belong to tls.cert'],
  ])('%j is wrong use', async (flags, message) => {
    const wrong = await command('serve', './greeter.js', '--at', 'tcp://127.0.0.1:0', ...flags)
    expect(wrong).toEqual({ exitCode: 2, out: '', err: expect.stringContaining(`error: ${message}`) })
  })

  it('of TLS at a unix socket is wrong use', async () => {
    const own = ['--tls-cert', file('server'), '--tls-key', file('server.key')]
    const wrong = await command('serve', './greeter.js', '--at', 'unix:/nowhere/s', ...own)
    expect(wrong).toMatchObject({ exitCode: 2, err: expect.stringContaining('the option tls is not for unix:/path') })
  })
})

describe('call', () => {
  it('trusts what it is told to trust, and otherwise what comes with Node', async () => {
    const url = await served({ tls: serverTls() })
    const unknown = await call(url, '--tls')
    expect([unknown.exitCode, unknown.err]).toEqual([
      1,
      expect.stringContaining('is of an authority that is not trusted'),
    ])
    const elsewhere = await served({ tls: serverTls('elsewhere') })
    expect(await call(elsewhere, '--tls-ca', file('authority'), '--tls-name', 'elsewhere.test')).toEqual(ada)
    const wrongName = await call(elsewhere, '--tls-ca', file('authority'))
    expect(wrongName.err).toContain('is not for 127.0.0.1 but for DNS:elsewhere.test')
  })

  it.each([
    [['--tls-cert', 'x'], '--tls-cert and --tls-key belong together: give both, or none'],
    [['--tls-ca', 'x'], 'cannot read the file x of --tls-ca: ENOENT'],
    [['--tls-ca', file('server.key')], 'tls.ca is no certificate in PEM (-----BEGIN CERTIFICATE-----)'],
    [['--tls-cert', file('client'), '--tls-key', file('server.key')], 'tls.key does not belong to tls.cert'],
    [['--credentials', '@x'], 'cannot read the file x of --credentials: ENOENT'],
  ])('%j is wrong use', async (flags, message) => {
    const url = await served({ tls: askingTls() })
    const wrong = await call(url, ...flags)
    expect(wrong).toEqual({ exitCode: 2, out: '', err: expect.stringContaining(`error: ${message}`) })
  })

  it('says its credentials, from the line or from a file, without the end of its line', async () => {
    const url = await served({ authenticate: ({ credentials }) => (credentials === 'token 7' ? 'ada' : undefined) })
    expect(await call(url, '--credentials', 'token 7')).toEqual(ada)
    const path = join(ownFolder(), 'token')
    for (const text of ['token 7', 'token 7\n', 'token 7\r\n']) {
      writeFileSync(path, text)
      expect(await call(url, '--credentials', `@${path}`)).toEqual(ada)
    }
    for (const flags of [[], ['--credentials', 'token 8']]) {
      const refused = await call(url, ...flags)
      expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('unauthenticated (processed: no): ')])
    }
  })
})
