/**
 * The targets of fuzz/ without the fuzzer: what every run begins with, what was kept of earlier ones, and everything that ever broke
 * something (fuzz/README.md).
 */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../fuzz/seeds.ts'
import { structuredNames, structuredOf } from '../../fuzz/structured.ts'
import { loadTarget, type TargetName, targetNames } from '../../fuzz/targets/index.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'

/** The inputs that a target does not take, as hex with what it says of them. */
async function failuresOf(name: TargetName, inputs: Iterable<Uint8Array>): Promise<string[]> {
  const target = await loadTarget(name)
  const failures: string[] = []
  for (const input of inputs) {
    try {
      target.judge(input)
    } catch (error) {
      failures.push(`${Buffer.from(input).toString('hex').slice(0, 200)}: ${error}`)
    }
  }
  return failures
}

describe.each(targetNames)('%s', { timeout: PATIENCE_MS }, (name) => {
  it('takes what is made of the vectors', async () => {
    const seeds = [...(await loadTarget(name)).seeds()]
    expect(seeds.length).toBeGreaterThan(10)
    expect(await failuresOf(name, seeds)).toEqual([])
  })

  it('takes what was kept of earlier runs', async () => {
    const kept = linesOf(`fuzz/corpus/${name}.txt`)
    expect(kept.length).toBeGreaterThan(10)
    expect(await failuresOf(name, kept)).toEqual([])
  })

  it('takes whatever once broke something', async () => {
    expect(await failuresOf(name, linesOf(`fuzz/found/${name}.txt`))).toEqual([])
  })
})

describe.each(structuredNames)('%s', { timeout: PATIENCE_MS }, (name) => {
  it('makes inputs that their targets take', async () => {
    const inputs = await structuredOf(name).inputs()
    const targets = new Map(await Promise.all(targetNames.map(async (one) => [one, await loadTarget(one)] as const)))
    fc.assert(
      fc.property(inputs, ({ name: aim, input }) => {
        targets.get(aim)?.judge(input)
      }),
      runs(300),
    )
  })
})

describe('npm run fuzz', { timeout: PATIENCE_MS }, () => {
  const fuzz = (...words: string[]) =>
    spawnSync(process.execPath, ['node_modules/tsx/dist/cli.mjs', 'fuzz/main.ts', ...words], { encoding: 'utf8' })

  it.each([
    [['nothing'], 'There is no target nothing; there are '],
    [[], "missing required argument 'target|all'"],
    [['frames', '--minutes', 'x'], "'--minutes <number>' argument 'x' is invalid. It is a number from 0.001."],
    [['frames', '--hours', '1'], "unknown option '--hours'"],
    [['keep', 'orders', 'x'], 'There is no target orders; inputs are of '],
  ])('says what is wrong with %j', (words, message) => {
    const { status, stderr } = fuzz(...words)
    expect(stderr).toContain(message)
    expect(stderr).toContain('Usage: npm run fuzz -- ')
    expect(status).toBe(2)
  })

  it('names every target', () => {
    const { status, stdout } = fuzz('list')
    expect(status).toBe(0)
    for (const name of [...targetNames, ...structuredNames]) expect(stdout).toContain(name)
  })
})
