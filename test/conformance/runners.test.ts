/** The suite needs no runner: its cases run under `node:test`, and in a loop. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { conformance } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { places } from './places.ts'

/** What a program said, and how it ended. */
async function run(fixture: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const program = fileURLToPath(new URL(`./fixtures/${fixture}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', ...args, program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const [code] = await once(child, 'close')
  return { said, code }
}

const identity = places.flatMap((place) => conformance(place).filter(({ topic }) => topic === 'identity'))
const count = identity.length / places.length
const tap = ['--test', '--test-reporter=tap']

it('passes under node:test, with its skips', { timeout: PATIENCE_MS }, async () => {
  const { said, code } = await run('node-test', tap)
  expect(said).toMatch(new RegExp(`^# pass ${count - 1}$`, 'm'))
  expect(said).toMatch(/^# fail 0$/m)
  expect(said).toMatch(/^# skipped 1$/m)
  expect(said).toContain('identity: shows it to middleware (not in mine: an example of a skip)')
  expect(code).toBe(0)
})

it('fails under node:test where the place is broken', { timeout: PATIENCE_MS }, async () => {
  const { said, code } = await run('node-test', tap, { BROKEN_PLACE: 'yes' })
  expect(said).toContain('in mine, identity: shows the handler who calls: ')
  expect(code).toBe(1)
})

it('runs without a runner, and says what fails', { timeout: PATIENCE_MS }, async () => {
  const { said, code } = await run('without-runner')
  const lines = said.trim().split('\n')
  expect(lines[0]).toMatch(/^in mine, identity: shows the handler who calls: .+ expected .+, came /)
  expect(lines.at(-1)).toBe(`${count - (lines.length - 1)} passed`)
  expect(code).toBe(0)
})
