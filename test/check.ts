/**
 * `npm run check`: everything that is judged without running the product. All `check:` scripts of package.json run in
 * their order (the build first, for the last ones judge it) even if one fails; each gets a line, and what a failed one
 * said follows it. Invariant: the last line is `N passed, N failed`, true to the exit code.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
const checks = Object.entries(scripts).filter(([name]) => name.startsWith('check:'))

let failed = 0
for (const [name, command] of checks) {
  // The environment is npm's, so the commands of the development dependencies are found.
  const { status, stdout, stderr } = spawnSync(command, { shell: true, encoding: 'utf8' })
  if (status !== 0) failed++
  console.log(status === 0 ? `✓ ${name}` : `✗ ${name} (${command})\n${stdout}${stderr}`)
}
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
