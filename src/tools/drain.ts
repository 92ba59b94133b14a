/** Runs until a signal: the first drains, a second one ends at once (spec/cli.md). */
import type { Io, Signal } from './io.ts'

/** What a signal drains. */
export interface Drained {
  /** Calls whose handlers have not ended; absent where nobody counts them. */
  readonly inFlight?: (() => number) | undefined
  close(options: { readonly drainMs: number }): Promise<void>
}

/** A terminal's Ctrl-C reaches a command under `npx` twice: from the terminal and from npm, which passes it on. */
const SAME_PRESS_MS = 500

/** What a shell says of a process that a signal has ended. */
const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/** Returns the exit code, once what runs has ended or a second signal has come. */
export function drainOnSignal(running: Drained, drainMs: number, io: Io): Promise<number> {
  let firstAt: number | undefined
  return new Promise((resolve, reject) => {
    const stopListening = io.onSignal((signal) => {
      if (firstAt !== undefined) {
        if (io.now() - firstAt >= SAME_PRESS_MS) resolve(exitCodes[signal])
        return
      }
      firstAt = io.now()
      const inFlight = running.inFlight?.()
      const calls = inFlight === undefined ? '' : `, ${inFlight} ${inFlight === 1 ? 'call' : 'calls'} in flight`
      io.err(`${signal}: draining${calls}, at most ${drainMs} ms (once more ends at once)`)
      running.close({ drainMs }).then(() => {
        stopListening()
        resolve(0)
      }, reject)
    })
  })
}
