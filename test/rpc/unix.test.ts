/** Services at unix sockets: the address, the file, and what a person reads when it cannot be had (spec/places.md). */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Reflection } from '../../src/contract/index.ts'
import { type AuthenticateRequest, connect, router, type ServeOptions, type Server, serve } from '../../src/index.ts'
import { until } from '../support/hand-clock.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { failureOf, Lab, lab } from './lab.ts'

const services = lab({
  echo: ({ text }, ctx) => ({ text: text === 'who' ? `${String(ctx.principal)} at ${ctx.peer}` : text }),
})

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const log = new RecordingLog()

async function serving(at: string, options: ServeOptions = {}): Promise<Server> {
  const server = await serve(router([services], { log }), at, options)
  onTestFinished(() => server.close({ drainMs: 0 }))
  return server
}

function connected(url: string, credentials?: string) {
  const wire = connect(url, { credentials })
  onTestFinished(() => wire.close({ drainMs: 0 }))
  return { wire, lab: wire.client(Lab) }
}

/** A socket's file without a server, as a process leaves it that was killed. */
async function leaveFile(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ path: `${path}.first` }, resolve))
  renameSync(`${path}.first`, path)
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

describe('a service at a unix socket', () => {
  it('is called as over TCP, and its file is there for its owner only, and no longer than itself', async () => {
    const path = join(ownFolder(), 'greeter.sock')
    const server = await serving(`unix:${path}`)
    expect(server.url).toBe(`unix:${path}`)
    expect((lstatSync(path).mode & 0o777).toString(8)).toBe('600')
    const { wire, lab: calls } = connected(server.url)
    const large = 'y'.repeat(1_000_000)
    for (const text of ['x', large]) expect(await calls.echo({ text })).toEqual({ text })
    await wire.close()
    await server.close()
    expect(existsSync(path)).toBe(false)
  })

  it('tells what its contracts are, warns of nothing, and says who calls', async () => {
    const requests: AuthenticateRequest[] = []
    const at = `unix:${join(ownFolder(), 's')}`
    const before = log.lines.length
    const open = await serving(at)
    expect(log.lines.slice(before)).toEqual([])
    const asked = await connected(at).wire.client(Reflection).describe.try({ contract: 'lab' })
    expect(asked).toMatchObject({ ok: true, value: { name: 'lab' } })
    await open.close({ drainMs: 0 })
    await serving(at, {
      authenticate(request) {
        requests.push(request)
        return 'ada'
      },
    })
    expect(await connected(at, 'token').lab.echo({ text: 'who' })).toEqual({ text: `ada at ${at}` })
    expect(requests).toEqual([{ credentials: 'token', tls: undefined, address: at }])
  })

  it('is reached again by the next call after its server has come back, also after it was killed', async () => {
    const path = join(ownFolder(), 's')
    const first = await serving(`unix:${path}`)
    const { wire, lab: calls } = connected(first.url)
    await calls.echo({ text: 'x' })
    await first.close()
    await until(() => wire.stats().connections === 0)
    expect(await failureOf(calls.echo({ text: 'x' }))).toMatchObject({ code: 'unavailable', processed: 'no' })
    await leaveFile(path)
    const gone = await failureOf(calls.echo({ text: 'x' }))
    expect(gone.message).toContain(`nothing listens at unix:${path} any more: its server has gone and left the file`)
    await serving(`unix:${path}`)
    expect(await calls.echo({ text: 'y' })).toEqual({ text: 'y' })
  })

  it('stays with the server that has it, and a second one is told', async () => {
    const at = `unix:${join(ownFolder(), 's')}`
    await serving(at)
    const second = await failureOf(serve(services, at))
    expect(second).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(second.message).toBe(`a server listens at ${at} already: stop it, or take another path`)
    expect(await connected(at).lab.echo({ text: 'x' })).toEqual({ text: 'x' })
  })
})

describe('an address that cannot be had', () => {
  it.each<[string, string, (path: string) => void, RegExp]>([
    ['a file', 's', (path) => writeFileSync(path, 'precious'), /is there already and no socket: take another path/],
    ['a folder', 's', (path) => mkdirSync(path), /is there already and no socket/],
    ['a link', 's', (path) => symlinkSync('/nowhere', path), /is there already and no socket/],
    ['in no folder', 'none/s', () => {}, /there is no folder for unix:.*: make it first/],
  ])('%s is said in words', async (_, name, make, words) => {
    const path = join(ownFolder(), name)
    make(path)
    const failure = await failureOf(serve(services, `unix:${path}`))
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(failure.message).toMatch(words)
    expect(failure.message).toContain(`unix:${path}`)
  })

  it('in a folder that may not be written to is said in words', async () => {
    const folder = ownFolder()
    chmodSync(folder, 0o555)
    const isSuperuser = process.getuid?.() === 0
    if (isSuperuser) process.seteuid?.(65_534)
    const failure = await failureOf(serve(services, `unix:${join(folder, 's')}`)).finally(() => {
      if (isSuperuser) process.seteuid?.(0)
    })
    expect(failure).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(failure.message).toContain('this user may not write into the folder of unix:')
  })

  it('that is too long is said at both ends, before anything is tried', async () => {
    const at = `unix:/${'x'.repeat(200)}`
    for (const failure of [await failureOf(serve(services, at)), await failureOf(connected(at).wire.ready())]) {
      expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      expect(failure.message).toMatch(/^the path of a unix socket has at most 10[37] bytes, and .* has 201$/)
    }
  })

  it.each([
    ['unix:', 'write unix:/absolute/path'],
    ['unix:relative/s', 'write unix:/absolute/path'],
    ['unix:/folder/', 'write unix:/absolute/path'],
    ['unix://host/s', 'write unix:/absolute/path'],
    ['unix:/s?mode=600', 'write ? as %3F and # as %23'],
    ['unix:/s#1', 'write ? as %3F and # as %23'],
    ['unix:/%ff', 'what follows a % in it is no UTF-8 text'],
    ['unix:/a%00b', 'what follows a % in it is no UTF-8 text'],
  ])('%s is none', async (at, words) => {
    for (const failure of [await failureOf(serve(services, at)), await failureOf(connected(at).wire.ready())]) {
      expect(failure).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      expect(failure.message).toContain(words)
    }
  })
})

it.each([
  ['ein Würfel', 'ein Würfel'],
  ['a%3Fb%23c', 'a?b#c'],
  ['100%25', '100%'],
])('the name of a file may be written as in any address: %s', async (written, name) => {
  const folder = ownFolder()
  const server = await serving(`unix:${folder}/${written}`)
  expect(lstatSync(join(folder, name)).isSocket()).toBe(true)
  expect(await connected(server.url).lab.echo({ text: 'x' })).toEqual({ text: 'x' })
})
