/** The real program in a user's folder: processes, signals, pipes, modules of every kind, and that it always ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'nanowire-cli-'))
const modules = join(folder, 'node_modules')
const cli = join(modules, 'nanowire/dist/cli.js')
const children = new Set<ChildProcess>()

/** The interval keeps a process alive that only waits for nothing to be left. `wait` ends some time after Ctrl-C. */
const GREETER = `
  import { contract, NanowireError, notify, service, unary } from 'nanowire'
  import Type from 'typebox'
  setInterval(() => {}, 60_000)
  const Nothing = Type.Object({})
  export const Greeter = contract('greeter', {
    hello: unary(Type.Object({ name: Type.String() }), Type.Object({ text: Type.String() })),
    gone: unary(Nothing, Nothing),
    wait: unary(Nothing, Nothing),
    never: unary(Nothing, Nothing),
    log: notify(Type.Object({ line: Type.String() })),
  })
  export const greeter = service(Greeter, {
    hello: ({ name }) => ({ text: 'Hello, ' + name }),
    gone() { throw new NanowireError('not_found', 'gone away') },
    wait: () => new Promise((resolve) => {
      process.once('SIGINT', () => setTimeout(() => resolve({}), 50))
      console.log('waiting')
    }),
    never: () => new Promise(() => console.log('waiting')),
    log({ line }) { console.log('line: ' + line) },
  })
`

const write = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
}

beforeAll(() => {
  write('package.json', '{ "type": "module" }')
  write('greeter.js', GREETER)
  mkdirSync(modules)
  for (const [name, path] of [['nanowire', '.'] as const, ['typebox', 'node_modules/typebox'] as const])
    symlinkSync(resolve(path), join(modules, name), 'dir')
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Ended {
  readonly exitCode: unknown
  readonly out: string
  readonly err: string
}

/** Runs the program to its end, with a stdin that stays open unless there is something to read in it. */
function nanowire(argv: readonly string[], stdin?: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [cli, ...argv], { cwd: folder }, (error, out, err) =>
      resolve({ exitCode: error ? (error.code ?? error.signal) : 0, out: out.trim(), err: err.trim() }),
    )
    children.add(child)
    if (stdin !== undefined) child.stdin?.end(stdin)
  })
}

/** Longer than any of these tests may take: no deadline may end what another process is slow with. */
const LONG_MS = '120000'

const call = (url: string, method: string, request: string) =>
  nanowire(['call', url, './greeter.js', method, request, '--timeout-ms', LONG_MS])

/** The program as a process that goes on, with what it prints. */
function running(...argv: string[]) {
  const child = spawn(process.execPath, [cli, ...argv], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve)) // all its lines are there by then
  const lines: string[] = []
  const awaited: { readonly line: string; readonly found: () => void }[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      for (const one of awaited) if (line.startsWith(one.line)) one.found()
    })
  }
  const until = (line: string) =>
    lines.some((one) => one.startsWith(line)) ? undefined : new Promise<void>((found) => awaited.push({ line, found }))
  return { child, ended, until, lines }
}

/** `nanowire serve` as a process, once it listens. */
async function serving(module = './greeter.js') {
  const at = ['--at', 'tcp://127.0.0.1:0', '--drain-ms', LONG_MS]
  const { child, ended, until, lines } = running('serve', module, ...at, '--json')
  await until('{"url"')
  const { url } = JSON.parse(lines[0] ?? '') as { url: string }
  return { child, ended, until, url }
}

describe('serve and call', () => {
  it('answer from one process to the other, and Ctrl-C drains', async () => {
    const { child, ended, until, url } = await serving()
    const [hello, log] = [call(url, 'greeter/hello', '{"name":"Ada"}'), call(url, 'greeter/log', '{"line":"here"}')]
    expect(await hello).toEqual({ exitCode: 0, out: '{"text":"Hello, Ada"}', err: '' })
    expect(await log).toEqual({ exitCode: 0, out: '', err: '' })
    await until('line: here')

    const waited = call(url, 'greeter/wait', '{}')
    await until('waiting')
    child.kill('SIGINT')
    expect(await waited).toEqual({ exitCode: 0, out: '{}', err: '' })
    await until('SIGINT: draining, 1 call in flight')
    expect(await ended).toBe(0)
    expect(await call(url, 'greeter/hello', '{"name":"Ada"}')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('nothing listens'),
    })
  })

  it('end at once when Ctrl-C is pressed again', async () => {
    const { child, ended, until, url } = await serving()
    const never = call(url, 'greeter/never', '{}')
    await until('waiting')
    const presses = setInterval(() => child.kill('SIGINT'), 100)
    expect(await ended).toBe(130)
    clearInterval(presses)
    expect(await never).toMatchObject({ exitCode: 1, err: expect.stringContaining('unavailable (processed: maybe)') })
  })

  it.each([['serve'], ['up']])('give up a start at a signal: %s', async (command) => {
    write(
      'slow.js',
      `${GREETER.replace('export const greeter', 'const greeter').replace('setInterval(() => {}, 60_000)', '')}
      const Slow = contract('slow', { go: unary(Nothing, Nothing) })
      const slow = service(Slow, { go: () => ({}) }, {
        uses: { greeter: Greeter },
        start: ({ signal }) => new Promise((resolve) => {
          const open = setInterval(() => {}, 60_000)
          signal.addEventListener('abort', () => { console.log('told'); clearInterval(open); resolve() })
          console.log('starting')
        }),
        stop() { console.log('stopped') },
      })
      const services = [slow, greeter]
      export default ${command === 'up' ? 'app(services)' : 'services'}`.replace('{ contract,', '{ app, contract,'),
    )
    const { child, ended, until, lines } = running(command, './slow.js', '--at', 'tcp://127.0.0.1:0')
    await until('starting')
    child.kill('SIGTERM')
    expect(await ended).toBe(143)
    expect(lines.filter((line) => !line.startsWith('SIGTERM'))).toEqual(['starting', 'told', 'stopped'])
    expect(lines).toContain('SIGTERM: giving up the start (once more ends at once)')
  })

  it('keep the errors of a module that has a library of its own, as under a command that is installed globally', async () => {
    const own = join(folder, 'apart')
    mkdirSync(join(own, 'node_modules/nanowire'), { recursive: true })
    cpSync('dist', join(own, 'node_modules/nanowire/dist'), { recursive: true })
    cpSync('package.json', join(own, 'node_modules/nanowire/package.json'))
    symlinkSync(resolve('node_modules/msgpackr'), join(own, 'node_modules/msgpackr'), 'dir')
    write('apart/greeter.js', GREETER)
    const { child, ended, url } = await serving('./apart/greeter.js')
    const gone = { exitCode: 1, out: '', err: 'not_found (processed: yes): gone away' }
    expect(await nanowire(['call', url, './apart/greeter.js', 'greeter/gone', '{}'])).toEqual(gone)
    expect(await nanowire(['call', url, './greeter.js', 'greeter/gone', '{}'])).toEqual(gone)
    expect(await nanowire(['call', url, 'greeter/gone', '{}'])).toEqual(gone)
    expect(await nanowire(['diff', './apart/greeter.js', url, '--fail-on', 'any'])).toMatchObject({ exitCode: 0 })
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('end where a notify meets no Nanowire', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      socket.on('error', () => {}) // the program may be gone
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `tcp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    write('quiet.js', GREETER.replace(/setInterval.*/, '')) // nothing but the connection keeps this process alive
    expect(await nanowire(['call', url, './quiet.js', 'greeter/log', '{"line":"x"}'])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('the peer does not speak Nanowire'),
    })
    server.close()
  })
})

describe('a module', () => {
  /** What a call says of a module, with an address that nobody listens at: the module is loaded before. */
  const loaded = (specifier: string) =>
    nanowire(['call', 'tcp://127.0.0.1:1', specifier, 'greeter/hello', '{"name":"Ada"}'])

  it('is a path, a file URL or a package, whatever it is written in', async () => {
    write('node_modules/for-both/package.json', '{ "type": "module", "main": "./index.js" }')
    write('node_modules/for-both/index.js', GREETER)
    write('node_modules/for-import/package.json', '{ "type": "module", "exports": { "import": "./index.js" } }')
    write('node_modules/for-import/index.js', GREETER)
    write('old.cjs', `module.exports = require('./greeter.js')`)
    const url = pathToFileURL(join(folder, 'greeter.js')).href
    const specifiers = ['greeter.js', join(folder, 'greeter.js'), url, './old.cjs', 'for-both', 'for-import']
    for (const { exitCode, err } of await Promise.all(specifiers.map(loaded))) {
      expect([exitCode, err]).toEqual([1, expect.stringContaining('unavailable (processed: no): nothing listens')])
    }
  })

  it.each([
    ['./none.js', undefined, 'there is no file ./none.js'],
    ['none', undefined, 'there is no file and no package "none", as seen from '],
    ['.', undefined, '. is a folder; name the file in it'],
    ['file://elsewhere/x.js', undefined, '"file://elsewhere/x.js" is no address of a file on this machine'],
    [
      './syntax.js',
      'export const = 1',
      /cannot load \.\/syntax\.js: SyntaxError: .*\n {2}"node --check .*syntax\.js" shows where$/,
    ],
    [
      './needs.js',
      'import "not-there"',
      "cannot load ./needs.js: Error: Cannot find package 'not-there' imported from ",
    ],
    [
      './throws.js',
      'const go = () => { throw new TypeError("boom") }\ngo()',
      /^error: cannot load \.\/throws\.js: TypeError: boom\n {2}at go .*throws\.js:1:26\)$/,
    ],
  ])('is refused: %s', async (specifier, code, message) => {
    if (code !== undefined) write(specifier, code)
    const { exitCode, out, err } = await loaded(specifier)
    expect([exitCode, out]).toEqual([2, ''])
    if (typeof message === 'string') expect(err).toContain(`error: ${message}`)
    else expect(err).toMatch(message)
  })

  it('that never comes to its end does not end the program in silence', async () => {
    write('endless.js', 'await new Promise(() => {})')
    expect(await loaded('./endless.js')).toEqual({
      exitCode: 1,
      out: '',
      err: 'error: nothing is left to wait for: does the module await what never comes?',
    })
  })

  it.each([
    ['throws later', 'setTimeout(() => { throw new Error("later") }, 1)', 1, /^.*throw new Error\("later"\)/],
    ['exits with a code', 'process.exit(7)', 7, /^$/],
    ['exits later', 'setTimeout(() => process.exit(0), 1)', 0, /^$/],
    ['leaves a code and goes on for ever', 'process.exitCode = 5', 5, /^error: nothing is left to wait for/],
  ])('that %s has its own words and code', async (_, code, exitCode, err) => {
    write('own-end.js', `${code}\nawait new Promise(() => {})`)
    const end = await loaded('./own-end.js')
    expect([end.exitCode, end.out]).toEqual([exitCode, ''])
    expect(end.err.replace(/^file:.*\n/, '')).toMatch(err)
    if (exitCode !== 5) expect(end.err).not.toContain('nothing is left')
  })

  it('in TypeScript is read where the runtime reads it, and said to be none where not', async () => {
    write('typed.ts', `const text: string = 'x'\nexport { Greeter } from './greeter.js'\nexport { text }`)
    const { exitCode, err } = await loaded('./typed.ts')
    if (exitCode === 2) expect(err).toContain('this Node does not read TypeScript; take Node 22.18 or later')
    else expect(err).toContain('nothing listens')
  })
})

describe('what a server tells', () => {
  const breaking = GREETER.replace('name: Type.String()', 'name: Type.String(), age: Type.Integer()')

  it('is shown, saved, compared with what a module says, and called by', async () => {
    const { child, ended, url } = await serving()
    const told = await nanowire(['describe', url, '--save', 'told.json'])
    expect(told).toEqual(await nanowire(['describe', './greeter.js']))
    expect(told).toEqual(await nanowire(['describe', 'told.json']))
    expect(told.out).toContain('greeter/hello  unary   tag 0x')
    write('next.js', breaking)
    const judged = await nanowire(['diff', 'told.json', './next.js', '--fail-on', 'breaking'])
    expect(judged).toMatchObject({ exitCode: 1, out: expect.stringContaining('!! /hello/request/age: ') })
    expect(await nanowire(['diff', url, './greeter.js', '--fail-on', 'any'])).toMatchObject({ exitCode: 0 })
    expect(
      await nanowire(['diff', '-', url, '--fail-on', 'any'], readFileSync(join(folder, 'told.json'), 'utf8')),
    ).toMatchObject({
      exitCode: 0,
    })
    expect(await nanowire(['call', url, 'greeter/hello', '{"name":"Ada"}'])).toEqual({
      exitCode: 0,
      out: '{"text":"Hello, Ada"}',
      err: '',
    })
    expect(await nanowire(['call', url, 'greeter/helo', '{"name":"Ada"}'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('there is greeter/hello, '),
    })
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('is waited for as long as was said, where nothing else keeps the program alive', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {}) // the program may be gone
      sockets.push(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on a port
    for (const argv of [
      ['describe', url],
      ['diff', url, url],
      ['call', url, 'greeter/log', '{}'],
    ]) {
      expect(await nanowire([...argv, '--timeout-ms', '100'])).toMatchObject({
        exitCode: 1,
        out: '',
        err: expect.stringContaining('handshakeTimeoutMs is 100'),
      })
    }
    for (const socket of sockets) socket.destroy()
    server.close()
  })
})

describe('the program', () => {
  /** Files and packages that are loaded before the command is known. */
  function loadedAtOnce(file: string, seen = new Set<string>()): ReadonlySet<string> {
    if (seen.has(file)) return seen
    seen.add(file)
    const text = file.startsWith('./') ? readFileSync(join('dist', file), 'utf8') : ''
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b[^;'"]*?(?:from)? ?['"]([^'"]+)['"]/gm))
      loadedAtOnce(specifier, seen)
    return seen
  }

  it('loads a command when it is asked for: neither schemas nor MessagePack for --version and --help', async () => {
    const loaded = loadedAtOnce('./cli.js')
    expect([...loaded].filter((one) => !/^(?:\.\/|node:)/.test(one))).toEqual([])
    expect([...loaded].length).toBeGreaterThan(2)
    expect([...loadedAtOnce('./index.js')]).toContain('typebox') // or this test would see nothing
    expect(await nanowire(['--help'])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('describe [options]'),
    })
  })
})

describe('decode', () => {
  const ping = '0000080a00000000000102030405060708'

  it('reads files of bytes and of text, and stdin', async () => {
    writeFileSync(join(folder, 'caught.bin'), Buffer.from(ping, 'hex'))
    write('caught.txt', `${ping.match(/../g)?.join(' ')}\n`)
    const runs = [
      nanowire(['decode', 'caught.bin']),
      nanowire(['decode', './caught.txt']),
      nanowire(['decode', '-'], ping),
    ]
    for (const { exitCode, out } of await Promise.all(runs)) {
      expect([exitCode, out]).toEqual([0, expect.stringContaining('PING, 17 bytes at 0')])
    }
  })

  it('says in one line that its output cannot be written', async () => {
    write('readable.txt', '')
    const stdout = openSync(join(folder, 'readable.txt'), 'r')
    const child = spawn(process.execPath, [cli, 'decode', ping], { cwd: folder, stdio: ['ignore', stdout, 'pipe'] })
    children.add(child)
    let err = ''
    child.stderr?.on('data', (chunk) => {
      err += String(chunk)
    })
    const exitCode = await new Promise((resolve) => child.once('close', resolve))
    closeSync(stdout)
    expect([exitCode, err]).toEqual([1, expect.stringMatching(/^error: cannot write the output: EBADF: .*\n$/)])
  })

  it('does not mind a reader that goes away', async () => {
    write('many.txt', ping.repeat(20_000))
    const child = spawn(process.execPath, [cli, 'decode', 'many.txt'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    const complaints: string[] = []
    child.stderr.on('data', (chunk) => complaints.push(String(chunk)))
    child.stdout.once('data', () => child.stdout.destroy())
    const exitCode = await new Promise((resolve) => child.once('close', resolve))
    expect([exitCode, complaints]).toEqual([0, []])
  })
})
