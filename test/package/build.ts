/**
 * Builds `dist` when it is missing or older than what it is built from: before `npm start`, before the tests of what is
 * shipped (vitest's globalSetup) and before `npm run check`. Invariant: afterwards dist is what the sources say.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const tsup = join(root, 'node_modules/tsup/dist/cli-default.js')
const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsup.config.ts']

/** When anything in a folder last changed; a file that was removed shows in its folder's own time. */
function lastChange(folder: string): number {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? lastChange(path) : statSync(path).mtimeMs
  })
  return Math.max(statSync(folder).mtimeMs, ...times)
}

function isFresh(): boolean {
  // The declarations are written last: a build that stopped half-way has none.
  const last = join(root, 'dist/index.d.ts')
  if (!existsSync(last)) return false
  const changed = [lastChange(join(root, 'src')), ...settings.map((name) => statSync(join(root, name)).mtimeMs)]
  return statSync(last).mtimeMs > Math.max(...changed)
}

export default function build(): void {
  if (isFresh()) return
  console.error('building dist …')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsup], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the build failed\n${stdout}\n${stderr}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build()
