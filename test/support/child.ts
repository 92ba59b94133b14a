/**
 * A process that is asked questions (answer.ts), seen from its parent. Invariant: what was started is ended by its own handle, at the
 * latest when this process ends, and nobody waits for an answer that cannot come.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Answer, type Failure, type Question, READY } from './answer.ts'

/** What serves and what calls have a core each, where that can be. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1

const running = new Set<ChildProcess>()
process.once('exit', endAll)

export interface ChildOptions {
  /** What errors call it. */
  readonly name: string
  /** A script that calls `answer`; one of TypeScript is run by tsx. */
  readonly script: URL
  readonly args?: readonly string[] | undefined
  /** All that it has: NODE_OPTIONS of whoever runs this are not for it. */
  readonly nodeOptions?: readonly string[] | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The core that it is bound to, where that can be done. */
  readonly core?: number | undefined
  /** How long an answer may take; 120,000 by default. */
  readonly answerMs?: number | undefined
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

export class Child {
  readonly name: string
  readonly #process: ChildProcess
  readonly #answerMs: number
  readonly #waiting = new Map<number, Waiting>()
  #lastId = READY

  private constructor(options: ChildOptions) {
    this.name = options.name
    this.#answerMs = options.answerMs ?? 120_000
    this.#process = spawnChild(options)
    running.add(this.#process)
    this.#process.on('message', (answer: Answer) => this.#settle(answer))
    this.#process.on('exit', (code, signal) => this.#over(`its process ended (${signal ?? `exit code ${code}`})`))
    this.#process.on('error', (error) => this.#over(error.message)) // it was never there
  }

  /**
   * Resolves when it can be asked.
   * @throws Error where it cannot be started, or ends before; it does not run any more then
   */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options)
    try {
      await child.#answerTo(READY)
      return child
    } catch (error) {
      await child.end()
      throw error
    }
  }

  get isRunning(): boolean {
    return running.has(this.#process)
  }

  /**
   * Asks for what a command returns. Several questions may be under way at once.
   * @throws Error for what the command throws, whose own stack is that of the `cause`; and for an answer that cannot come or takes
   * too long
   */
  async ask<T>(command: string, body?: unknown): Promise<T> {
    if (!this.isRunning) throw new Error(`${this.name}: its process has ended`)
    const id = ++this.#lastId
    const answered = this.#answerTo(id)
    this.#process.send({ id, command, body } satisfies Question, (error) => {
      if (error) this.#settle({ id, error })
    })
    return (await answered) as T // our own process answers what its command returns
  }

  /** Binds all of its threads to a core, where that can be done. */
  moveTo(core: number): void {
    if (canPin()) spawnSync('taskset', ['-a', '-p', '-c', String(core), String(this.#process.pid)])
  }

  /** Ends it at once, and resolves when it has ended. */
  async end(): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const message = `no answer in ${this.#answerMs / 1_000} s`
      const timer = setTimeout(() => this.#settle({ id, error: { message } }), this.#answerMs)
      this.#waiting.set(id, { resolve, reject, timer })
    })
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return // it comes too late
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    if ('error' in answer) waiting.reject(errorOf(this.name, answer.error))
    else waiting.resolve(answer.value)
  }

  #over(message: string): void {
    running.delete(this.#process)
    for (const id of [...this.#waiting.keys()]) this.#settle({ id, error: { message } })
  }
}

function spawnChild({ script, args = [], nodeOptions = [], env, core }: ChildOptions): ChildProcess {
  const path = fileURLToPath(script)
  const loader = path.endsWith('.ts') ? ['--import', 'tsx'] : []
  const pin = core !== undefined && canPin() ? ['taskset', '-c', String(core)] : []
  const [file = '', ...rest] = [...pin, process.execPath, ...nodeOptions, ...loader, path, ...args]
  return spawn(file, rest, {
    stdio: ['ignore', 2, 2, 'ipc'], // what this process prints is its own
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  })
}

function errorOf(name: string, { message, stack }: Failure): Error {
  const cause = stack === undefined ? undefined : Object.assign(new Error(message), { stack })
  return new Error(`${name}: ${message}`, { cause })
}

let isPinnable: boolean | undefined

/** Whether processes can be bound to both cores here. */
export function canPin(): boolean {
  isPinnable ??= [SERVER_CORE, CLIENT_CORE].every(
    (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0,
  )
  return isPinnable
}

/** Tells all processes that were started here to end at once. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Runs a script that starts processes: they end with it, by ctrl-C and other signals too. */
export async function endingAll(script: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  try {
    await script()
  } finally {
    endAll()
  }
}
