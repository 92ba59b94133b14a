/** `nanowire serve`: the services of a module at an address, until a signal drains them (spec/cli.md). */
import { serveOptions, type TlsFlags } from './connect-flags.ts'
import { type Drained, runUntilSignal } from './drain.ts'
import { findRoutable, servicesOf } from './find.ts'
import type { Io } from './io.ts'
import { jsonText } from './print.ts'

export interface ServeFlags extends TlsFlags {
  readonly at: string
  readonly export?: string | undefined
  readonly drainMs: number
  readonly json?: true | undefined
}

/** Returns the exit code, once the last call has ended or a second signal has come. */
export async function runServe(specifier: string, flags: ServeFlags, io: Io): Promise<number> {
  const options = serveOptions(flags, io)
  const module = await io.loadModule(specifier)
  const routable = findRoutable(module, flags.export)
  const services = servicesOf(routable).map((service) => service.contract.name)
  const controller = new AbortController()
  const start = async (): Promise<Drained> => {
    const { signal } = controller
    const server = await module.library.serve(routable, flags.at, { ...options, signal })
    const { url } = server
    const text = flags.json ? jsonText({ url, services }) : `serving ${services.join(', ')} at ${url} (Ctrl-C ends it)`
    return { text, inFlight: () => server.stats().inFlight, close: (given) => server.close(given) }
  }
  return await runUntilSignal({ start, giveUp: () => controller.abort() }, flags.drainMs, io)
}
