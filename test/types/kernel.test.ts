/**
 * A package can export contracts and services by inference alone: its declarations are emitted, and another uses them.
 * The settings of both packages vary in kernel.built.test.ts, against what is shipped.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fromSources, root, settings } from './compiler.ts'
import { buildKernel } from './kernel.ts'

const { declared, used } = buildKernel(join(root, 'user-package'), { ...fromSources, ...settings['bundler'] })

it('declarations are emitted without a complaint', () => {
  expect(declared.problems).toEqual([])
  const names = [...declared.emitted.keys()].map((path) => path.split('/').at(-1))
  expect(names).toEqual(['contracts.d.ts', 'services.d.ts'])
})

it('another package knows everything by them', () => {
  expect(used.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining("Type 'number' is not assignable to type 'bigint'"),
    expect.stringContaining("Property 'ping' is missing in type"),
  ])
})

it('they name only what can be imported', () => {
  const text = [...declared.emitted.values()].join('\n')
  const named = [...text.matchAll(/import\("([^"]+)"\)\.(\w+)/g)]
  const hidden = named.filter(([, from = '']) => !/^(nanowire|nanowire\/codec|typebox)$/.test(from))
  expect([...new Set(hidden.map(([, , name]) => name))]).toEqual([])
  expect(named.length).toBeGreaterThan(100)
})
