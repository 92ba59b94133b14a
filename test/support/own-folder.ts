/** Folders for what one process makes and no other uses. Invariant: each goes with its process, or with the next one that asks. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** That of this process within `parent`, which need not be there yet. Of processes that were ended by force it removes theirs. */
export function ownFolder(parent: string): string {
  mkdirSync(parent, { recursive: true })
  for (const name of readdirSync(parent)) if (/^\d+$/.test(name) && !isRunning(Number(name))) remove(join(parent, name))
  const own = join(parent, String(process.pid))
  process.once('exit', () => remove(own))
  return own
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' // Node's own errors have one; another user's process runs too
  }
}
