/**
 * The rules of the house (spec/architecture.md): chapters import downwards and through doors, third parties have one
 * door each, time and chance come from one file, files stay short. Invariant: pure functions from sources to findings.
 */
import { posix } from 'node:path'
import type { Import, Source } from './source.ts'

export interface Finding {
  readonly path: string
  readonly line: number
  readonly problem: string
}

/** The chapters, lowest first. A file imports from its own folder and from lower chapters. */
const CHAPTERS = [
  '',
  'contract',
  'wire',
  'session',
  'transport',
  'rpc',
  'place',
  'cluster',
  'index',
  'testing',
  'tools',
]

/** Files beside the chapters' folders that stand below them all; any other `src/*.ts` is an entry and stands above. */
const GROUND = ['src/errors.ts', 'src/limits.ts']

/** `src/index.ts` hands its table of address schemes up to testing and tools; no other entry may be imported. */
const FRONT_DOOR = 'src/index.ts'

interface Door {
  readonly packages: RegExp
  /** Where a value may be imported from it. */
  readonly at: readonly string[]
  /** Importing nothing but its types is free. */
  readonly freeTypes?: boolean
}

/** The first door whose pattern fits decides; a package without a door may not be imported at all. */
const DOORS: readonly Door[] = [
  { packages: /^typebox(\/|$)/, at: ['src/contract/', 'src/testing/'], freeTypes: true },
  { packages: /^msgpackr(\/|$)/, at: ['src/wire/msgpack.ts'] },
  { packages: /^(fast-check|recheck)$/, at: ['src/testing/'] },
  { packages: /^commander$/, at: ['src/tools/'] },
  { packages: /^node:net$/, at: ['src/transport/tcp.ts', 'src/testing/faulty/sockets.ts'], freeTypes: true },
  { packages: /^node:tls$/, at: ['src/transport/tls.ts'], freeTypes: true },
  { packages: /^node:(timers|timers\/promises|perf_hooks)$/, at: ['src/session/clock.ts', 'src/tools/'] },
  { packages: /^node:diagnostics_channel$/, at: ['src/rpc/diagnostics.ts'] },
  { packages: /^node:/, at: ['src/transport/', 'src/place/', 'src/tools/'] },
]

/** Time and chance can be driven only if nobody else touches them. */
const CLOCKS = ['src/session/clock.ts', 'src/tools/']
const TIME_AND_CHANCE =
  /^(setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|clearImmediate|queueMicrotask|new Date|Date\.now|performance(\.\w+)?|Math\.random|crypto\.(randomUUID|getRandomValues)|process\.(hrtime|nextTick|uptime)|AbortSignal\.timeout)$/

const MAX_LINES = 300

const isAt = (path: string, places: readonly string[]) =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

/** The folder of a file's chapter: `src/wire/decode.ts` → `wire`, `src/errors.ts` → ``, an entry → undefined. */
function chapterOf(path: string): string | undefined {
  const [, folder = '', ...rest] = path.split('/')
  if (rest.length > 0) return folder
  if (path === FRONT_DOOR) return 'index'
  return GROUND.includes(path) ? '' : undefined
}

const isRelative = ({ specifier }: Import) => specifier.startsWith('.')
const resolve = (path: string, { specifier }: Import) => posix.join(posix.dirname(path), specifier)

/** Imports that go upwards, past a door, or out of `src`. */
export function findLayerViolations(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => {
    const from = chapterOf(source.path)
    if (from !== undefined && !CHAPTERS.includes(from)) {
      return [{ path: source.path, line: 1, problem: `the folder ${from} is no chapter` }]
    }
    return source.imports.filter(isRelative).flatMap((imported) => {
      const problem = judgeImport(source.path, resolve(source.path, imported))
      return problem === undefined ? [] : [{ path: source.path, line: imported.line, problem }]
    })
  })
}

function judgeImport(path: string, target: string): string | undefined {
  const from = chapterOf(path)
  const to = chapterOf(target)
  if (!target.startsWith('src/')) return `${target} is outside src`
  if (to === undefined) return `${target} is an entry: nothing imports it`
  if (from === to) return undefined
  if (from !== undefined && CHAPTERS.indexOf(to) > CHAPTERS.indexOf(from)) return `${target} is in a higher chapter`
  const isDoor = to === '' || to === 'index' || target === `src/${to}/index.ts`
  // Entries choose what loads with them, so they may reach for single files.
  if (!isDoor && from !== undefined && from !== 'index') return `${target} is behind the door src/${to}/index.ts`
  return undefined
}

/** What is had without an import, so that a page in a browser can do without it. */
const GUARDED = /^process\.getBuiltinModule$/
const GUARDED_AT = ['src/rpc/diagnostics.ts']

/** Packages that are imported elsewhere than at their door, or have none. */
export function findDoorViolations(sources: readonly Source[]): Finding[] {
  return sources.flatMap(({ path, imports, globals }) => [
    ...globals
      .filter(({ text }) => GUARDED.test(text) && !isAt(path, GUARDED_AT))
      .map(({ text, line }) => ({ path, line, problem: `${text} is called only in ${GUARDED_AT.join(', ')}` })),
    ...imports
      .filter((imported) => !isRelative(imported))
      .flatMap(({ specifier, typeOnly, line }) => {
        const door = DOORS.find(({ packages }) => packages.test(specifier))
        // Who loads modules that users name is the command line.
        if (specifier.startsWith('import(') && path.startsWith('src/tools/')) return []
        if (door === undefined) return [{ path, line, problem: `${specifier} has no door` }]
        if (isAt(path, door.at) || (typeOnly && door.freeTypes === true)) return []
        return [{ path, line, problem: `${specifier} is imported only in ${door.at.join(', ')}` }]
      }),
  ])
}

/** Timers, time, turns and chance outside the clock. */
export function findClockViolations(sources: readonly Source[]): Finding[] {
  return sources
    .filter(({ path }) => !isAt(path, CLOCKS))
    .flatMap(({ path, globals }) =>
      globals
        .filter(({ text }) => TIME_AND_CHANCE.test(text))
        .map(({ text, line }) => ({ path, line, problem: `${text} belongs to the Clock (src/session/clock.ts)` })),
    )
}

/** Files that import themselves by a detour; each circle is reported once, at its first file. */
export function findCycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const findings: Finding[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) findings.push({ path, line: 1, problem: `cycle: ${[...trail.slice(at), path].join(' → ')}` })
    if (at >= 0 || done.has(path)) return
    const source = byPath.get(path)
    for (const imported of source?.imports.filter(isRelative) ?? []) walk(resolve(path, imported), [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) walk(path, [])
  return findings
}

/** Files of more than 300 lines without a reason, and reasons that no file needs any more. */
export function findLongFiles(sources: readonly Source[], reasons: Readonly<Record<string, string>>): Finding[] {
  const tooLong = sources.filter(({ lines }) => lines > MAX_LINES)
  return [
    ...tooLong
      .filter(({ path }) => reasons[path] === undefined)
      .map(({ path, lines }) => ({ path, line: lines, problem: `${lines} lines, more than ${MAX_LINES}` })),
    ...Object.keys(reasons)
      .filter((path) => !tooLong.some((source) => source.path === path))
      .map((path) => ({ path, line: 1, problem: 'listed as long, but it is not' })),
  ]
}

/** `any`, `as` and `!` that do not say why. */
export function findUnreasoned(sources: readonly Source[]): Finding[] {
  return sources.flatMap(({ path, unreasoned }) =>
    unreasoned.map(({ text, line }) => ({ path, line, problem: `${text} has no reason in a comment on its line` })),
  )
}
