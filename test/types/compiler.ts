/**
 * The compiler, as a user's package runs it: on files that lie in memory, in a folder that does not exist, from which
 * `nanowire` is found as the settings say. Declarations that it emits stay in memory too.
 */
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'

export const root = resolve(import.meta.dirname, '../..')

/** What is wrong at a line, in the compiler's words. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface Compiled {
  readonly problems: readonly Problem[]
  /** Declarations by the path of their file. */
  readonly emitted: ReadonlyMap<string, string>
  /** How many types the compiler had to make of generic ones: what an editor waits for. */
  readonly instantiations: number
}

const strict: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2022,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
}

/** Settings of users' packages: both ways to resolve modules, with and without exact optional properties. */
export const settings: Readonly<Record<string, ts.CompilerOptions>> = {
  'nodenext, exact optional properties': {
    ...strict,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  },
  bundler: {
    ...strict,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  },
}

/** `nanowire` means the sources, as in the repository's own settings. */
export const fromSources: ts.CompilerOptions = {
  allowImportingTsExtensions: true,
  lib: ['lib.es2023.d.ts', 'lib.es2024.string.d.ts', 'lib.esnext.disposable.d.ts'],
  paths: {
    nanowire: [join(root, 'src/index.ts')],
    'nanowire/codec': [join(root, 'src/codec.ts')],
    'nanowire/testing': [join(root, 'src/testing/index.ts')],
  },
}

/** Source files that are the same in every program: parsing them takes longer than all the rest. */
const parsed = new Map<string, ts.SourceFile>()

type Files = Readonly<Record<string, string>>

/**
 * Compiles `files` (path to text), and says what is wrong in them. Only what `options` asks for is emitted.
 * @param others files that are there for whoever imports them
 * @param looked files on the disk that are looked at as well
 */
export function compile(
  files: Files,
  options: ts.CompilerOptions,
  others: Files = {},
  looked: readonly string[] = [],
): Compiled {
  const emitted = new Map<string, string>()
  const program = ts.createProgram(
    Object.keys(files),
    { noEmit: !options.declaration, ...options },
    hostOf({ ...others, ...files }, options, emitted),
  )
  const found = [...Object.keys(files), ...looked].flatMap((path) => {
    const source = program.getSourceFile(path)
    const declared = options.declaration ? program.emit(source, undefined, undefined, true).diagnostics : []
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source), ...declared]
  })
  const all = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...found]
  const problems = [...new Map(all.map((one) => [keyOf(one), problemOf(one)])).values()]
  return { problems, emitted, instantiations: program.getInstantiationCount() }
}

function hostOf(files: Files, options: ts.CompilerOptions, emitted: Map<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const folders = new Set(Object.keys(files).flatMap(foldersOf))
  const { fileExists, readFile, directoryExists, getSourceFile } = host
  return {
    ...host,
    getCurrentDirectory: () => root,
    fileExists: (path) => path in files || fileExists(path),
    readFile: (path) => files[path] ?? readFile(path),
    directoryExists: (path) => folders.has(path) || (directoryExists?.(path) ?? true),
    writeFile: (path, text) => void emitted.set(path, text),
    getSourceFile(path, languageVersion) {
      const text = files[path]
      if (text !== undefined) return ts.createSourceFile(path, text, languageVersion, true)
      const format = typeof languageVersion === 'object' ? languageVersion.impliedNodeFormat : undefined
      const key = `${path} ${format}`
      const known = parsed.get(key)
      if (known) return known
      const source = getSourceFile(path, languageVersion)
      if (source) parsed.set(key, source)
      return source
    },
  }
}

/** The folders that a file lies in, innermost first. */
function foldersOf(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...foldersOf(folder)]
}

function problemOf(diagnostic: ts.Diagnostic): Problem {
  const { file, start = 0 } = diagnostic
  const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
  return { file: file?.fileName ?? '', line, message: `TS${diagnostic.code}: ${message}` }
}

function keyOf(diagnostic: ts.Diagnostic): string {
  return `${diagnostic.file?.fileName} ${diagnostic.start} ${diagnostic.code}`
}
