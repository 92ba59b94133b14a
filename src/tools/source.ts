/** Contracts wherever they are: at a server, exported by a module, or in a saved file (spec/cli.md, "describe"). */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { describeContract } from '../contract/index.ts'
import { askServer } from './ask-server.ts'
import type { ConnectFlags } from './connect-flags.ts'
import { findContracts, isContract } from './find.ts'
import type { Io } from './io.ts'
import { listNearest } from './nearest.ts'
import { textOf } from './read-file.ts'
import { type DescribedContract, describedContract, readSaved, readSavedFile } from './saved.ts'
import { withServer } from './with-server.ts'
import { WrongUse } from './wrong-use.ts'

export interface SourceFlags extends ConnectFlags {
  readonly timeoutMs: number
}

/**
 * The contracts that a word of the user's means: an address, `-` or a name that ends in `.json` for a saved description, else
 * a module.
 * @param only the name of the one contract that is meant. Default: all of them
 * @throws WrongUse for what is none of these, or where a contract of the name is not there
 */
export async function readSource(
  word: string,
  flags: SourceFlags,
  io: Io,
  only?: string,
): Promise<readonly DescribedContract[]> {
  if (isAddress(word)) {
    const told = await withServer(word, flags, io, (wire) =>
      askServer(wire, { address: word, timeoutMs: flags.timeoutMs, only }, io),
    )
    return told.map(({ description, fingerprint }) => describedContract(description, fingerprint))
  }
  const contracts =
    word === '-'
      ? readSaved(textOf(await io.readStdin(), 'stdin'), 'what stands on stdin')
      : word.endsWith('.json')
        ? readSavedFile(word, io.cwd)
        : await readModule(word, io)
  if (only === undefined) return contracts
  const found = contracts.filter(({ description }) => description.name === only)
  if (found.length > 0) return found
  const names = contracts.map(({ description }) => description.name)
  throw new WrongUse(`${word} has no contract ${JSON.stringify(only)}; there is ${listNearest(names, only) || 'none'}`)
}

/** One letter is a drive of Windows. */
export function isAddress(word: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(word) && !word.startsWith('file:')
}

/** `./shop.js#Shop1` means one export. */
async function readModule(word: string, io: Io): Promise<readonly DescribedContract[]> {
  const at = existsSync(resolve(io.cwd, word)) ? -1 : word.lastIndexOf('#')
  const specifier = at < 1 ? word : word.slice(0, at)
  const module = await io.loadModule(specifier)
  const byName = new Map<string, DescribedContract>()
  for (const contract of findContracts(module, at < 1 ? undefined : word.slice(at + 1))) {
    const described = describedContract(describeContract(contract))
    const before = byName.get(contract.name)
    if (before && before.fingerprint !== described.fingerprint) {
      const exports = Object.entries(module.exports).filter(([, one]) => isContract(one) && one.name === contract.name)
      const written = exports.map(([name]) => `${specifier}#${name}`).join(' or ')
      throw new WrongUse(`${specifier} has several contracts named ${contract.name}: say which, as ${written}`)
    }
    byName.set(contract.name, described)
  }
  return [...byName.values()]
}
