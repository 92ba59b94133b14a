/** Lines on stderr. Invariant: whoever reads them, or does not any more, the process goes on. */

let isGuarded = false

/** Where nobody reads stderr any more, a write fails later, by an event that would end the process. */
function guard(): void {
  if (isGuarded) return
  isGuarded = true
  globalThis.process?.stderr?.on?.('error', () => {}) // a browser has no process
}

/** One line, for whoever runs the program. */
export function printLine(line: string): void {
  guard()
  try {
    console.error(line)
  } catch {
    // There is nowhere left to say it.
  }
}
