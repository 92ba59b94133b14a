/** What the README shows is true: its code runs as it stands, its links lead somewhere, and it stays short. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
const folder = mkdtempSync(join(tmpdir(), 'nanowire-readme-')) // outside: other tests read the whole of test/ meanwhile
mkdirSync(join(folder, 'node_modules'))
for (const [name, path] of [['nanowire', '.'] as const, ['typebox', 'node_modules/typebox'] as const])
  symlinkSync(resolve(path), join(folder, 'node_modules', name), 'dir')
afterAll(() => rmSync(folder, { recursive: true }))

/** What each block prints, in their order. */
const printed = ["{ text: 'Hello, Ada' }", "{ wheel: 'red', n: 32 }", 'an order of user 7']

function run(code: string, name: string): string {
  const file = join(folder, name)
  writeFileSync(file, code)
  const args = ['--import', 'tsx', file]
  const env = { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.run.json' }
  return execFileSync(process.execPath, args, { encoding: 'utf8', env }).trim()
}

describe('the README', () => {
  it('has a block of code for each output below', () => expect(blocks).toHaveLength(printed.length))

  it.each(printed.map((output, index) => [index, output] as const))('runs: block %i', (index, output) => {
    expect(run(blocks[index] ?? '', `block-${index}.mts`)).toBe(output)
  })

  it('answers the same from memory, by the one line that it says', () => {
    const inMemory = (blocks[0] ?? '').replace('connect(server.url)', 'connect(greeter)')
    expect(inMemory).not.toBe(blocks[0])
    expect(run(inMemory, 'in-memory.mts')).toBe(printed[0])
  })

  it('shows twenty lines, more or less, and is a few screens long at most', () => {
    const lines = (blocks[0] ?? '').split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'))
    expect(lines.length).toBeLessThanOrEqual(20)
    expect(readme.split('\n').length).toBeLessThanOrEqual(170)
  })

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(path))).toEqual([])
  })
})
