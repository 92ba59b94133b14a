/** Servers that others than this machine can reach: the warning where whoever comes may call, and what is told to them. */
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Reflection } from '../../src/contract/index.ts'
import { connect, NanowireError, router, type ServeOptions, serve } from '../../src/index.ts'
import { askingTls, serverTls, showing } from '../support/certificates.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { lab } from './lab.ts'

const WARNING =
  'whoever reaches this address may call: give serve the option authenticate or tls.clientCa, or listen at 127.0.0.1 or unix:/path'

const lan = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

/** The server's warnings; `undefined` where this machine has no such address. */
async function warningsAt(host: string, options: ServeOptions = {}) {
  const log = new RecordingLog()
  try {
    const server = await serve(router([lab({})], { log }), `tcp://${host}:0`, options)
    onTestFinished(() => server.close({ drainMs: 0 }))
    return { server, lines: log.at('warn') }
  } catch (error) {
    const isMissing =
      error instanceof NanowireError && /EADDRNOTAVAIL|EAFNOSUPPORT|ENOTFOUND/.test(String(error.message))
    if (isMissing) return undefined
    throw error
  }
}

describe('a listener that others can reach, without authenticate', () => {
  it.for(['0.0.0.0', '[::]', lan])('warns once, and says what to do: %s', async (host, { skip }) => {
    const at = host === undefined ? undefined : await warningsAt(host)
    if (!host || !at) return skip('this machine has no such address')
    expect(at.lines).toEqual([{ level: 'warn', message: WARNING, fields: { url: at.server.url } }])
    const port = Number(new URL(at.server.url).port)
    const wire = connect(`tcp://${host === '[::]' ? '[::1]' : host.replace('0.0.0.0', '127.0.0.1')}:${port}`)
    onTestFinished(() => wire.close({ drainMs: 0 }))
    await wire.ready()
    expect(at.lines).toHaveLength(1)
  })

  it('warns with TLS too, which says nothing of who calls', async () => {
    expect((await warningsAt('0.0.0.0', { tls: serverTls() }))?.lines.map(({ message }) => message)).toEqual([WARNING])
  })
})

it.for(['127.0.0.1', '127.1.2.3', 'localhost', '[::1]', '[::ffff:127.0.0.1]'])(
  'a listener that only this machine can reach does not warn: %s',
  async (host, { skip }) => {
    const at = await warningsAt(host)
    if (!at) return skip('this machine has no such address')
    expect(at.lines).toEqual([])
  },
)

it('a listener that asks who calls does not warn', async () => {
  expect((await warningsAt('0.0.0.0', { authenticate: () => 'anybody' }))?.lines).toEqual([])
  expect((await warningsAt('0.0.0.0', { tls: askingTls() }))?.lines).toEqual([])
})

describe('what the contracts are', () => {
  it.each<[string, string, ServeOptions, boolean]>([
    ['at the loopback', '127.0.0.1', {}, true],
    ['at the loopback that does not want to', '127.0.0.1', { reflection: false }, false],
    ['elsewhere', '0.0.0.0', {}, false],
    ['elsewhere with TLS', '0.0.0.0', { tls: serverTls() }, false],
    ['elsewhere with client certificates only', '0.0.0.0', { tls: askingTls() }, false],
    ['elsewhere with authenticate', '0.0.0.0', { authenticate: () => 'anybody' }, true],
    ['elsewhere that wants to', '0.0.0.0', { reflection: true }, true],
  ])('is told by a server %s: reflection by default', async (_, host, options, isTold) => {
    const at = await warningsAt(host, options)
    const port = new URL(at?.server.url ?? '').port
    const wire = connect(`tcp://127.0.0.1:${port}`, options.tls ? { tls: showing() } : {})
    onTestFinished(() => wire.close({ drainMs: 0 }))
    const asked = await wire.client(Reflection).describe.try({ contract: 'lab' })
    if (isTold) expect(asked).toMatchObject({ ok: true, value: { name: 'lab' } })
    else expect(asked).toMatchObject({ ok: false, error: { code: 'unimplemented', processed: 'no' } })
  })
})
