/** The tasks of the benchmark (tasks/), each in a process of its own: plain JavaScript, as prepare.ts bundles it. */
import { Child, type ChildOptions } from '../support/child.ts'

const script = new URL('dist/side.js', import.meta.url)

/** Resolves when the task can be asked. */
export function startTask(
  task: string,
  args: readonly string[] = [],
  { core, nodeOptions = ['--expose-gc'] }: Pick<ChildOptions, 'core' | 'nodeOptions'> = {},
): Promise<Child> {
  const name = [task, ...args].join(' ')
  return Child.start({ name, script, args: [task, ...args], nodeOptions, core, env: { NODE_ENV: 'production' } })
}
