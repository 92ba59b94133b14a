/** A process of the benchmark: it answers by the commands of the task that it is named (tasks/). */
import { answer, type Commands } from '../support/answer.ts'

const [task = '', ...args] = process.argv.slice(2)

async function start(): Promise<Commands> {
  const module = (await import(`./tasks/${task}.ts`)) as { start(...args: string[]): Promise<Commands> } // all tasks have it
  return module.start(...args)
}

await answer(start())
