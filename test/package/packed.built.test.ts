/** The packed package, unpacked where a user would have it: an empty folder with only the dependencies beside it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'nanowire-packed-'))
const modules = join(folder, 'node_modules')
const home = join(modules, 'nanowire')
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
  bin: Record<string, string>
}
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')

const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
const evaluate = (code: string) => run('--input-type=module', '--eval', code).trim()
const install = (name: string) => symlinkSync(resolve('node_modules', name), join(modules, name), 'dir')

beforeAll(() => {
  mkdirSync(home, { recursive: true })
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { stdio: 'pipe' })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', home, '--strip-components=1'])
  install('typebox')
  install('msgpackr')
}, PATIENCE_MS)
afterAll(() => rmSync(folder, { recursive: true }))

describe('the packed package', () => {
  it('holds what is shipped, and nothing else', () => {
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const unexpected = files
      .map((entry) => join(entry.parentPath, entry.name).slice(home.length + 1))
      .filter(
        (path) =>
          !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md|spec\/[a-z]+\.md|spec\/README\.md|spec\/wireshark\/nanowire\.lua|dist\/[\w-]+\.(js|d\.ts|LICENSE))$/.test(
            path,
          ),
      )
    expect(unexpected).toEqual([])
    expect(readdirSync(home)).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'dist']))
  })

  it('can be imported without its optional peers, except for testing', () => {
    for (const subpath of subpaths.filter((name) => name !== './testing')) {
      expect(evaluate(`console.log(Object.keys(await import('nanowire${subpath.slice(1)}')).length > 0)`)).toBe('true')
    }
  })

  it('shows its errors by their name', () => {
    const failing = `import('nanowire').then(({ NanowireError }) => console.log(new NanowireError('internal', 'x').stack, NanowireError.name))`
    expect(evaluate(failing)).toMatch(/^NanowireError: x\n[\s\S]* NanowireError$/)
  })

  it('says which peer nanowire/testing needs, and works with it', () => {
    const importTesting = `console.log(await import('nanowire/testing').then(Object.keys, (error) => error.message))`
    expect(evaluate(importTesting)).toContain(`Cannot find package 'fast-check'`)
    install('fast-check')
    expect(evaluate(importTesting)).toContain('checkRoundTrip')
  })

  it('can be required, as Node 20.19 allows', () => {
    const required = run('--no-warnings', '--eval', `console.log(typeof require('nanowire').contract)`)
    expect(required.trim()).toBe('function')
  })

  it('has one NanowireError, wherever it is imported from', () => {
    const names = subpaths.filter((name) => name !== './testing').map((name) => `import('nanowire${name.slice(1)}')`)
    const count = evaluate(`
      const modules = await Promise.all([${names.join()}])
      console.log(new Set(modules.map((module) => module.NanowireError).filter(Boolean)).size)
    `)
    expect(count).toBe('1')
  })

  it('has a command that runs without anything but the dependencies', () => {
    const command = join(home, manifest.bin['nanowire'] ?? '')
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(statSync(command).mode & 0o111).not.toBe(0)
    expect(run(command, '--help')).toContain('Usage: nanowire')
  })
})
