/**
 * The fuzzer's native part on systems that are older than the one it was built on. It asks for glibc 2.38 and libstdc++ 13, of which it
 * needs nothing that older ones lack: `__isoc23_strtol` and `__isoc23_strtoul` are `strtol` and `strtoul`, and the third name is never
 * called. A copy says so; the package stays as it is. Invariant: what is not one of these names is not touched, and then nothing loads.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { outputFolder } from './build.ts'

/** Of the package that has it, which is one of the fuzzer's own. */
const addonFolder = dirname(
  createRequire(createRequire(import.meta.url).resolve('@jazzer.js/core')).resolve('@jazzer.js/fuzzer/package.json'),
)

const VERSYM = 0x6fff_ffff
const VERNEED = 0x6fff_fffe
const DYNSYM = 11
const WEAK_VERSION = 2
const WEAK_SYMBOL = 2
const UNVERSIONED = 1
const NEWER = /^(GLIBC_2\.38|GLIBCXX_3\.4\.3[12])$/
const C23 = '__isoc23_'
/** Only makes the linker look for a new libstdc++. */
const NEVER_CALLED = '_ZSt21ios_base_library_initv'

/**
 * What node must be given for the fuzzer's native part to load: nothing on a system that is new enough.
 * @throws Error where it cannot load
 */
export function nodeArguments(): string[] {
  const first = tryLoading([])
  if (first === undefined) return []
  if (!/version `GLIBC/.test(first)) throw new Error(`the fuzzer's native part does not load: ${first}`)
  const original = join(addonFolder, 'prebuilds', `fuzzer-${process.platform}-${process.arch}.node`)
  mkdirSync(outputFolder, { recursive: true })
  const copy = join(outputFolder, 'fuzzer.node')
  writeWhole(copy, withoutNewNames(readFileSync(original)))
  const hook = join(outputFolder, 'addon.cjs')
  writeWhole(hook, hookText(original, copy))
  const again = tryLoading(['--require', hook])
  if (again !== undefined) throw new Error(`the fuzzer's native part does not load, nor does its copy: ${again}`)
  return ['--require', hook]
}

/** Takes the place of what stands there at once and whole: another run has it loaded, and this one may be cut short. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const own = `${path}.${process.pid}`
  writeFileSync(own, content)
  renameSync(own, path)
}

function hookText(original: string, copy: string): string {
  return [
    'const { dlopen } = process',
    `process.dlopen = (module, path, ...rest) => dlopen(module, path === ${JSON.stringify(original)} ? ${JSON.stringify(copy)} : path, ...rest)`,
    '',
  ].join('\n')
}

/** What stood in the way, or `undefined`. */
function tryLoading(args: readonly string[]): string | undefined {
  const script = `require(${JSON.stringify(addonFolder)})`
  const { status, stderr } = spawnSync(process.execPath, [...args, '-e', script], { encoding: 'utf8' })
  return status === 0 ? undefined : (/^Error: .*$/m.exec(stderr)?.[0] ?? stderr)
}

interface Section {
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
}

/** The first bytes of an ELF file of 64 bits, little-endian. */
const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])

/** A shared object that does not ask for the newer libraries any more. */
function withoutNewNames(original: Buffer): Buffer {
  if (!original.subarray(0, ELF.length).equals(ELF)) throw new Error("the fuzzer's native part is no ELF of 64 bits")
  const elf = Buffer.from(original)
  const sections = sectionsOf(elf)
  const [symbols, versions, needs] = [DYNSYM, VERSYM, VERNEED].map((type) => sections.find((one) => one.type === type))
  const names = symbols && sections[symbols.link]
  if (!symbols || !versions || !needs || !names) throw new Error("the fuzzer's native part has no table of versions")
  const newer = loosenVersions(elf, needs, names)
  for (let index = 0; index * 24 < symbols.size; index++) {
    const versionAt = versions.offset + 2 * index
    if (!newer.has(elf.readUInt16LE(versionAt))) continue
    const at = symbols.offset + 24 * index
    const name = textAt(elf, names.offset + elf.readUInt32LE(at))
    if (name.startsWith(C23)) elf.writeUInt32LE(elf.readUInt32LE(at) + C23.length, at)
    else if (name === NEVER_CALLED) elf.writeUInt8((elf.readUInt8(at + 4) & 0x0f) | (WEAK_SYMBOL << 4), at + 4)
    else throw new Error(`the fuzzer's native part needs ${name} of a newer system`)
    elf.writeUInt16LE(UNVERSIONED, versionAt)
  }
  return elf
}

function sectionsOf(elf: Buffer): Section[] {
  const at = Number(elf.readBigUInt64LE(40))
  const size = elf.readUInt16LE(58)
  return Array.from({ length: elf.readUInt16LE(60) }, (_, index) => {
    const header = at + index * size
    return {
      type: elf.readUInt32LE(header + 4),
      offset: Number(elf.readBigUInt64LE(header + 24)),
      size: Number(elf.readBigUInt64LE(header + 32)),
      link: elf.readUInt32LE(header + 40),
    }
  })
}

/** Makes the newer versions optional. Returns the numbers by which symbols name them. */
function loosenVersions(elf: Buffer, needs: Section, names: Section): ReadonlySet<number> {
  const numbers = new Set<number>()
  for (let file = needs.offset, next = 1; next > 0; file += next) {
    let version = file + elf.readUInt32LE(file + 8)
    for (let count = elf.readUInt16LE(file + 2); count > 0; count--) {
      if (NEWER.test(textAt(elf, names.offset + elf.readUInt32LE(version + 8)))) {
        elf.writeUInt16LE(elf.readUInt16LE(version + 4) | WEAK_VERSION, version + 4)
        numbers.add(elf.readUInt16LE(version + 6))
      }
      version += elf.readUInt32LE(version + 12)
    }
    next = elf.readUInt32LE(file + 12)
  }
  return numbers
}

function textAt(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}
