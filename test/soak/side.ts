/**
 * A process of the soak: it answers what its parent asks, and ends when its parent does. What both sides of the soak say of
 * their memory is here too.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Question {
  readonly id: number
  readonly command: string
  readonly body: unknown
}

export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string })

export interface Memory {
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly externalBytes: number
}

/** What is there when nothing is under way. */
export interface Rest {
  /** Of the heap and beside it, after a collection. */
  readonly liveBytes: number
  /** What keeps the process alive, with how often. */
  readonly resources: Readonly<Record<string, number>>
}

// biome-ignore lint/suspicious/noExplicitAny: each command knows its body
export type Commands = Readonly<Record<string, (body: any) => unknown>>

export function answer(commands: Commands): void {
  process.on('disconnect', () => process.exit())
  process.on('SIGINT', () => {}) // the terminal's ctrl-C is the parent's affair
  process.on('message', async ({ id, command, body }: Question) => {
    try {
      process.send?.({ id, value: await commands[command]?.(body) } satisfies Answer)
    } catch (error) {
      process.send?.({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies Answer)
    }
  })
  process.send?.({ id: 0, value: 'ready' } satisfies Answer)
}

export function lookAtMemory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external }
}

/** Resources that Node keeps for a while whatever a library does. */
const PASSING = new Set(['Immediate', 'PipeWrap', 'TTYWrap'])

export async function lookAtRest(): Promise<Rest> {
  for (let turn = 0; turn < 20; turn++) {
    await nextTurn()
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo().sort()) {
    if (!PASSING.has(name)) resources[name] = (resources[name] ?? 0) + 1
  }
  return { liveBytes: heapUsed + external, resources }
}
