/** `nanowire serve`: the services of a module at an address, until a signal drains them (spec/cli.md). */
import { serveOptions, type TlsFlags } from './connect-flags.ts'
import { drainOnSignal } from './drain.ts'
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
  const server = await module.library.serve(routable, flags.at, options)
  const { url } = server
  io.out(flags.json ? jsonText({ url, services }) : `serving ${services.join(', ')} at ${url} (Ctrl-C ends it)`)
  const inFlight = (): number => server.stats().inFlight
  return await drainOnSignal({ inFlight, close: (options) => server.close(options) }, flags.drainMs, io)
}
