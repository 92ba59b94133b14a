/** `nanowire up`: the app that a module exports, or some of its services at an address, until a signal (spec/cli.md). */
import type { App, Server } from '../index.ts'
import { serveOptions, type TlsFlags } from './connect-flags.ts'
import { type Drained, runUntilSignal } from './drain.ts'
import { findApp } from './find.ts'
import type { Io } from './io.ts'
import { listNearest } from './nearest.ts'
import { jsonText } from './print.ts'
import { WrongUse } from './wrong-use.ts'

export interface UpFlags extends TlsFlags {
  readonly only?: string | undefined
  readonly at?: string | undefined
  readonly export?: string | undefined
  readonly drainMs: number
  readonly json?: true | undefined
}

/** Often enough for nobody: without a socket, only this keeps the process. */
const AWAKE_MS = 2 ** 30

/** Returns the exit code, once the last call has ended and the last service has stopped, or a second signal has come. */
export async function runUp(specifier: string, flags: UpFlags, io: Io): Promise<number> {
  const { at, only } = flags
  if (at === undefined && only !== undefined)
    throw new WrongUse('--only needs --at <address>: where are they to be reached?')
  const { tls } = serveOptions(flags, io)
  if (at === undefined && tls) throw new WrongUse('the flags of TLS are for --at <address>')
  const app = findApp(await io.loadModule(specifier), flags.export)
  const names = namesOf(app, only, specifier)
  const awake = setInterval(() => {}, AWAKE_MS)
  try {
    const close = (options: { readonly drainMs: number }): Promise<void> => app.close(options)
    const run = async (): Promise<Drained> => {
      const server = await start(app, names, at, tls)
      const text = flags.json ? jsonText(reportOf(app, names, server)) : linesOf(app, names, server).join('\n')
      return { text, inFlight: server && (() => server.stats().inFlight), close }
    }
    const giveUp = (): void => void close({ drainMs: flags.drainMs })
    return await runUntilSignal({ start: run, giveUp }, flags.drainMs, io)
  } finally {
    clearInterval(awake)
  }
}

/** What was started is stopped where the rest cannot be. */
async function start(
  app: App,
  names: readonly string[],
  at: string | undefined,
  tls: ReturnType<typeof serveOptions>['tls'],
): Promise<Server | undefined> {
  try {
    if (at !== undefined) return await app.serve(names, at, { tls })
    await app.ready()
    return undefined
  } catch (error) {
    await app.close({ drainMs: 0 })
    throw error
  }
}

/** The services that `--only` names; without it, all that the app does not place elsewhere. */
function namesOf(app: App, only: string | undefined, specifier: string): readonly string[] {
  const all = app.services.map(({ contract }) => contract.name)
  if (only === undefined) {
    const here = all.filter((name) => !app.places.has(name))
    if (here.length > 0) return here
    throw new WrongUse(`${specifier} places every service elsewhere: say with --only which are to run here`)
  }
  const names = only.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !all.includes(name))
  if (unknown === undefined) return names
  throw new WrongUse(`${specifier} has no service ${JSON.stringify(unknown)}; there is ${listNearest(all, unknown)}`)
}

/** The services that must run here: those that were named, and what they use and is not placed elsewhere. */
function runningHere(app: App, names: readonly string[]): ReadonlySet<string> {
  const byName = new Map(app.services.map((service) => [service.contract.name, service]))
  const here = new Set(names)
  for (const name of here) {
    // A set goes on with what is added to it meanwhile.
    const used = Object.values(byName.get(name)?.options.uses ?? {})
    for (const { name: other } of used) if (!app.places.has(other)) here.add(other)
  }
  return here
}

/** One line for each service, and how it ends. */
function linesOf(app: App, names: readonly string[], server: Server | undefined): string[] {
  const here = runningHere(app, names)
  const all = [...new Set([...app.services.map(({ contract }) => contract.name), ...app.places.keys()])]
  const width = Math.max(...all.map((name) => name.length))
  const whereOf = (name: string): string => {
    if (!here.has(name)) return app.places.has(name) ? `at ${app.places.get(name)}` : 'not here'
    return server && names.includes(name) ? `here, at ${server.url}` : 'here'
  }
  return [...all.map((name) => `${name.padEnd(width)}  ${whereOf(name)}`), '(Ctrl-C ends it)']
}

function reportOf(app: App, names: readonly string[], server: Server | undefined): object {
  const here = runningHere(app, names)
  const elsewhere = Object.fromEntries([...app.places].filter(([name]) => !here.has(name)))
  return { url: server?.url ?? null, services: server ? names : [], here: [...here], elsewhere }
}
