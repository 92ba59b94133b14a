/**
 * What is kept of runs, as text in this folder: `found/<target>.txt` has every input that broke something, `corpus/<target>.txt` a few
 * that reach what all do together. Both are replayed by each test run (test/fuzz).
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits } from '../src/limits.ts'
import { kindRules } from '../src/wire/index.ts'
import { outcomeOf, slowUnpack } from '../test/wire/slow-msgpack.ts'
import { outputFolder, root } from './build.ts'
import { jazzer, nodeOptionsOf, writeInputs } from './run.ts'
import { linesOf } from './seeds.ts'
import { slowDecode } from './slow-decoder.ts'
import type { Target } from './target.ts'
import { loadTarget, type TargetName } from './targets/index.ts'

const PREFIX_BYTES = 5
/** Longer ones are not worth a line. */
const MAX_CORPUS_BYTES = 200
const MAX_CORPUS_INPUTS = 250

/** Makes an input smaller as long as it fails alike, and keeps it. */
export async function keep(name: TargetName, file: string): Promise<void> {
  const target = await loadTarget(name)
  const input = readFileSync(file)
  const failure = failureOf(target, input)
  if (failure === undefined) {
    console.log(`${file} fails no more; it is kept as it is`)
    return add(name, input, 'once failed')
  }
  const small = shrunk(target, input, failure)
  console.log(`${small.length} of ${input.length} bytes: ${failureOf(target, small)}`)
  add(name, small, failure)
}

function add(name: TargetName, input: Uint8Array, failure: string): void {
  const path = join(root, `fuzz/found/${name}.txt`)
  mkdirSync(join(root, 'fuzz/found'), { recursive: true })
  const hex = hexOf(input)
  if (linesOf(path).some((line) => line.toString('hex') === hex)) return console.log(`${path} has it already`)
  appendFileSync(path, `# ${failure.split('\n', 1)[0]?.slice(0, 200)}\n${hex}\n`)
  console.log(`added to ${path}; say there what it was, mend it, and run npx vitest run test/fuzz`)
  const vector = vectorOf(name, input)
  if (vector !== undefined) console.log(`and for spec/vectors/${name}.json:\n${vector}`)
}

/** An input as spec/vectors would have it, by the slow twins, for other implementations; of the other targets it stays an input. */
function vectorOf(name: TargetName, input: Uint8Array): string | undefined {
  if (name === 'msgpack') {
    const bytes = input.subarray(1)
    const outcome = outcomeOf(() => slowUnpack(bytes, defaultLimits))
    const { rule: error, offset } = 'rule' in outcome ? outcome : {}
    return JSON.stringify({
      name: 'M…: …',
      hex: hexOf(bytes),
      ...(error === undefined ? { value: '…' } : { error, offset }),
    })
  }
  if (name !== 'frames') return undefined
  const bytes = input.subarray(PREFIX_BYTES)
  const expectsHello = ((input[0] ?? 0) & 1) !== 0
  const { frames, error, skipped } = slowDecode(bytes, { maxFrameBytes: 65_536, maxHelloBytes: 65_536, expectsHello })
  const forms = frames.map((line) => {
    const [kind = 0, flags = 0, id = 0, at = 0, length = 0] = line.split(' ').map(Number)
    return { kind: kindRules[kind]?.name, flags, id, body: hexOf(bytes.subarray(at, at + length)) }
  })
  return JSON.stringify({
    name: 'P…: …',
    hex: hexOf(bytes),
    frames: forms,
    ...(error === undefined ? {} : { error }),
    ...(skipped > 0 ? { skipped } : {}),
    ...(expectsHello ? { expectsHello } : {}),
  })
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function failureOf(target: Target, input: Uint8Array): string | undefined {
  try {
    target.judge(input)
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** The same words but for numbers and what stands in quotes. */
function kindOf(failure: string | undefined): string | undefined {
  return failure
    ?.split('\n', 1)[0]
    ?.replaceAll(/\d+|"[^"]*"/g, '#')
    .slice(0, 60)
}

/** Without pieces that it does not need, then with zeros where any byte will do. */
function shrunk(target: Target, input: Uint8Array, failure: string): Uint8Array {
  const kind = kindOf(failure)
  const fails = (bytes: Uint8Array) => kindOf(failureOf(target, bytes)) === kind
  let small = input
  for (let piece = Math.ceil(small.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < small.length; ) {
      const shorter = Buffer.concat([small.subarray(0, at), small.subarray(at + piece)])
      if (fails(shorter)) small = shorter
      else at += piece
    }
  }
  for (let at = 0; at < small.length; at++) {
    const plainer = Uint8Array.from(small)
    plainer[at] = 0
    if (fails(plainer)) small = plainer
  }
  return small
}

/** Writes `corpus/<target>.txt` anew: the least inputs that reach all that seeds and runs have reached. */
export async function distil(names: readonly TargetName[], addon: readonly string[]): Promise<void> {
  for (const name of names) {
    const { corpus, seeds } = await writeInputs(name)
    const merged = join(outputFolder, 'merged', name)
    rmSync(merged, { recursive: true, force: true })
    mkdirSync(merged, { recursive: true })
    const env = { ...process.env, NANOWIRE_FUZZ: name, NODE_OPTIONS: nodeOptionsOf(addon) }
    const args = [...jazzer(merged, corpus, seeds), '-merge=1']
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${name} cannot be merged:\n${stderr.slice(-2_000)}`)
    const inputs = readdirSync(merged)
      .map((file) => readFileSync(join(merged, file)))
      .filter(({ length }) => length > 0 && length <= MAX_CORPUS_BYTES)
      .sort((one, other) => one.length - other.length || Buffer.compare(one, other))
    const step = Math.ceil(inputs.length / MAX_CORPUS_INPUTS) // short ones and long ones
    const lines = inputs.filter((_, index) => index % step === 0).map(hexOf)
    mkdirSync(join(root, 'fuzz/corpus'), { recursive: true })
    writeFileSync(join(root, `fuzz/corpus/${name}.txt`), `${lines.join('\n')}\n`)
    console.log(`${name}: ${lines.length} inputs kept`)
  }
}
