/**
 * The processes of the benchmark, seen from the parent. Invariant: whatever was started is ended by its own id, after a
 * failure and on ctrl-C too.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './side.ts'

export const SERVER_CORE = 0
export const CLIENT_CORE = 1

/** Whether processes can be bound to these two cores here. */
export const canPin = [SERVER_CORE, CLIENT_CORE].every(
  (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0,
)

const bundle = fileURLToPath(new URL('dist/side.js', import.meta.url))
const running = new Set<ChildProcess>()
/** The longest that a question may take: loads are bounded far below it. */
const ANSWER_MS = 120_000

export interface SideOptions {
  readonly core?: number | undefined
  readonly nodeOptions?: readonly string[] | undefined
}

export class Side {
  readonly #child: ChildProcess
  readonly #name: string
  #settle: ((answer: Answer) => void) | undefined

  private constructor(child: ChildProcess, name: string) {
    this.#child = child
    this.#name = name
    running.add(child)
    child.on('message', (answer: Answer) => this.#settle?.(answer))
    child.once('error', (error) => this.#settle?.({ error: error.message }))
    child.once('exit', (code, signal) => {
      running.delete(child)
      this.#settle?.({ error: `its process ended (${signal ?? `exit code ${code}`})` })
    })
  }

  /** Resolves when the task is ready. */
  static async start(task: string, args: readonly string[] = [], options: SideOptions = {}): Promise<Side> {
    const command = [process.execPath, ...(options.nodeOptions ?? ['--expose-gc']), bundle, task, ...args]
    const pin = canPin && options.core !== undefined ? ['taskset', '-c', String(options.core)] : []
    const [file = '', ...rest] = [...pin, ...command]
    const env = { ...process.env, NODE_ENV: 'production' }
    const child = spawn(file, rest, { stdio: ['ignore', process.stderr, 'inherit', 'ipc'], env })
    const side = new Side(child, [task, ...args].join(' '))
    await side.#answer()
    return side
  }

  async ask<T>(command: string, body?: unknown): Promise<T> {
    if (this.#child.exitCode !== null || !this.#child.connected) throw new Error(`${this.#name} has ended`)
    this.#child.send({ command, body } satisfies Question)
    return (await this.#answer()) as T // our own process answers what its task says
  }

  /** Binds all threads of the process to a core. */
  moveTo(core: number): void {
    spawnSync('taskset', ['-a', '-p', '-c', String(core), String(this.#child.pid)])
  }

  async end(): Promise<void> {
    if (!running.has(this.#child)) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #answer(): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined
    const answer = await new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve({ error: `no answer in ${ANSWER_MS / 1_000} s` }), ANSWER_MS)
      this.#settle = resolve
    })
    clearTimeout(timer)
    this.#settle = undefined
    if ('error' in answer) throw new Error(`${this.#name}: ${answer.error}`)
    return answer.value
  }
}

export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
