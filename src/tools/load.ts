/**
 * Loads the module that a user names, and with it the copy of this library that the module itself imports: errors,
 * marks and checks are told apart by identity, so what a module made is served and called with its own library
 * (spec/cli.md, "Modules").
 */
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { constants, Script } from 'node:vm'
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

type Exports = Readonly<Record<string, unknown>>

/**
 * Imports a path, file URL or package, as seen from `cwd`.
 * @throws WrongUse saying why it cannot be loaded, and where
 */
export async function loadModule(specifier: string, cwd: string): Promise<LoadedModule> {
  const path = pathOf(specifier, cwd) ?? pathOfPackage(specifier, cwd)
  let exports: Exports
  try {
    exports = await (path === undefined ? importPackage(specifier, cwd) : import(pathToFileURL(path).href))
  } catch (error) {
    throw new WrongUse(`cannot load ${specifier}: ${explain(error, path)}`)
  }
  return { specifier, exports, library: await libraryOf(path ?? standIn(cwd)) }
}

/** The file that a path or URL means, or `undefined` where it is neither. */
function pathOf(specifier: string, cwd: string): string | undefined {
  if (specifier.startsWith('file:')) return requireFile(pathOfUrl(specifier), specifier)
  const path = resolve(cwd, specifier)
  if (/^\.\.?(?:[/\\]|$)/.test(specifier) || isAbsolute(specifier)) return requireFile(path, specifier)
  return existsSync(path) && statSync(path).isFile() ? path : undefined
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw new WrongUse(`${JSON.stringify(url)} is no address of a file on this machine`)
  }
}

function requireFile(path: string, specifier: string): string {
  if (!existsSync(path)) throw new WrongUse(`there is no file ${specifier}`)
  if (statSync(path).isDirectory()) throw new WrongUse(`${specifier} is a folder; name the file in it`)
  return path
}

/** A module that need not exist, in whose place packages are looked for. */
const standIn = (cwd: string) => join(cwd, 'nanowire')

/** The file of a package, or `undefined` where it is for `import` alone. */
function pathOfPackage(specifier: string, cwd: string): string | undefined {
  try {
    return createRequire(standIn(cwd)).resolve(specifier)
  } catch (error) {
    if (codeOf(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return undefined
    throw new WrongUse(`there is no file and no package ${JSON.stringify(specifier)}, as seen from ${cwd}`)
  }
}

/** Imports as a module in `cwd` would: `import()` here looks from where this command line is installed. */
function importPackage(specifier: string, cwd: string): Promise<Exports> {
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  const script = new Script('(specifier) => import(specifier)', { filename: standIn(cwd), importModuleDynamically })
  return script.runInThisContext()(specifier)
}

/** The library as the module at `path` imports it. */
async function libraryOf(path: string): Promise<Library> {
  try {
    const entry = createRequire(path).resolve('nanowire')
    const library: Partial<Library> = await import(pathToFileURL(entry).href)
    return library.connect && library.serve ? { connect: library.connect, serve: library.serve } : ownLibrary
  } catch {
    return ownLibrary // the module has the library bundled in, or imports it by another name
  }
}

/** Why a module could not be loaded: the error's message, and its place within the module. */
function explain(error: unknown, path: string | undefined): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?"/.test(text)) {
    return 'this Node does not read TypeScript; take Node 22.18 or later, or install tsx and set NODE_OPTIONS="--import tsx"'
  }
  if (path === undefined || !(error instanceof Error)) return text
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const frame = frames.find((line) => line.includes(pathToFileURL(path).href) || line.includes(path))?.trim()
  if (frame) return `${text}\n  ${frame}`
  return error instanceof SyntaxError ? `${text}\n  "node --check ${path}" shows where` : text
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
