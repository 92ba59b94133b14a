/**
 * `npm run fuzz -- <target|all> [--minutes N]`: runs targets, two at a time on two cores, and says of each how many inputs it judged and
 * what it found (README.md). Invariant: the exit code is 0 where nothing was found, 1 where something was, 2 for wrong use.
 */
import { availableParallelism } from 'node:os'
import { InvalidArgumentError, Option } from 'commander'
import { number, script, whole } from '../test/support/command-line.ts'
import { nodeArguments } from './addon.ts'
import { buildModules } from './build.ts'
import { distil, keep } from './keep.ts'
import { type AnyName, aboutOf, allNames, type Result, runTarget } from './run.ts'
import { isTargetName, type TargetName, targetNames } from './targets/index.ts'
import { printTimes } from './time.ts'

interface Flags {
  readonly minutes: number
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  readonly jobs: number
}

const duration = number(0.001)
const fuzz = script('npm run fuzz --', 'Tries to break what reads the bytes of a peer (fuzz/README.md)')
  .usage('<target|all> [options]')
  .argument('<target|all>', 'what is tried', someOf(allNames))
  .option('--minutes <number>', 'for each target', duration, 1)
  .addOption(new Option('--seconds <number>', 'the same').argParser(duration).conflicts('minutes'))
  .option('--seed <seed>', 'by chance without it', whole(1))
  .option('--jobs <count>', 'targets at a time', whole(1), availableParallelism())
  .action(run)
fuzz
  .command('keep')
  .description('makes an input smaller and adds it to fuzz/found')
  .argument('<target>', 'whose input it is', oneTarget)
  .argument('<file>', 'the input')
  .action(keep)
fuzz
  .command('distil')
  .description('makes fuzz/corpus anew of all that was reached')
  .argument('<target|all>', 'of what', someOf(targetNames))
  .action((names: readonly TargetName[]) => prepared((addon) => distil(names, addon)))
fuzz.command('time').description('how long the library takes for a MiB of what they keep').action(printTimes)
fuzz.command('list').description('the targets').action(list)
await fuzz.parseAsync()

function someOf<T extends string>(names: readonly T[]) {
  return (text: string): readonly T[] => {
    const chosen = text === 'all' ? names : names.filter((name) => name === text)
    if (chosen.length > 0) return chosen
    throw new InvalidArgumentError(`There is no target ${text}; there are ${names.join(', ')} and all.`)
  }
}

function oneTarget(text: string): TargetName {
  if (isTargetName(text)) return text
  throw new InvalidArgumentError(`There is no target ${text}; inputs are of ${targetNames.join(', ')}.`)
}

async function list(): Promise<void> {
  for (const name of allNames) console.log(`${name.padEnd(16)}${await aboutOf(name)}`)
}

async function prepared<T>(then: (addon: readonly string[]) => Promise<T>): Promise<T> {
  const addon = nodeArguments()
  await buildModules()
  return then(addon)
}

async function run(names: readonly AnyName[], flags: Flags): Promise<void> {
  const seconds = flags.seconds ?? 60 * flags.minutes
  const seed = flags.seed ?? 1 + Math.floor(Math.random() * 1e9)
  const jobs = Math.min(flags.jobs, names.length)
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
