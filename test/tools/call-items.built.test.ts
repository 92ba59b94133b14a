/** The real program and streams: items through real pipes, a reader that goes away, and signals. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import Type from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bidiStream, contract, event, type Server, serve, serverStream, service } from '../../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'nanowire-pipes-'))
const cli = join(folder, 'node_modules/nanowire/dist/cli.js')

const Numbers = contract('numbers', {
  count: serverStream(Type.Undefined(), Type.Integer()),
  double: bidiStream(Type.Integer(), Type.Integer()),
  told: event(Type.Object({ n: Type.Integer() })),
})
const numbers = service(Numbers, {
  async *count() {
    for (let n = 0; ; n++) yield n
  },
  async *double(items) {
    for await (const n of items) {
      if (n < 0) return
      yield 2 * n
    }
  },
})

let server: Server
beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(resolve('.'), join(folder, 'node_modules/nanowire'), 'dir')
  server = await serve(numbers, 'tcp://127.0.0.1:0')
})
afterAll(async () => {
  await server.close({ drainMs: 0 })
  rmSync(folder, { recursive: true })
})

function calling(...words: string[]) {
  const child = spawn(process.execPath, [cli, 'call', server.url, ...words], { cwd: folder })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (said.out += String(chunk)))
  child.stderr.on('data', (chunk) => (said.err += String(chunk)))
  child.stdin.on('error', () => {}) // the program may be gone
  const ended = new Promise<number | null>((end) => child.once('close', end))
  return { child, said, ended }
}

it('sends what comes by a pipe, and prints each answer before the next item is there', async () => {
  const { child, said, ended } = calling('numbers/double')
  child.stdin.write('1\n2')
  child.stdout.once('data', () => child.stdin.end('1\n3\n'))
  expect([await ended, said]).toEqual([0, { out: '2\n42\n6\n', err: '' }])
})

it('reads a file, and many items', async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n}\n`)
  writeFileSync(join(folder, 'items.jsonl'), lines.join(''))
  const { said, ended } = calling('numbers/double', '--items', 'items.jsonl')
  expect(await ended).toBe(0)
  expect(said.out === lines.map((_, n) => `${2 * n}\n`).join('')).toBe(true)
})

it('ends in silence when the reader of its output goes away, and the handler with it', async () => {
  const { child, said, ended } = calling('numbers/count')
  child.stdout.once('data', () => child.stdout.destroy())
  expect([await ended, said.err]).toEqual([0, ''])
  while (server.stats().inFlight > 0) await new Promise(setImmediate)
})

it('ends by a signal: a stream with its code, a subscription with 0', async () => {
  const stream = calling('numbers/count')
  stream.child.stdout.once('data', () => stream.child.kill('SIGINT'))
  expect([await stream.ended, stream.said.err]).toEqual([130, ''])
  const subscription = calling('numbers/told')
  subscription.child.stderr.once('data', () => numbers.publish.told({ n: 7 }))
  subscription.child.stdout.once('data', () => subscription.child.kill('SIGTERM'))
  expect([await subscription.ended, subscription.said]).toEqual([
    0,
    { out: '{"n":7}\n', err: 'subscribed to numbers/told (Ctrl-C ends it)\n' },
  ])
})

it('ends while it waits for stdin, when the call has ended', async () => {
  const { child, said, ended } = calling('numbers/double')
  child.stdin.write('1\n-1\n')
  expect([await ended, said]).toEqual([0, { out: '2\n', err: '' }])
})
