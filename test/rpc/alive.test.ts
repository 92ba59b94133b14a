/** Whom a connection keeps alive: the process ends by itself, but not while somebody waits for an answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Server, serve } from '../../src/index.ts'
import { lab, never } from './lab.ts'

const program = fileURLToPath(new URL('./fixtures/alive.ts', import.meta.url))

let server: Server
beforeAll(async () => {
  server = await serve(lab({ echo: (request) => request, quick: never }), 'tcp://127.0.0.1:0')
})
afterAll(() => server.close({ drainMs: 0 }))

/** What the program said, and how it ended. */
async function run(how: string): Promise<{ said: string; code: unknown }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, how, server.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const [code] = await once(child, 'close')
  return { said: said.trim(), code }
}

it.each(['idle', 'waiting', 'closed'])(
  'a process ends by itself, after its work: %s',
  { concurrent: true, timeout: 20_000 },
  async (how) => {
    expect(await run(how)).toEqual({ said: 'done', code: 0 })
  },
)
