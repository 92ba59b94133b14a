/**
 * A process that answers what its parent asks (child.ts). Invariant: each question has one answer, whatever becomes of it, and the
 * process ends when its parent does.
 */

/** What may be asked, by name. Bodies and results are what JSON can say. */
export type Commands = Readonly<Record<string, (body: never) => unknown>>

export interface Question {
  readonly id: number
  readonly command: string
  readonly body: unknown
}

export interface Failure {
  readonly message: string
  /** Of the process in which it happened. */
  readonly stack?: string | undefined
}

/** To one question each, but for the first, of the id READY: that the process can be asked, or why it never will be. */
export type Answer = { readonly id: number } & ({ readonly value?: unknown } | { readonly error: Failure })

export const READY = 0

/** Answers by these commands, as soon as they are there; a process that has none ends. */
export async function answer(commands: Commands | Promise<Commands>): Promise<void> {
  process.on('disconnect', () => process.exit())
  process.on('SIGINT', () => {}) // the terminal's ctrl-C is the parent's affair
  try {
    const known = await commands
    process.on('message', (question: Question) => void reply(known, question))
    say({ id: READY })
  } catch (error) {
    say({ id: READY, error: failureOf(error) }, () => process.exit(1))
  }
}

async function reply(commands: Commands, { id, command, body }: Question): Promise<void> {
  try {
    const run = commands[command]
    if (run === undefined) throw new Error(`there is no command ${command}`)
    say({ id, value: await run(body as never) }) // the parent asks what the command takes
  } catch (error) {
    say({ id, error: failureOf(error) })
  }
}

/** To a parent that has gone nothing is said. */
function say(answer: Answer, then: () => void = () => {}): void {
  process.send?.(answer, then)
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) }
  return { message: `${error.name}: ${error.message}`, stack: error.stack }
}
