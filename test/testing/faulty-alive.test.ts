/** What comes late over a faulty link keeps the process alive, as a socket does: else a script ends before it is there. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const program = fileURLToPath(new URL('./fixtures/waiting.ts', import.meta.url))

it('a script that waits for what comes late gets it, with every fault that takes time, and ends', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program])
  const answers = Array.from({ length: 5 }, () => 'Hello, you!')
  expect(stdout.trim().split('\n')).toEqual([...answers, 'false', 'false', 'never ready'])
})
