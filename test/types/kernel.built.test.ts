/** The same two packages against what is shipped, found by the package's own exports. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { compile, root, settings } from './compiler.ts'
import { buildKernel } from './kernel.ts'

const folder = ts.sys.realpath?.(mkdtempSync(join(tmpdir(), 'nanowire-types-'))) ?? ''
const modules = join(folder, 'node_modules')
mkdirSync(join(modules, 'nanowire'), { recursive: true })
cpSync(join(root, 'package.json'), join(modules, 'nanowire/package.json'))
cpSync(join(root, 'dist'), join(modules, 'nanowire/dist'), { recursive: true })
for (const name of ['typebox', '@types', 'fast-check'])
  symlinkSync(join(root, 'node_modules', name), join(modules, name), 'dir')
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(Object.entries(settings))('with %s', (_, options) => {
  const { declared, used } = buildKernel(folder, options)

  it('declarations are emitted without a complaint', () => {
    expect(declared.problems).toEqual([])
    expect(declared.emitted.size).toBe(2)
  })

  it('another package knows everything by them', () => {
    expect(used.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("Type 'number' is not assignable to type 'bigint'"),
      expect.stringContaining("Property 'ping' is missing in type"),
    ])
  })
})

/** The entries, and the chunks that they share. */
const shipped = readdirSync(join(modules, 'nanowire/dist'))
  .filter((name) => name.endsWith('.d.ts'))
  .map((name) => join(modules, 'nanowire/dist', name))

it('the declarations that are shipped hold by themselves, in every one of their lines', () => {
  const user = join(folder, 'whole.ts')
  const text = ['nanowire', 'nanowire/codec', 'nanowire/testing']
    .map((name, n) => `import * as m${n} from '${name}'\nexport { m${n} }`)
    .join('\n')
  const { problems } = compile(
    { [user]: text },
    { ...settings['bundler'], skipLibCheck: false, lib: ['lib.es2022.d.ts'] },
    {},
    shipped,
  )
  expect(shipped.length).toBeGreaterThan(3)
  expect(problems).toEqual([])
})

it('no declaration that is shipped renames keys: TypeScript 5.9 and 7 cannot compare such types by their variance', () => {
  const renaming = shipped.flatMap((path) => readFileSync(path, 'utf8').match(/\[\w+ in [^\]]*\bas\b.*/g) ?? [])
  expect(renaming).toEqual([])
})
