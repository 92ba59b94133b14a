/** What the commands ask of the process they run in, so that tests can stand in for it. */
import { performance } from 'node:perf_hooks'
import type { LoadedModule } from './load.ts'

export type Signal = 'SIGINT' | 'SIGTERM'

export interface Io {
  readonly cwd: string
  /** Whether a person reads stdout. */
  readonly isTty: boolean
  /** Milliseconds since some fixed moment. */
  now(): number
  /** One line, or several. */
  out(text: string): void
  err(text: string): void
  /** Somebody still reads stdout. */
  readonly isHeard: boolean
  /** Resolves when what was written to stdout is not waiting in this process any more. */
  written(): Promise<void>
  /** All of stdin. */
  readStdin(): Promise<Uint8Array>
  /** Stdin as it comes. */
  stdinChunks(): AsyncIterable<Uint8Array>
  /** Calls `handler` for each signal, which then does not end the process. Returns what stops that. */
  onSignal(handler: (signal: Signal) => void): () => void
  loadModule(specifier: string): Promise<LoadedModule>
}

/** Nobody may read it any more; an error is told elsewhere. */
const ENDS_OF_WAITING = ['drain', 'close', 'error'] as const

const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM']

/** Remembered, for Node makes its stdout whole again after an error, and its state says nothing then. */
let isHeard = true
process.stdout.on('error', () => {
  isHeard = false
})

export const processIo: Io = {
  get cwd() {
    return process.cwd()
  },
  get isTty() {
    return process.stdout.isTTY === true
  },
  now: () => performance.now(),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  get isHeard() {
    return isHeard
  },
  async written() {
    const { stdout } = process
    if (!isHeard || !stdout.writableNeedDrain) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ENDS_OF_WAITING) stdout.off(event, done)
        resolve()
      }
      for (const event of ENDS_OF_WAITING) stdout.on(event, done)
    })
  },
  stdinChunks: () => process.stdin,
  async readStdin() {
    const chunks: Uint8Array[] = []
    for await (const chunk of process.stdin) chunks.push(chunk)
    return Buffer.concat(chunks)
  },
  onSignal(handler) {
    for (const signal of SIGNALS) process.on(signal, handler)
    return () => {
      for (const signal of SIGNALS) process.off(signal, handler)
    }
  },
  async loadModule(specifier) {
    const { loadModule } = await import('./load.ts')
    return loadModule(specifier, process.cwd())
  },
}
