/** `nanowire serve`: the services of a module at an address, until a signal drains them (spec/cli.md). */
import { findRoutable, servicesOf } from './find.ts'
import type { Io, Signal } from './io.ts'
import { jsonText } from './print.ts'

export interface ServeFlags {
  readonly at: string
  readonly export?: string | undefined
  readonly drainMs: number
  readonly json?: true | undefined
}

/** A terminal's Ctrl-C reaches a command under `npx` twice: from the terminal and from npm, which passes it on. */
const SAME_PRESS_MS = 500

/** What a shell says of a process that a signal has ended. */
const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/** Returns the exit code, once the last call has ended or a second signal has come. */
export async function runServe(specifier: string, flags: ServeFlags, io: Io): Promise<number> {
  const module = await io.loadModule(specifier)
  const routable = findRoutable(module, flags.export)
  const services = servicesOf(routable).map((service) => service.contract.name)
  const server = await module.library.serve(routable, flags.at)
  const { url } = server
  io.out(flags.json ? jsonText({ url, services }) : `serving ${services.join(', ')} at ${url} (Ctrl-C ends it)`)

  let firstAt: number | undefined
  return new Promise((resolve, reject) => {
    const stopListening = io.onSignal((signal) => {
      if (firstAt !== undefined) {
        if (io.now() - firstAt >= SAME_PRESS_MS) resolve(exitCodes[signal])
        return
      }
      firstAt = io.now()
      const { inFlight } = server.stats()
      const calls = `${inFlight} ${inFlight === 1 ? 'call' : 'calls'} in flight`
      io.err(`${signal}: draining, ${calls}, at most ${flags.drainMs} ms (once more ends at once)`)
      server.close({ drainMs: flags.drainMs }).then(() => {
        stopListening()
        resolve(0)
      }, reject)
    })
  })
}
