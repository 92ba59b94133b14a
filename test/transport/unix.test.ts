/** Unix sockets: whose the file is, who may connect, and what is done about a file that is there (spec/places.md). */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { NanowireError } from '../../src/errors.ts'
import { dialUnix, listenUnix, type SocketListener } from '../../src/transport/index.ts'
import { context, ownFolder, until } from './sockets.ts'

const addressOf = (path: string) => ({ path, url: `unix:${path}` })
const dial = async (path: string) => {
  const link = await dialUnix(addressOf(path), context)
  onTestFinished(() => link.destroy())
  return link
}

async function listen(path: string): Promise<SocketListener> {
  const listener = await listenUnix(addressOf(path), context, (link) => {
    onTestFinished(() => link.destroy())
  })
  onTestFinished(() => void listener.close())
  return listener
}

async function errorOf(promise: Promise<unknown>): Promise<NanowireError> {
  return await promise.then(
    () => expect.fail('it worked'),
    (error: NanowireError) => error,
  )
}

/** A socket's file without a server, as a process leaves it that was killed. */
async function leaveFile(path: string): Promise<void> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen({ path: `${path}.first` }, resolve))
  renameSync(`${path}.first`, path)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  expect(lstatSync(path).isSocket()).toBe(true)
}

/** As a user who may not do everything, even where the tests run as the superuser. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  const isSuperuser = process.getuid?.() === 0
  if (isSuperuser) process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    if (isSuperuser) process.seteuid?.(0)
  }
}

describe('a file that is made', () => {
  it('lets its owner in and nobody else, whatever the umask is', async () => {
    const path = join(ownFolder(), 's')
    const listener = await listen(path)
    expect((lstatSync(path).mode & 0o777).toString(8)).toBe('600')
    expect(listener).toMatchObject({ url: `unix:${path}`, isLocal: true })
    expect((await dial(path)).peer).toBe(`unix:${path}`)
  })

  it('lets nobody else in from its first moment: until its mode is right, it is in a folder of its own', async () => {
    const folder = ownFolder()
    const seen: string[] = []
    const bind = vi.spyOn(await import('node:net').then((net) => net.Server.prototype), 'listen')
    try {
      bind.mockImplementation(function (this: Server, ...args: Parameters<Server['listen']>) {
        const { path } = args[0] as unknown as { path: string } // how this library calls it
        seen.push((lstatSync(join(path, '..')).mode & 0o777).toString(8), String(existsSync(join(folder, 's'))))
        bind.mockRestore()
        return this.listen(...args)
      } as Server['listen']) // one of its many forms
      await listen(join(folder, 's'))
    } finally {
      bind.mockRestore()
    }
    expect(seen).toEqual(['700', 'false'])
  })

  it('is the only thing that is left behind, and is removed at the end', async () => {
    const folder = ownFolder()
    const listener = await listen(join(folder, 's'))
    expect(readdirSync(folder)).toEqual(['s'])
    await listener.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is left alone at the end, if it is another by then', async () => {
    const path = join(ownFolder(), 's')
    const listener = await listen(path)
    renameSync(path, `${path}.moved`)
    writeFileSync(path, 'precious')
    await listener.close()
    expect(lstatSync(path).isFile()).toBe(true)
  })

  it('may be gone at the end', async () => {
    const path = join(ownFolder(), 's')
    const listener = await listen(path)
    renameSync(path, `${path}.moved`)
    await listener.close()
  })

  it('may have any name', async () => {
    const path = join(ownFolder(), 'ein Würfel?#%20')
    await listen(path)
    await dial(path)
  })
})

describe('a file that is there', () => {
  it('of a server that listens is refused, and its server goes on', async () => {
    const path = join(ownFolder(), 's')
    await listen(path)
    const error = await errorOf(listen(path))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toBe(`a server listens at unix:${path} already: stop it, or take another path`)
    await dial(path)
  })

  it('of a server that has gone is taken over', async () => {
    const path = join(ownFolder(), 's')
    await leaveFile(path)
    const listener = await listen(path)
    ;(await dial(path)).destroy()
    await listener.close()
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'precious')],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/nowhere', path)],
  ])('and is %s is refused and not touched', async (_, make) => {
    const path = join(ownFolder(), 's')
    make(path)
    const before = lstatSync(path)
    const error = await errorOf(listen(path))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toBe(
      `unix:${path} is there already and no socket: take another path, or remove what is there`,
    )
    expect(lstatSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  })

  it("of another user's server is refused: nobody can say whether it still runs", async () => {
    const folder = ownFolder()
    const path = join(folder, 's')
    await leaveFile(path)
    chmodSync(folder, 0o777)
    chmodSync(path, 0)
    const error = await asNobody(() => errorOf(listen(path)))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no' })
    expect(error.message).toContain(`unix:${path} is there already, and nobody can say whether a server listens`)
    expect(existsSync(path)).toBe(true)
  })

  it('goes to one of several servers that begin at the same time', async () => {
    const path = join(ownFolder(), 's')
    await leaveFile(path)
    const begun = await Promise.allSettled([listen(path), listen(path), listen(path)])
    const errors = begun.flatMap((one) => (one.status === 'rejected' ? [one.reason as NanowireError] : []))
    expect(errors.map(({ code }) => code)).toEqual(['unavailable', 'unavailable'])
    for (const { message } of errors) expect(message).toMatch(/listens? at unix:/)
    await dial(path)
  })
})

describe('a folder', () => {
  it.each([
    ['that is missing', 'none/s', 'there is no folder for', 'ENOENT'],
    ['that is a file', 'file/s', 'there is no folder for', 'ENOTDIR'],
  ])('%s is said in words', async (_, name, words, code) => {
    const folder = ownFolder()
    writeFileSync(join(folder, 'file'), '')
    const error = await errorOf(listen(join(folder, name)))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no', cause: { code } })
    expect(error.message).toContain(`${words} unix:${join(folder, name)}`)
  })

  it('that may not be written to is said in words', async () => {
    const folder = ownFolder()
    chmodSync(folder, 0o555)
    const error = await asNobody(() => errorOf(listen(join(folder, 's'))))
    expect(error).toMatchObject({ code: 'unavailable', cause: { code: 'EACCES' } })
    expect(error.message).toContain(`this user may not write into the folder of unix:${join(folder, 's')}`)
  })
})

describe('dialling', () => {
  it.each([
    [
      'where nothing is',
      'none',
      /^nothing listens at unix:.*: is the server running, and is the path right\?/,
      'ENOENT',
    ],
    ['through a file', 'file/s', /^nothing listens at unix:.*: a part of the path is no folder/, 'ENOTDIR'],
    ['what is no socket', 'file', /^unix:.*file is no socket/, 'ECONNREFUSED'],
    ['a server that has gone', 'left', /^nothing listens at unix:.* any more: its server has gone/, 'ECONNREFUSED'],
  ])('%s says so', async (_, name, words, code) => {
    const folder = ownFolder()
    writeFileSync(join(folder, 'file'), '')
    await leaveFile(join(folder, 'left'))
    const error = await errorOf(dial(join(folder, name)))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no', cause: { code } })
    expect(error.message).toMatch(words)
    expect(error.message).toContain(`(${code})`)
  })

  it("another's socket says so", async () => {
    const folder = ownFolder()
    const path = join(folder, 's')
    await listen(path)
    chmodSync(folder, 0o755)
    if (process.getuid?.() !== 0) chmodSync(path, 0) // as if it were another's
    const error = await asNobody(() => errorOf(dial(path)))
    expect(error).toMatchObject({ code: 'unavailable', processed: 'no', cause: { code: 'EACCES' } })
    expect(error.message).toContain(`this user may not connect to unix:${path}: its file belongs to another`)
  })
})

it.runIf(process.platform === 'linux')('a path has at most 107 bytes, and its folder 94', async () => {
  const folder = `${ownFolder()}/`
  const long = join(folder, 'x'.repeat(107 - folder.length))
  await listen(long)
  await dial(long)
  for (const refused of [errorOf(listen(`${long}x`)), errorOf(dial(`${long}x`))]) {
    expect(await refused).toMatchObject({ code: 'invalid_argument', processed: 'no' })
    expect((await refused).message).toBe(`the path of a unix socket has at most 107 bytes, and ${long}x has 108`)
  }
  const deep = join(folder, 'y'.repeat(95 - folder.length))
  mkdirSync(deep)
  expect((await errorOf(listen(join(deep, 's')))).message).toContain('the folder of a unix socket has at most 94 bytes')
})

it('a listener that is closed takes no more, and lets open connections be', async () => {
  const path = join(ownFolder(), 's')
  const listener = await listen(path)
  const link = await dial(path)
  let closed = false
  const closing = listener.close().then(() => {
    closed = true
  })
  expect(existsSync(path)).toBe(false)
  expect((await errorOf(dial(path))).message).toContain('ENOENT')
  expect(closed).toBe(false)
  link.destroy()
  await until(() => closed)
  await closing
})
