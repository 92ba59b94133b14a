/**
 * Programs that a test starts and that not every machine has (spec/testing.md): without one its tests are skipped, loudly
 * and counted; where NANOWIRE_NO_SKIP is set, as in .ci/run, that is a failure.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Whether a program is in the PATH.
 * @throws Error where it is not, and nothing may be skipped
 * @example `describe.skipIf(!needs('tshark'))('the dissector', …)`
 */
export function needs(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  if (folders.some((folder) => isExecutable(join(folder, program)))) return true
  const message = `${program} is not installed: what needs it is not tested`
  if (process.env['NANOWIRE_NO_SKIP']) throw new Error(`${message}, and NANOWIRE_NO_SKIP forbids that`)
  console.warn(`SKIPPED: ${message}`)
  return false
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
