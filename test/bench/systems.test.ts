/** The table of systems, the files of the peers and their packages belong together. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { BAR, LIMIT, SYSTEMS } from './systems.ts'
import { BYTES, bytesOf, orderOf, requestOf } from './work.ts'

it('every system has its file, and every file is a system', () => {
  const files = readdirSync(new URL('peers/', import.meta.url)).map((name) => name.replace(/\.ts$/, ''))
  expect(files.toSorted()).toEqual(SYSTEMS.toSorted())
})

it('the bar and the limit are two of them', () => expect(SYSTEMS).toEqual(expect.arrayContaining([BAR, LIMIT])))

it('the work has the sizes that the tables name', () => {
  expect(JSON.stringify(requestOf(1_000)).length).toBeLessThan(100)
  expect(JSON.stringify(orderOf(1_000)).length).toBeGreaterThan(1_024)
  expect(JSON.stringify(orderOf(1_000)).length).toBeLessThan(1_536)
  expect(bytesOf(BYTES)).toHaveLength(65_536)
  expect(bytesOf(8)).toEqual(bytesOf(8))
})

// test/package/lock.test.ts has the reasons.
it('the lock file serves every registry and every platform', () => {
  const text = readFileSync(new URL('package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Record<string, Locked> } // npm's form
  const { '': _root, ...locked } = packages
  const entries = Object.entries(locked)
  expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  expect(entries.filter(([, { integrity, optional }]) => integrity === undefined && optional !== true)).toEqual([])
  const left = entries.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in locked) && !(`${path}/node_modules/${name}` in locked),
    ),
  )
  expect(left).toEqual([])
})

interface Locked {
  readonly resolved?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
