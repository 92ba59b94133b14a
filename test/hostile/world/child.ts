/**
 * Processes of a test or of `npm run hostile`, seen from the parent. Invariant: what was started is ended by its own id,
 * and a process that ends by itself fails whoever asks it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from '../../bench/side.ts'

/** Runs the task that it is named. */
const side = fileURLToPath(new URL('../../bench/side.ts', import.meta.url))
const running = new Set<ChildProcess>()

export interface ChildOptions {
  readonly nodeOptions?: readonly string[] | undefined
  /** The processor that it is bound to, where that can be done. */
  readonly core?: number | undefined
}

export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  #settle: ((answer: Answer) => void) | undefined
  #asked: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcess, name: string) {
    this.#process = child
    this.#name = name
    running.add(child)
    child.on('message', (answer: Answer) => this.#settle?.(answer))
    child.once('error', (error) => this.#settle?.({ error: error.message }))
    child.once('exit', (code, signal) => {
      running.delete(child)
      this.#settle?.({ error: `its process ended (${signal ?? `exit code ${code}`})` })
    })
  }

  /** Starts a task of this folder; resolves when it is ready. */
  static async start(task: string, args: readonly string[] = [], options: ChildOptions = {}): Promise<Child> {
    const node = [process.execPath, ...(options.nodeOptions ?? []), '--import', 'tsx']
    const command = [...node, side, `../../hostile/world/${task}`, ...args]
    const [file = '', ...rest] = [...(canPin && options.core !== undefined ? pinTo(options.core) : []), ...command]
    const child = new Child(
      spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, NODE_OPTIONS: '' } }),
      task,
    )
    await child.#answer() // that it is ready
    return child
  }

  get isRunning(): boolean {
    return running.has(this.#process)
  }

  /** One question after the other: an answer does not say which it is for. */
  ask<T>(command: string, body?: unknown): Promise<T> {
    const asked = this.#asked.then(async () => {
      if (!this.isRunning) throw new Error(`the process ${this.#name} has ended`)
      this.#process.send({ command, body } satisfies Question)
      return (await this.#answer()) as T // our own process answers what its task says
    })
    this.#asked = asked.catch(() => {})
    return asked
  }

  async end(): Promise<void> {
    if (!this.isRunning) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  async #answer(): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#settle = resolve
    })
    this.#settle = undefined
    if ('error' in answer) throw new Error(`${this.#name}: ${answer.error}`)
    return answer.value
  }
}

const pinTo = (core: number): string[] => ['taskset', '-c', String(core)]
export const canPin = [0, 1].every((core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0)

export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
