/**
 * `npm run mutation [-- files]`: bugs are planted one at a time, and the tests are to find each (spec/testing.md). Prints the score of
 * each file, and writes what nobody found to test/mutation/dist/survivors.txt. Invariant: the exit code is 1 where the score of all
 * is below the threshold of stryker.config.mjs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { listSurvivors, type Report } from './survivors.ts'

const USAGE = `npm run mutation -- [options] [files]
  files               of src/wire and src/session; without any, all of both
  --concurrency 2     processes
  --force             judges again what was judged before, and has not changed`

/** A fifth of the usual runs of each property: a mutant that lives through those costs minutes otherwise. */
const RUNS = '0.2'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const report = at('dist/mutation.json')

function installStryker(): void {
  if (existsSync(at('node_modules/.package-lock.json'))) return // npm writes it last
  console.log('test/mutation/node_modules is missing: npm ci --prefix test/mutation')
  const args = ['ci', '--prefix', at('.'), '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (spawnSync('npm', args, { stdio: 'inherit' }).status !== 0) throw new Error('npm could not install Stryker')
}

function readArguments(args: readonly string[]): string[] {
  const options: string[] = []
  const files: string[] = []
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? ''
    if (argument === '--force') options.push(argument)
    else if (argument === '--concurrency') options.push(argument, args[++index] ?? '')
    else if (/^src\/(wire|session)\/.*\.ts$/.test(argument)) files.push(argument)
    else throw new Error(`${argument} is neither an option nor a file of src/wire or src/session\n\n${USAGE}`)
  }
  return files.length === 0 ? options : [...options, '--mutate', files.join(',')]
}

try {
  const options = readArguments(process.argv.slice(2))
  installStryker()
  rmSync(report, { force: true })
  const stryker = at('node_modules/@stryker-mutator/core/bin/stryker.js')
  const { status } = spawnSync(process.execPath, [stryker, 'run', at('stryker.config.mjs'), ...options], {
    stdio: 'inherit',
    cwd: at('../../'),
    env: { ...process.env, NANOWIRE_RUNS: process.env['NANOWIRE_RUNS'] ?? RUNS },
  })
  if (existsSync(report)) {
    const lines = listSurvivors(JSON.parse(readFileSync(report, 'utf8')) as Report) // as Stryker's schema has it
    writeFileSync(at('dist/survivors.txt'), lines.join('\n'))
    console.log(`what nobody found: test/mutation/dist/survivors.txt (${lines.length} lines)`)
  }
  process.exitCode = status ?? 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
