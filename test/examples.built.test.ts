/** The examples and the tour run as a newcomer runs them, and end by themselves. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { PATIENCE_MS } from './support/runs.ts'

const env = { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.run.json' }

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL') // it hangs
})

async function run(...command: string[]): Promise<string> {
  const running = promisify(execFile)(process.execPath, ['--import', 'tsx', ...command], { env })
  children.add(running.child)
  return (await running).stdout
}

async function linesOf(...command: string[]): Promise<string[]> {
  return (await run(...command)).trim().split('\n')
}

function start(...command: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', ...command], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  return child
}

describe('examples', { timeout: PATIENCE_MS }, () => {
  it('01-hello answers alike in memory and over TCP', async () => {
    const lines = await linesOf('examples/01-hello/main.ts')
    const [inMemory, overTcp] = [lines.slice(0, 2), lines.slice(2, 4)]
    expect(inMemory).toEqual(["{ text: 'Hello, Ada' }", 'banned until tomorrow'])
    expect(overTcp).toEqual(inMemory)
  })

  it('02-roundtrip finds nothing that does not come back', async () => {
    expect(await run('examples/02-roundtrip/main.ts')).toMatch(/checked: \d+/)
  })

  it('03-files sends a file and receives the same, wherever the service is', async () => {
    const quarters = [0, 25, 50, 75, 100]
    for (const place of ['memory', 'tcp']) {
      expect(await linesOf('examples/03-files/main.ts', place)).toEqual([
        ...quarters.map((percent) => `sending ${percent} %`),
        'sent: 16777216 bytes',
        ...quarters.map((percent) => `receiving ${percent} %`),
        'received: 16777216 bytes',
        'files at the service: 1',
      ])
    }
  })

  it.each(['memory', 'tcp'])('03-files is cancelled by Ctrl-C, and leaves no half of a file: %s', async (place) => {
    const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
    const path = join(folder, 'large')
    writeFileSync(path, '')
    truncateSync(path, 2 ** 32) // takes no room, and long enough to be interrupted
    const child = start('examples/03-files/main.ts', place, path)
    let output = ''
    for await (const text of child.stdout) {
      if (output === '') child.kill('SIGINT') // the first line has just come
      output += text
    }
    rmSync(folder, { recursive: true })
    expect(output.trim().split('\n').slice(-2)).toEqual(['cancelled', 'files at the service: 0'])
    expect(output).not.toContain('sent')
  })

  it('04-versions calls what is compatible, and says what would break', async () => {
    const lines = await linesOf('examples/04-versions/main.ts')
    expect(lines.slice(0, 2)).toEqual([
      "price: { amount: 100, currency: 'EUR' }",
      'order: failed_precondition (handler ran: no)',
    ])
    expect(lines[2]).toContain('/order/request/pieces: the server wants `pieces`')
  })

  it('05-unix shows a file of its own, and says what is in the way', async () => {
    const lines = await linesOf('examples/05-unix/main.ts')
    expect(lines).toEqual([
      'mode of the file: 600',
      "{ text: 'Hello, Ada' }",
      expect.stringMatching(/^unavailable: a server listens at unix:…\/greeter\.sock already/),
      expect.stringMatching(/^unavailable: unix:…\/notes\.txt is there already and no socket/),
      "left behind: [ 'notes.txt' ]",
    ])
  })

  it('06-shop answers alike wherever its services are, each started before those that use it', async () => {
    const lines = await linesOf('examples/06-shop/main.ts')
    const started = ['  users start', '  billing start', "{ text: 'Ada pays 900' }"]
    const stopped = ['  billing stop', '  users stop']
    expect(lines).toEqual([
      ...['all in memory', ...started, ...stopped],
      ...['users at an address', ...started, 'an unknown user: NoSuchUser', ...stopped],
      ...['a test of orders alone', "{ text: 'Bob pays 5' }"],
    ])
  })

  it('07-identity lets each do what they may, over TCP and in memory', async () => {
    const lines = await linesOf('examples/07-identity/main.ts')
    expect(lines).toEqual([
      'token-of-ada adds: 1',
      "token-of-ada lists: [ 'ada: hello' ]",
      'token-of-bob adds: permission_denied (handler ran: no)',
      "token-of-bob lists: [ 'ada: hello' ]",
      'forged adds: unauthenticated (handler ran: no)',
      'forged lists: unauthenticated (handler ran: no)',
      'eve in memory adds: permission_denied (handler ran: no)',
    ])
  })

  it('09-transfer loses money where it is naive, says how, and none where each move is made once', async () => {
    const output = await run('examples/09-transfer/main.ts')
    const [story = '', held = ''] = output.split('idempotent\n')
    expect(story).toMatch(/^naive\nseed \d+: the invariant "money is neither made nor lost" does not hold\n/)
    expect(story).toMatch(/again: simulate\(\{ \.\.\.options, seed: \d+, seeds: 1, faults: \['/)
    expect(story).toMatch(/as short as \d+ runs could make it\n {2}its events:\n/)
    expect(held).toMatch(/^holds in 300 seeds, with \d{4,} calls and \d{2,} crashes\n$/)
  })

  it('the tour shows each promise in both places', async () => {
    const tour = await run('examples/tour.ts')
    for (const place of ['In memory: connect(services)', 'Over TCP: connect(']) {
      const part = tour.slice(tour.indexOf(place)).split('\n\n')[0] ?? ''
      expect(part).toContain("a reply: { text: 'Hello, Ada' }")
      expect(part).toContain('a declared error: Banned {"until":"tomorrow"} (handler ran: yes)')
      expect(part).toContain('a cancelled call: cancelled')
      expect(part).toContain('a deadline: deadline_exceeded (handler ran: maybe)')
      expect(part).toContain('a bad request: invalid_argument (handler ran: no)')
      expect(part).toContain('/name')
      expect(part).toContain('a stream without end, left after three items: [ 7, 8, 9 ]')
      expect(part).toContain('items the other way: 24')
      expect(part).toContain("an event: [ { wheel: 'red', n: 32 } ]")
    }
    expect(tour).toMatch(/in memory [\d.]+ µs, over TCP [\d.]+ µs/)
  })
})
