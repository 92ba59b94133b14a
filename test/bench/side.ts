/**
 * A process of the benchmark: it starts the task that it is named (tasks/) and answers what the parent asks of it.
 * Invariant: it ends when its parent does.
 */
export type Commands = Readonly<Record<string, (body: never) => unknown>>

export interface Question {
  readonly command: string
  readonly body: unknown
}

/** `ready` is the first; then there is one for each question, in their order. */
export type Answer = { readonly value: unknown } | { readonly error: string }

const reasonOf = (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
const say = (answer: Answer) => process.send?.(answer)

process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {}) // the terminal's ctrl-C is the parent's affair

try {
  const [task = '', ...args] = process.argv.slice(2)
  const module = (await import(`./tasks/${task}.ts`)) as { start(...args: string[]): Promise<Commands> } // all tasks have it
  const commands = await module.start(...args)
  process.on('message', async ({ command, body }: Question) => {
    try {
      say({ value: await commands[command]?.(body as never) }) // the parent asks what the task takes
    } catch (error) {
      say({ error: reasonOf(error) })
    }
  })
  say({ value: 'ready' })
} catch (error) {
  process.send?.({ error: reasonOf(error) } satisfies Answer, () => process.exit(1))
}
