/** The package's version, from its package.json, which lies above the sources as above what is built of them. */
import { existsSync, readFileSync } from 'node:fs'

export function readVersion(): string {
  const candidates = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url))
  const found = candidates.find((url) => existsSync(url))
  const manifest: unknown = found && JSON.parse(readFileSync(found, 'utf8'))
  const isRecord = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isRecord ? String(manifest.version) : 'unknown'
}
