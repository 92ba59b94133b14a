/**
 * What a process did, line by line in a file of its own. Invariant: a line that `write` has returned from is there, whatever
 * becomes of the process; only the last one of a process that was killed may be cut.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'

/**
 * `call` and `settled` are a client's, `begin` and `end` a handler's; `wrong` is a finding of the process itself, and `over` its
 * last word when it ended in good order. A call is calm where it was made after the last fault, on a connection that met none.
 */
export type Entry =
  | { readonly what: 'call'; readonly id: string; readonly kind: string; readonly isCalm?: true | undefined }
  | { readonly what: 'settled'; readonly id: string; readonly code: string; readonly processed: string }
  | { readonly what: 'begin' | 'end'; readonly id: string }
  | { readonly what: 'wrong'; readonly text: string }
  | { readonly what: 'over' }

export class Journal {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`)
  }
}

export function readJournal(path: string): readonly Entry[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  lines.pop() // behind the last line break, or cut
  return lines.map((line) => JSON.parse(line) as Entry) // written above
}
