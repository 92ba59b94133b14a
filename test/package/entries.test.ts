/** The package's entries stand in four places (package.json, tsconfig.json, tsup.config.ts, dist): they must agree. */
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, it } from 'vitest'
import tsup from '../../tsup.config.ts'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly bin: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const tsconfig = ts.parseConfigFileTextToJson('tsconfig.json', readFileSync('tsconfig.json', 'utf8')).config
const built: Readonly<Record<string, string>> = (tsup as { entry: Record<string, string> }).entry

/** `./codec` → `codec`, `.` → `index`. */
const names = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => subpath.slice(2) || 'index')

it('every export is built from one source, which is what its name means in this repository', () => {
  const paths = names.map((name) => [name === 'index' ? 'nanowire' : `nanowire/${name}`, [`./${built[name]}`]])
  expect(tsconfig.compilerOptions.paths).toEqual(Object.fromEntries(paths))
})

it('every export points to its declarations and its code', () => {
  const exports = names.map((name) => [
    name === 'index' ? '.' : `./${name}`,
    { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
  ])
  expect(manifest.exports).toEqual({ ...Object.fromEntries(exports), './package.json': './package.json' })
})

it('nothing is built that is not an export or a command', () => {
  const commands = Object.values(manifest.bin).map((path) => path.replace(/^dist\/|\.js$/g, ''))
  expect(Object.keys(built).sort()).toEqual([...names, ...commands].sort())
})
