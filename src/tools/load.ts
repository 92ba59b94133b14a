/**
 * Loads the module that a user names, and with it the copy of this library that the module itself imports: errors,
 * marks and checks are told apart by identity, so what a module made is served and called with its own library
 * (spec/cli.md, "Modules").
 */
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { connect, serve } from '../index.ts'
import { WrongUse } from './wrong-use.ts'

/** What the command line needs of the library. */
export interface Library {
  readonly connect: typeof connect
  readonly serve: typeof serve
}

/** The copy that this command line comes with. */
const ownLibrary: Library = { connect, serve }

export interface LoadedModule {
  /** As the user wrote it. */
  readonly specifier: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly library: Library
}

/**
 * Imports a path, file URL or package, as seen from `cwd`.
 * @throws WrongUse saying why it cannot be loaded, and where
 */
export async function loadModule(specifier: string, cwd: string): Promise<LoadedModule> {
  const address = resolveModule(specifier, cwd)
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = await import(address)
  } catch (error) {
    throw new WrongUse(`cannot load ${specifier}: ${explain(error, address)}`)
  }
  return { specifier, exports, library: await libraryOf(address) }
}

/** What `import` takes: the URL of a file, or a package's name where only the runtime can find it. */
function resolveModule(specifier: string, cwd: string): string {
  if (specifier.startsWith('file:')) return requireFile(fileOf(specifier), specifier)
  if (/^\.\.?(?:[/\\]|$)/.test(specifier) || isAbsolute(specifier))
    return requireFile(resolve(cwd, specifier), specifier)
  const beside = resolve(cwd, specifier)
  if (existsSync(beside) && statSync(beside).isFile()) return pathToFileURL(beside).href
  try {
    return pathToFileURL(createRequire(join(cwd, 'here.js')).resolve(specifier)).href
  } catch (error) {
    // A package for `import` alone is found by the runtime, from where this command line is installed.
    if (codeOf(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return specifier
    throw new WrongUse(`there is no file and no package ${JSON.stringify(specifier)}, as seen from ${cwd}`)
  }
}

function fileOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw new WrongUse(`${JSON.stringify(url)} is no address of a file on this machine`)
  }
}

function requireFile(path: string, specifier: string): string {
  if (!existsSync(path)) throw new WrongUse(`there is no file ${specifier}`)
  if (statSync(path).isDirectory()) throw new WrongUse(`${specifier} is a folder; name the file in it`)
  return pathToFileURL(path).href
}

async function libraryOf(address: string): Promise<Library> {
  try {
    const entry = createRequire(address).resolve('nanowire')
    const library: Partial<Library> = await import(pathToFileURL(entry).href)
    return library.connect && library.serve ? { connect: library.connect, serve: library.serve } : ownLibrary
  } catch {
    return ownLibrary // the module has the library bundled in, or imports it by another name
  }
}

/** Why a module could not be loaded: the first line of the error, and its place within the user's files. */
function explain(error: unknown, address: string): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?"/.test(text)) {
    return `this Node does not read TypeScript; take Node 22.18 or later, or set NODE_OPTIONS='--import tsx' with tsx installed`
  }
  const frames = (error instanceof Error ? (error.stack ?? '') : '').split('\n').filter((line) => /^\s+at /.test(line))
  const path = address.startsWith('file:') ? fileURLToPath(address) : address
  const frame = frames.find((line) => line.includes(address) || line.includes(path))?.trim()
  if (frame) return `${text}\n  ${frame}`
  return error instanceof SyntaxError ? `${text}\n  "node --check ${path}" shows where` : text
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
