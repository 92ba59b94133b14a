/** Runs one target in a process of its own, under the fuzzer or, where its inputs are structured, under fast-check. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { instrumented, modulesFolder, outputFolder, root } from './build.ts'
import { linesOf } from './seeds.ts'
import { isStructuredName, type StructuredName, structuredNames, structuredOf } from './structured.ts'
import { loadTarget, type TargetName, targetNames } from './targets/index.ts'
import { nothingWatched, type Watched } from './watch.ts'

export type AnyName = TargetName | StructuredName

export const allNames: readonly AnyName[] = [...targetNames, ...structuredNames]

export async function aboutOf(name: AnyName): Promise<string> {
  return isStructuredName(name) ? structuredOf(name).about : (await loadTarget(name)).about
}

export interface RunSettings {
  readonly seconds: number
  readonly seed: number
  /** What node must be given for the fuzzer to load. */
  readonly addon: readonly string[]
  /** Is told of progress, each minute. */
  hear(line: string): void
}

export interface Result {
  readonly inputs: number
  /** For people, in one line. */
  readonly line: string
  /** What was found, and how to go on; `undefined` for nothing. */
  readonly found: string | undefined
}

const RSS_LIMIT_MB = 1_500
/** By the clock on the wall: another process may have the processor meanwhile. What is only slow, watch.ts finds. */
const HANG_SECONDS = 60
const MINUTE_MS = 60_000
const MAX_LINES = 40
/** What the fuzzer says of itself, and nobody needs. */
const NOISE =
  /^(INFO:|Skip loading|#\d+\s+(NEW|REDUCE|RELOAD|INITED|pulse)|######|"|Done |Loaded |WARNING: no interesting|This may also)/

/** They end with this process, whatever ends it. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill()
})

export async function runTarget(name: AnyName, settings: RunSettings): Promise<Result> {
  const started = performance.now()
  const saysPath = join(modulesFolder, `${name}.json`) // another run may have the same target
  const args = isStructuredName(name) ? structuredArguments(name, settings) : await fuzzerArguments(name, settings)
  const env = {
    ...process.env,
    NANOWIRE_FUZZ: name,
    NANOWIRE_FUZZ_SAYS: saysPath,
    NODE_OPTIONS: nodeOptionsOf(settings.addon),
  }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const lines: string[] = []
  const all: string[] = []
  let coverage = ''
  const hear = (line: string) => {
    coverage = /cov: \d+ ft: \d+ corp: \d+/.exec(line)?.[0] ?? coverage
    if (line !== '') all.push(line)
    if (all.length > MAX_LINES) all.shift()
    if (line !== '' && !NOISE.test(line)) lines.push(line)
  }
  createInterface(child.stdout).on('line', hear)
  createInterface(child.stderr).on('line', hear)
  const ticks = setInterval(() => settings.hear(progressLine(name, watchedAt(saysPath), started, coverage)), MINUTE_MS)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  running.delete(child)
  clearInterval(ticks)
  const watched = watchedAt(saysPath)
  const isFine = code === 0 && watched.inputs > 0 // a fuzzer that begins nothing finds nothing
  return {
    inputs: watched.inputs,
    line: `${isFine ? '✓' : '✗'} ${progressLine(name, watched, started, coverage)}`,
    found: isFine ? undefined : foundText(name, lines.length > 0 ? lines : all),
  }
}

/** What node takes from its environment, where a path may have spaces. */
export function nodeOptionsOf(args: readonly string[]): string {
  return args.map((one) => `"${one.replaceAll(/["\\]/g, '\\$&')}"`).join(' ')
}

function watchedAt(path: string): Watched {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Watched // as watch.ts writes it
  } catch {
    return nothingWatched() // nothing yet
  }
}

function progressLine(name: string, watched: Watched, started: number, coverage: string): string {
  const seconds = (performance.now() - started) / 1_000
  const { inputs, cpuSeconds, slowestMs } = watched
  const rate = Math.round(inputs / seconds)
  const cpuRate = Math.round(inputs / Math.max(cpuSeconds, 0.001))
  const slowest = `slowest ${slowestMs.toFixed(1)} ms`
  return `${name}: ${inputs} inputs, ${rate}/s (${cpuRate} a second of processor), ${coverage === '' ? '' : `${coverage}, `}${slowest}`
}

/** The last lines, and the command that keeps the input. */
function foundText(name: AnyName, lines: readonly string[]): string {
  const text = lines.slice(-MAX_LINES).join('\n')
  const aimed = /^found (\S+) ([0-9a-f]*)$/m.exec(text)
  const written = /Test unit written to (.+)$/m.exec(text)?.[1]
  if (!aimed) return written === undefined ? text : `${text}\n${keepLine(name, written)}`
  const [, target = '', hex = ''] = aimed
  const path = join(foundFolder(), `${target}-structured`)
  writeFileSync(path, Buffer.from(hex, 'hex'))
  return `${text}\n${keepLine(target, path)}`
}

/** For a shell, whatever the folder is called. */
function keepLine(target: string, path: string): string {
  return `to keep it: npm run fuzz -- keep ${target} '${path.replaceAll("'", `'\\''`)}'`
}

function structuredArguments(name: StructuredName, { seconds, seed }: RunSettings): string[] {
  const script = join(modulesFolder, 'fuzz/structured-run.js')
  return ['--enable-source-maps', script, name, String(seconds), String(seed)]
}

async function fuzzerArguments(name: TargetName, { seconds, seed }: RunSettings): Promise<string[]> {
  const { maxBytes } = await loadTarget(name)
  const { corpus, seeds, dictionary } = await writeInputs(name)
  return [
    ...jazzer(corpus, seeds),
    `-max_total_time=${Math.round(seconds)}`,
    `-max_len=${maxBytes}`,
    `-dict=${dictionary}`,
    `-artifact_prefix=${join(foundFolder(), `${name}-`)}`,
    `-rss_limit_mb=${RSS_LIMIT_MB}`,
    `-seed=${seed}`,
  ]
}

/** The fuzzer's command line up to its engine's own options. */
export function jazzer(...folders: readonly string[]): string[] {
  const cli = join(dirname(createRequire(import.meta.url).resolve('@jazzer.js/core')), 'cli.js')
  const includes = instrumented.flatMap((folder) => ['-i', folder])
  const entry = join(modulesFolder, 'fuzz/entry.js')
  return [
    cli,
    entry,
    ...folders,
    '--sync',
    '--disableBugDetectors=.*',
    `--timeout=${1_000 * HANG_SECONDS}`,
    ...includes,
    '--',
  ]
}

function foundFolder(): string {
  const folder = join(outputFolder, 'found')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Where a target's inputs lie: those that runs add to, and those that every run begins with. */
export async function writeInputs(name: TargetName) {
  const target = await loadTarget(name)
  const [corpus, seeds] = [join(outputFolder, 'corpus', name), join(modulesFolder, 'seeds', name)]
  const dictionary = join(modulesFolder, `${name}.dict`)
  for (const folder of [corpus, seeds]) mkdirSync(folder, { recursive: true })
  const kept = [...linesOf(`fuzz/corpus/${name}.txt`), ...linesOf(`fuzz/found/${name}.txt`)]
  for (const [index, input] of [...target.seeds(), ...kept].entries())
    if (input.length <= target.maxBytes) writeFileSync(join(seeds, String(index)), input)
  writeFileSync(dictionary, target.dictionary.map(dictionaryLine).join('\n'))
  return { corpus, seeds, dictionary }
}

function dictionaryLine(word: string | Uint8Array): string {
  const bytes = Buffer.from(word)
  return `"${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`
}
