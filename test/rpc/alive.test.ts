/** Whom a connection keeps alive: the process ends by itself, but not while somebody waits for an answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest'
import { type Server, serve } from '../../src/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { lab, never } from './lab.ts'

const program = fileURLToPath(new URL('./fixtures/alive.ts', import.meta.url))

let server: Server
beforeAll(async () => {
  server = await serve(lab({ echo: (request) => request, quick: never }), 'tcp://127.0.0.1:0')
})
afterAll(() => server.close({ drainMs: 0 }))

/** What the program said, and how it ended; one that does not end by itself is ended with its test. */
async function run(how: string, { onTestFinished }: TestContext): Promise<{ said: string; code: unknown }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, how, server.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const [code] = await once(child, 'close')
  return { said: said.trim(), code }
}

it.concurrent.for(['idle', 'waiting', 'closed'])(
  'a process ends by itself, after its work: %s',
  { timeout: PATIENCE_MS },
  async (how, context) => {
    expect(await run(how, context)).toEqual({ said: 'done', code: 0 })
  },
)
