/**
 * Runs until a signal: the first gives up a start or drains what runs, a second one ends at once (spec/cli.md). Invariant:
 * whatever has started is stopped before the end, but for a second signal.
 */
import type { Io, Signal } from './io.ts'

/** What runs, and a signal drains. */
export interface Drained {
  /** Printed when it runs. */
  readonly text: string
  /** Calls whose handlers have not ended; absent where nobody counts them. */
  readonly inFlight?: (() => number) | undefined
  close(options: { readonly drainMs: number }): Promise<void>
}

/** What is to run. */
export interface Startable {
  /** Rejects where something cannot start, and then nothing has. */
  start(): Promise<Drained>
  /** Ends the start: it rejects soon. */
  giveUp(): void
}

/** A terminal's Ctrl-C reaches a command under `npx` twice: from the terminal and from npm, which passes it on. */
const SAME_PRESS_MS = 500

/** What a shell says of a process that a signal has ended. */
export const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Returns the exit code: 0 once what runs has ended, the signal's where the start was given up or a second one has come.
 * @throws what `start` throws
 */
export async function runUntilSignal(what: Startable, drainMs: number, io: Io): Promise<number> {
  const signals = new Signals(io)
  try {
    return await Promise.race([signals.second, startAndDrain(what, drainMs, signals, io)])
  } finally {
    signals.stopListening()
  }
}

async function startAndDrain(what: Startable, drainMs: number, signals: Signals, io: Io): Promise<number> {
  signals.onFirst = (signal) => {
    io.err(`${signal}: giving up the start (once more ends at once)`)
    what.giveUp()
  }
  let started: Drained
  try {
    started = await what.start()
  } catch (error) {
    if (signals.first === undefined) throw error
    return exitCodes[signals.first]
  }
  if (signals.first === undefined) return await drainOnSignal(started, drainMs, signals, io)
  await started.close({ drainMs: 0 }) // it was there before it could be given up
  return exitCodes[signals.first]
}

function drainOnSignal({ text, inFlight, close }: Drained, drainMs: number, signals: Signals, io: Io): Promise<number> {
  const drained = new Promise<number>((resolve, reject) => {
    signals.onFirst = (signal) => {
      const count = inFlight?.()
      const calls = count === undefined ? '' : `, ${count} ${count === 1 ? 'call' : 'calls'} in flight`
      io.err(`${signal}: draining${calls}, at most ${drainMs} ms (once more ends at once)`)
      close({ drainMs }).then(() => resolve(0), reject)
    }
  })
  io.out(text)
  return drained
}

class Signals {
  first: Signal | undefined
  onFirst = (_: Signal): void => {}
  /** The exit code of a second press. */
  readonly second: Promise<number>
  stopListening = (): void => {}

  constructor(io: Io) {
    let firstAt = 0
    this.second = new Promise((resolve) => {
      this.stopListening = io.onSignal((signal) => {
        if (this.first === undefined) {
          this.first = signal
          firstAt = io.now()
          this.onFirst(signal)
        } else if (io.now() - firstAt >= SAME_PRESS_MS) resolve(exitCodes[signal])
      })
    })
  }
}
