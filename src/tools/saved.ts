/**
 * Contracts in a file: what `describe` saves and `diff` reads (spec/cli.md, "Saved descriptions"). Invariant: a file is there
 * whole or not at all, and only a saved description is ever written over.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ContractDescription, hashOfDescription, readDescription } from '../contract/index.ts'
import { parseJson } from './json-text.ts'
import { jsonText } from './print.ts'
import { readBounded } from './read-file.ts'
import { WrongUse } from './wrong-use.ts'

/** A contract as this command knows it. */
export interface DescribedContract {
  readonly description: ContractDescription
  /** Of the description, in hexadecimal. */
  readonly fingerprint: string
  /** What the server's HELLO says instead, where that is another one. */
  readonly toldFingerprint?: string | undefined
}

export function describedContract(description: ContractDescription, told?: string): DescribedContract {
  const fingerprint = Buffer.from(hashOfDescription(description)).toString('hex')
  return { description, fingerprint, toldFingerprint: told === fingerprint ? undefined : told }
}

const MAX_BYTES = 32 * 1_024 * 1_024

/** The file's form, which `--json` prints too. Sorted, so that versions of a file can be compared as text. */
export function savedForm(contracts: readonly DescribedContract[]): unknown {
  const sorted = [...contracts].sort((one, other) => (one.description.name < other.description.name ? -1 : 1))
  return {
    nanowire: 1,
    fingerprints: Object.fromEntries(sorted.map(({ description, fingerprint }) => [description.name, fingerprint])),
    contracts: Object.fromEntries(sorted.map(({ description }) => [description.name, description])),
  }
}

/**
 * The contracts in a saved file, or in one description by itself. The fingerprints in it are for people: they are worked out
 * anew.
 * @param name what the user calls it
 * @throws WrongUse for what is no saved description
 */
export function readSaved(text: string, name: string): readonly DescribedContract[] {
  const saved = parseJson(name, text)
  if (!isObject(saved) || saved['nanowire'] !== 1) {
    throw new WrongUse(`${name} is no saved description: make one with nanowire describe --save`)
  }
  if (!('contracts' in saved)) return [describedContract(readOne(saved, name))]
  const { contracts } = saved
  if (!isObject(contracts)) throw new WrongUse(`${name} is no saved description: its "contracts" are no object`)
  return Object.entries(contracts).map(([key, value]) => {
    const description = readOne(value, name)
    if (description.name === key) return describedContract(description)
    throw new WrongUse(`${name}: under ${JSON.stringify(key)} stands the contract ${JSON.stringify(description.name)}`)
  })
}

/** @throws WrongUse also for a file that cannot be read */
export function readSavedFile(name: string, cwd: string): readonly DescribedContract[] {
  const path = resolve(cwd, name)
  if (!existsSync(path)) throw new WrongUse(`there is no file ${name}`)
  if (statSync(path).isDirectory()) throw new WrongUse(`${name} is a folder; name the file in it`)
  return readSaved(readBounded(path, name, MAX_BYTES), name)
}

/**
 * Writes a file that `readSavedFile` reads.
 * @throws WrongUse where something else has the name, or the file cannot be written
 */
export function writeSavedFile(name: string, cwd: string, contracts: readonly DescribedContract[]): void {
  const path = resolve(cwd, name)
  const unfinished = `${path}.${randomUUID()}.tmp`
  try {
    writeWhole(unfinished, `${jsonText(savedForm(contracts), true)}\n`)
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw new WrongUse(`cannot write ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * Looks whether a name is good for a saved file, before anything is asked of anybody.
 * @throws WrongUse
 */
export function requireSavable(name: string, cwd: string): void {
  if (!name.endsWith('.json')) throw new WrongUse(`--save takes a file whose name ends in .json, not ${name}`)
  if (!existsSync(resolve(cwd, name))) return
  try {
    readSavedFile(name, cwd)
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    throw new WrongUse(`${name} is there already, and is no saved description: name another file, or delete it first`)
  }
}

function writeWhole(path: string, text: string): void {
  const file = openSync(path, 'wx')
  try {
    writeFileSync(file, text)
    fsyncSync(file) // or a rename may reach the disk before what it names
  } finally {
    closeSync(file)
  }
}

function readOne(value: unknown, name: string): ContractDescription {
  try {
    return readDescription(value)
  } catch (error) {
    throw new WrongUse(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
