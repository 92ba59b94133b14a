/** Each package-lock.json serves every platform and every registry: no download addresses, no optional package left out. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Locked {
  readonly version: string
  readonly resolved?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const folders = ['.', 'test/bench', 'test/mutation']

describe.each(folders)('the lock file of %s', (folder) => {
  const { packages } = JSON.parse(readFileSync(`${folder}/package-lock.json`, 'utf8')) as {
    packages: Record<string, Locked>
  } // as npm writes it
  const { '': _root, ...locked } = packages

  it('holds no download addresses', () => {
    expect(Object.keys(locked).filter((path) => locked[path]?.resolved !== undefined)).toEqual([])
  })

  it('holds a hash for whatever must be installed', () => {
    const unhashed = Object.entries(locked).filter(
      ([, entry]) => entry.integrity === undefined && entry.optional !== true,
    )
    expect(unhashed.map(([path]) => path)).toEqual([])
  })

  // Where one is missing, `npm ci` refuses the file, or another platform goes without its binary: .ci/complete-lock.mjs.
  it('holds the optional packages of every platform', () => {
    const left = Object.entries(locked).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => locked[`node_modules/${name}`] === undefined && locked[`${path}/node_modules/${name}`] === undefined,
      ),
    )
    expect(left).toEqual([])
  })
})
