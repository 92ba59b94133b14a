/** A process that is none: what a command printed, a hand on its signals and its clock, and modules without files. */
import { connect, serve } from '../../src/index.ts'
import type { Io, Signal } from '../../src/tools/io.ts'
import type { LoadedModule } from '../../src/tools/load.ts'
import { run } from '../../src/tools/run.ts'
import { WrongUse } from '../../src/tools/wrong-use.ts'

export class FakeIo implements Io {
  readonly cwd = process.cwd()
  isTty = false
  isHeard = true
  stdin = ''
  /** What `now` says. */
  nowMs = 0
  readonly printed: string[] = []
  readonly complaints: string[] = []
  readonly #modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly #handlers = new Set<(signal: Signal) => void>()
  readonly #awaited: { readonly part: string; readonly found: () => void }[] = []

  constructor(modules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}) {
    this.#modules = modules
  }

  get listeners(): number {
    return this.#handlers.size
  }

  now(): number {
    return this.nowMs
  }

  out(text: string): void {
    this.printed.push(text)
    for (const { part, found } of this.#awaited) if (text.includes(part)) found()
  }

  err(text: string): void {
    this.complaints.push(text)
  }

  async readStdin(): Promise<Uint8Array> {
    return Buffer.from(this.stdin)
  }

  /** In pieces of a few bytes, unless a test gives its own. */
  async *stdinChunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(this.stdin)
    for (let at = 0; at < bytes.length; at += 5) yield bytes.subarray(at, at + 5)
  }

  async written(): Promise<void> {}

  onSignal(handler: (signal: Signal) => void): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  async loadModule(specifier: string): Promise<LoadedModule> {
    const exports = this.#modules[specifier]
    if (!exports) throw new WrongUse(`there is no file ${specifier}`)
    return { specifier, exports, library: { connect, serve } }
  }

  signal(signal: Signal): void {
    for (const handler of [...this.#handlers]) handler(signal)
  }

  /** Resolves once something was printed that has `part` in it. */
  untilPrinted(part: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.push({ part, found: resolve }))
  }
}

/**
 * Runs a command whose time is meant to be too short for an answer: in ever more time, until it has come far enough. How far it
 * comes in 50 ms is for the machine to say.
 */
export async function inEnoughTime<Ended>(
  run: (timeoutMs: string) => Promise<Ended>,
  isFarEnough: (ended: Ended) => boolean,
): Promise<Ended> {
  for (let timeoutMs = 50; ; timeoutMs *= 4) {
    const ended = await run(String(timeoutMs))
    if (isFarEnough(ended) || timeoutMs > 3_000) return ended
  }
}

/** Runs a command to its end. */
export async function runCommand(
  argv: readonly string[],
  io: FakeIo,
): Promise<{ readonly exitCode: number; readonly out: string; readonly err: string }> {
  const exitCode = await run(argv, io)
  return { exitCode, out: io.printed.join('\n'), err: io.complaints.join('\n') }
}
