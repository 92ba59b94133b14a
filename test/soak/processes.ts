/** The processes of the soak, seen from the parent. Invariant: whatever was started is ended by its own id. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './side.ts'

/** The longest that an answer may take: the measurement, or the calls that are waited for at a rest. */
const ANSWER_MS = 300_000

const running = new Set<ChildProcess>()

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export class Side {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    running.add(child)
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(new Error(`${name}: ${answer.error}`))
      else waiting?.resolve(answer.value)
    })
    child.once('exit', (code, signal) => {
      running.delete(child)
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${name} ended (${signal ?? `exit code ${code}`}) and had not answered`))
      this.#waiting.clear()
    })
  }

  /** Resolves when it is ready. */
  static async start(name: string, script: string, args: readonly string[] = []): Promise<Side> {
    const path = fileURLToPath(new URL(`dist/${script}.js`, import.meta.url))
    const side = new Side(
      name,
      fork(path, args, { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    )
    await side.#answerTo(0)
    return side
  }

  ask<T>(command: string, body?: unknown): Promise<T> {
    const id = ++this.#lastId
    this.#child.send({ id, command, body } satisfies Question)
    return this.#answerTo(id) as Promise<T> // our own process answers what its command returns
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.name} has not answered for ${ANSWER_MS / 1_000} s`))
      const timer = setTimeout(late, ANSWER_MS)
      const settle = <T>(settleWith: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer)
          settleWith(value)
        }
      }
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
    })
  }
}

export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
