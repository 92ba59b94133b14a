import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'
import type { SoakResult } from './run.ts'
import { FAULTS } from './tally.ts'

it('keeps every promise for some seconds of load and faults, past the last id there is', {
  timeout: PATIENCE_MS,
}, async () => {
  const args = ['--import', 'tsx', 'test/soak/main.ts', '--seconds', '10', '--no-chart']
  const soak = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void soak.kill('SIGTERM')) // takes with it what it has started
  const ended = once(soak, 'close')
  const [stdout, stderr] = await Promise.all([text(soak.stdout), text(soak.stderr)])
  const [status] = await ended
  const [last = ''] = stdout.trim().split('\n').slice(-1)
  expect(last, stderr).toMatch(/^\{/)
  const result = JSON.parse(last) as SoakResult // the last line of our own script
  expect(result.problems, stdout).toEqual([])
  expect(status).toBe(0)
  expect(result.wraps).toBeGreaterThan(0)
  for (const fault of FAULTS) expect(result.faults[fault], fault).toBeGreaterThan(0)
  const { ok, no, maybe, yes } = result.ended
  expect(ok + no + maybe + yes).toBe(result.made)
})

it('says what it takes, where it is told something else', { timeout: PATIENCE_MS }, () => {
  const run = (...given: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'test/soak/main.ts', ...given], { encoding: 'utf8' })
  const unknown = run('--hour', '1')
  expect(unknown.status).toBe(2)
  expect(unknown.stderr).toContain('--hours <number>')
  expect(unknown.stderr).not.toContain('    at ')
  expect(run('--hours', 'many')).toMatchObject({ status: 2 })
  expect(run('--hours', '1', '--seconds', '5').stderr).toContain('cannot be used with')
})
