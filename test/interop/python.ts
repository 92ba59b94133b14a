/** Runs a Python program beside a server in this process, without blocking it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'

/** Longer than any of the programs takes on a busy machine; whoever takes longer hangs. The test waits to say so. */
const MAX_MS = PATIENCE_MS - 10_000
vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS })

export interface Program {
  /** The next line of its output, or what its end has to say for itself. */
  readonly line: () => Promise<unknown>
  readonly tell: (line: string) => void
  /** The last that it is told. */
  readonly finish: (text: string) => void
  /** Its last line, once it has ended well. */
  readonly result: () => Promise<unknown>
}

/** Starts `test/interop/<file>` with these arguments. Its output is lines of JSON. */
export function python(file: string, ...args: string[]): Program {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn('python3', ['-X', 'dev', path, ...args], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    timeout: MAX_MS,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => {}) // it ended first, and its end says why
  const lines: string[] = []
  let out = ''
  let errors = ''
  let wake = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (out + text).split('\n')
    out = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  let over = false
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true
    wake()
    if (code !== 0 || errors) throw new Error(`${file} ${args[0]} ended with ${code ?? signal}:\n${errors}`)
  })
  ended.catch(() => {}) // whoever asks for a line or the result hears of it

  async function line(): Promise<unknown> {
    while (lines.length === 0) {
      if (over) {
        await ended
        throw new Error(`${file} ${args[0]} has nothing more to say`)
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return JSON.parse(lines.shift() ?? '')
  }

  return {
    line,
    tell: (text) => void child.stdin.write(`${text}\n`),
    finish: (text) => void child.stdin.end(text),
    async result() {
      await ended
      return JSON.parse(lines.at(-1) ?? '{}').result
    },
  }
}
