/**
 * The guard of the hot path: bytes allocated, writes and promises for 1,000 calls of the built package, which may not rise above
 * the stored ones by more than a margin (compare.ts). `npm run check:guard -- --set` stores what is measured. Invariant: the
 * figures do not depend on how fast the machine is, or how busy.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import buildPackage from '../package/build.ts'
import { script } from '../support/command-line.ts'
import { type Cost, type Figures, judge, WAYS, type Way } from './compare.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const figuresFile = fileURLToPath(new URL('figures.json', import.meta.url))

/** No work of the engine in other threads, nothing by chance, and room for all that is allocated while it is counted. */
const FLAGS = [
  '--expose-gc',
  '--single-threaded',
  '--no-flush-bytecode',
  '--hash-seed=1',
  '--random-seed=1',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
]

/** As plain JavaScript, so that no loader has a part in the figures. `nanowire` stays a package, which Node finds in `dist`. */
async function textOf(path: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    tsconfigRaw: {},
  })
  return outputFiles.map(({ text }) => text).join('')
}

/** Of whoever runs the check, and not for the program. */
function isSetting(name: string): boolean {
  return /^(NODE_|NANOWIRE_)/.test(name)
}

/** One of the ways, by the program. */
function measure(program: string, way: Way): Cost {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)))
  const args = [...FLAGS, '--input-type=module', '-', way]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    input: program,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${way} could not be measured\n${stdout}${stderr}`)
  return JSON.parse(stdout) as Cost // it is what the program prints
}

const { set } = script('npm run check:guard --', 'What 1,000 calls cost, held against what they cost before')
  .option('--set', 'stores what is measured')
  .parse()
  .opts<{ readonly set?: true | undefined }>()
buildPackage()
const program = await textOf(fileURLToPath(new URL('measure.ts', import.meta.url)))
const measured: Figures = {
  node: Number.parseInt(process.versions.node, 10),
  costs: Object.fromEntries(WAYS.map((way) => [way, measure(program, way)])),
}
if (set) writeFileSync(figuresFile, `${JSON.stringify(measured, null, 2)}\n`)
const verdicts = judge(measured, JSON.parse(readFileSync(figuresFile, 'utf8')) as Figures)
for (const { line } of verdicts) console.log(line)
if (verdicts.some(({ isGood }) => !isGood)) {
  console.log('1,000 calls cost more than they did. Find out why; if it is worth it: npm run check:guard -- --set')
  process.exitCode = 1
}
