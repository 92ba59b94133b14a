/**
 * `npm run fuzz -- <target|all> [--minutes N]`: runs targets, two at a time on two cores, and says of each how many inputs it judged and
 * what it found (README.md). Invariant: the exit code is 0 where nothing was found, 1 where something was, 2 for wrong use.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { nodeArguments } from './addon.ts'
import { buildModules } from './build.ts'
import { distil, keep } from './keep.ts'
import { type AnyName, aboutOf, allNames, isAnyName, type Result, runTarget } from './run.ts'
import { isTargetName, targetNames } from './targets/index.ts'
import { printTimes } from './time.ts'

const usage = `npm run fuzz -- <target|all> [--minutes N | --seconds N] [--seed N] [--jobs N]
npm run fuzz -- keep <target> <file>   makes an input smaller and adds it to fuzz/found
npm run fuzz -- distil <target|all>    makes fuzz/corpus anew of all that was reached
npm run fuzz -- time                   how long the library takes for a MiB of what they keep
npm run fuzz -- list                   the targets`

const { positionals, values } = read()
const [command = '', ...rest] = positionals
if (command === 'list') await list()
else if (command === 'time') await printTimes()
else if (command === 'keep') await keepOne(rest)
else if (command === 'distil') await prepared((addon) => distil(namesOf(rest[0] ?? '').filter(isTargetName), addon))
else await run(namesOf(command))

function read() {
  try {
    const number = { type: 'string' } as const
    return parseArgs({
      allowPositionals: true,
      options: { minutes: number, seconds: number, seed: number, jobs: number },
    })
  } catch (error) {
    return wrongUse(error instanceof Error ? error.message : String(error))
  }
}

function wrongUse(message: string): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

function namesOf(name: string): readonly AnyName[] {
  if (name === 'all') return allNames
  if (isAnyName(name)) return [name]
  return wrongUse(
    name === '' ? 'which target?' : `there is no target ${name}; there are ${allNames.join(', ')} and all`,
  )
}

function numberOf(text: string | undefined, name: string, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  return number > 0 ? number : wrongUse(`--${name} is a number above 0, not ${text}`)
}

async function list(): Promise<void> {
  for (const name of allNames) console.log(`${name.padEnd(16)}${await aboutOf(name)}`)
}

async function keepOne([name = '', file = '']: readonly string[]): Promise<void> {
  if (!isTargetName(name)) wrongUse(`there is no target ${name}; inputs are of ${targetNames.join(', ')}`)
  if (file === '') wrongUse('which file?')
  await keep(name, file)
}

async function prepared<T>(then: (addon: readonly string[]) => Promise<T>): Promise<T> {
  const addon = nodeArguments()
  await buildModules()
  return then(addon)
}

async function run(names: readonly AnyName[]): Promise<void> {
  const seconds = numberOf(values.seconds, 'seconds', 60 * numberOf(values.minutes, 'minutes', 1))
  const seed = numberOf(values.seed, 'seed', 1 + Math.floor(Math.random() * 1e9))
  const jobs = Math.min(numberOf(values.jobs, 'jobs', availableParallelism()), names.length)
  const waiting = [...names]
  const results: Result[] = []
  console.log(`seed ${seed}, ${seconds} s for each of ${names.length}, ${jobs} at a time`)
  await prepared(async (addon) => {
    const work = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const result = await runTarget(name, { seconds, seed, addon, hear: (line) => console.log(line) })
        results.push(result)
        console.log(result.line)
        if (result.found) console.log(result.found)
      }
    }
    await Promise.all(Array.from({ length: jobs }, work))
  })
  const inputs = results.reduce((sum, one) => sum + one.inputs, 0)
  const found = results.filter((one) => one.found !== undefined)
  console.log(`${inputs} inputs, ${found.length} of ${results.length} targets found something`)
  process.exitCode = found.length > 0 ? 1 : 0
}
