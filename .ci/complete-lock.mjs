/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out of it. npm does that when the
 * registry at hand does not have them, and `npm ci` then refuses the file: `npm run complete-lock` mends it. Another
 * lock file than the root's is named as an argument.
 * Invariant: whatever a locked package names as optional is locked too (test/package/lock.test.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']
const ALIASES = { macos: 'darwin', windows: 'win32', armv7: 'arm', ppc64le: 'ppc64', x86_64: 'x64', aarch64: 'arm64' }
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl', eabihf: 'glibc' }

/** What a platform package's name says of where it runs: `@rollup/rollup-linux-x64-musl`. */
function readPlatform(name) {
  const words = name.split(/[/-]/).map((word) => ALIASES[word] ?? word)
  const os = words.filter((word) => OS.includes(word))
  const cpu = words.filter((word) => CPU.includes(word))
  const libc = os.includes('linux') ? words.flatMap((word) => LIBC[word] ?? []) : []
  return {
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    ...(os.length > 0 ? { os } : {}),
  }
}

const path = fileURLToPath(new URL(`../${process.argv[2] ?? 'package-lock.json'}`, import.meta.url))
const lock = JSON.parse(readFileSync(path, 'utf8'))
const isLocked = (from, name) => {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at}${at === '' ? '' : '/'}node_modules/${name}`] !== undefined) return true
    if (at === '') return false
  }
}

const added = {}
for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(from, name)) continue
    const platform = readPlatform(name)
    if (platform.os === undefined) throw new Error(`cannot tell the platform of ${name}: lock it by hand`)
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name}@${version} is no exact version: lock it by hand`)
    const owner = lock.packages[`node_modules/${name}`] ?? added[`node_modules/${name}`]
    const at = owner === undefined || owner.version === version ? '' : `${from}/`
    added[`${at}node_modules/${name}`] = {
      version,
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
      ...platform,
    }
  }
}

const byPath = ([a], [b]) => a.localeCompare(b, 'en')
lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...added }).sort(byPath))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${Object.keys(added).length} packages added to ${path}`)
