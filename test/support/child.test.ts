/** Processes that are asked questions: their answers, and their ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest'
import { Child, type ChildOptions, CLIENT_CORE, canPin, SERVER_CORE } from './child.ts'
import { until } from './hand-clock.ts'
import { needs } from './needs.ts'

const script = new URL('fixtures/answering.ts', import.meta.url)
const started: Child[] = []

async function start(options: Partial<ChildOptions> = {}): Promise<Child> {
  const child = await Child.start({ name: 'somebody', script, ...options })
  started.push(child)
  return child
}

afterEach(async () => {
  vi.useRealTimers()
  for (const child of started.splice(0)) await child.end()
})

describe('a question', () => {
  let child: Child
  beforeAll(async () => {
    child = await Child.start({ name: 'somebody', script })
  })
  afterAll(() => child.end())

  it('has its own answer, whatever else is asked meanwhile', async () => {
    const [one, other] = [child.ask('hold', 'one'), child.ask('hold', 'other')]
    await child.ask('release', 'other')
    expect(await other).toBe('held other')
    expect(await child.ask('echo', { n: [1, null, 'é'] })).toEqual({ n: [1, null, 'é'] })
    await child.ask('release', 'one')
    expect(await one).toBe('held one')
  })

  it('fails as its command does, with the stack from there', async () => {
    await expect(child.ask('fail')).rejects.toMatchObject({
      message: 'somebody: TypeError: as asked',
      cause: { stack: expect.stringContaining('answering.ts') },
    })
    expect(await child.ask('echo', 'and goes on')).toBe('and goes on')
  })

  it.each([
    ['nothing', 'somebody: Error: there is no command nothing'],
    ['unsayable', 'somebody: TypeError: Do not know how to serialize a BigInt'],
  ])('that has no answer is told so: %s', async (command, message) => {
    await expect(child.ask(command)).rejects.toThrow(message)
  })

  it('waits for its answer no longer than it may; the answer comes too late then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const child = await start({ answerMs: 5_000 })
    const late = expect(child.ask('hold', 'one')).rejects.toThrow('somebody: no answer in 5 s')
    vi.advanceTimersByTime(4_999)
    const other = child.ask('hold', 'other')
    vi.advanceTimersByTime(1)
    await late
    await child.ask('release', 'one')
    await child.ask('release', 'other')
    expect(await other).toBe('held other')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a process', () => {
  it('has its arguments, options and environment, and no NODE_OPTIONS of others', async () => {
    vi.stubEnv('NODE_OPTIONS', '--no-warnings')
    const child = await start({ args: ['answers', 'b c'], nodeOptions: ['--expose-gc'], env: { MARKER: 'mine' } })
    expect(await child.ask('surroundings')).toEqual({
      args: ['answers', 'b c'],
      nodeOptions: '',
      marker: 'mine',
      canCollect: true,
    })
    vi.unstubAllEnvs()
  })

  it.skipIf(!needs('taskset') || !canPin())('is bound to a core, and moved to another', async () => {
    const child = await start({ core: SERVER_CORE })
    expect(await child.ask('cores')).toBe(String(SERVER_CORE))
    child.moveTo(CLIENT_CORE)
    expect(await child.ask('cores')).toBe(String(CLIENT_CORE))
  })

  it.each([
    ['throws', 'somebody: RangeError: not today'],
    ['ends', 'somebody: its process ended (exit code 3)'],
  ])('that %s before it can be asked was not started', async (how, message) => {
    await expect(start({ args: [how] })).rejects.toThrow(message)
  })

  it('that cannot be asked in time is ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const late = expect(start({ args: ['is never there'] })).rejects.toThrow('somebody: no answer in 120 s')
    expect(process.getActiveResourcesInfo()).toContain('ProcessWrap')
    vi.advanceTimersByTime(120_000)
    await late
    await until(() => !process.getActiveResourcesInfo().includes('ProcessWrap'))
  })

  it('that ends by itself fails who asks, and who asks later', async () => {
    const child = await start()
    const asked = expect(child.ask('hold', 'one')).rejects.toThrow('somebody: its process ended (exit code 7)')
    await expect(child.ask('exit', 7)).rejects.toThrow('somebody: its process ended (exit code 7)')
    await asked
    expect(child.isRunning).toBe(false)
    await expect(child.ask('echo')).rejects.toThrow('somebody: its process has ended')
    await child.end()
  })

  it('is ended with its questions, and no other with it', async () => {
    const [child, other] = await Promise.all([start(), start()])
    const asked = expect(child.ask('hold', 'one')).rejects.toThrow('somebody: its process ended (SIGKILL)')
    await child.end()
    await asked
    expect([child.isRunning, other.isRunning]).toEqual([false, true])
    expect(await other.ask('echo', 1)).toBe(1)
  })
})

describe('a script', () => {
  const path = fileURLToPath(new URL('fixtures/parent.ts', import.meta.url))

  /** Resolves when the process that it has started says what it is. */
  async function run(how: string): Promise<ChildProcess> {
    const parent = spawn(process.execPath, ['--import', 'tsx', path, how], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    parent.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    onTestFailed(() => {
      const pid = Number(/^(?:blocked|idle) (\d+)$/m.exec(said)?.[1])
      if (pid > 0) process.kill(pid, 'SIGKILL')
    })
    while (!/^(idle \d+|blocked \d+|Error: the script is over)$/m.test(said)) await once(parent.stderr, 'data')
    return parent
  }

  // Whoever is left would have the script's output still, and it would not be closed.
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('that %s ends takes with it what it has started, even what hears of nothing', async (signal, code) => {
    const parent = await run('blocked')
    parent.kill(signal)
    expect(await once(parent, 'close')).toEqual([code, null])
  })

  it.each([
    ['is over', 0],
    ['throws', 1],
  ])('that %s takes it with it too', async (how, code) => {
    expect(await once(await run(how), 'close')).toEqual([code, null])
  })

  it('that is killed leaves nothing behind that is idle', async () => {
    const parent = await run('idle')
    parent.kill('SIGKILL')
    expect(await once(parent, 'close')).toEqual([null, 'SIGKILL'])
  })
})
