/**
 * `npm run mutation [-- files]`: bugs are planted one at a time, and the tests are to find each (spec/testing.md). Prints the score of
 * each file, and writes what nobody found to test/mutation/dist/survivors.txt. Invariant: the exit code is 1 where the score of all
 * is below the threshold of stryker.config.mjs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { script, whole } from '../support/command-line.ts'
import { listSurvivors, type Report } from './survivors.ts'

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

interface Flags {
  readonly concurrency: number
  readonly force?: true | undefined
}

const command = script('npm run mutation --', 'Plants bugs one at a time, and tells which of them no test finds')
  .argument('[files...]', 'of src/wire and src/session; without any, all of both')
  .option('--concurrency <count>', 'processes', whole(1), 2)
  .option('--force', 'judges again what was judged before, and has not changed')
  .parse()
const { concurrency, force } = command.opts<Flags>()
const wrong = command.args.find((file) => !/^src\/(wire|session)\/.*\.ts$/.test(file))
if (wrong !== undefined) command.error(`error: ${wrong} is no file of src/wire or src/session`)
const options = ['--concurrency', String(concurrency)]
if (force) options.push('--force')
if (command.args.length > 0) options.push('--mutate', command.args.join(','))

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
