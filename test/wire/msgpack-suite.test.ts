/**
 * The package msgpack-test-suite, whole: each of its values in each of its forms is read as it says, or stands on the
 * list of what strict MessagePack refuses; and what `pack` writes is one of the suite's forms.
 */
import { deepStrictEqual } from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { pack, unpack } from '../../src/wire/index.ts'
import type { StrictRule } from '../../src/wire/strict.ts'
import { outcomeOf } from './slow-msgpack.ts'

type Entry = { readonly msgpack: readonly string[] } & Readonly<Record<string, unknown>>

const suite: Readonly<Record<string, readonly Entry[]>> = createRequire(import.meta.url)(
  'msgpack-test-suite/dist/msgpack-test-suite.json',
)

/** What is refused, by rule and with its reason. */
const refused: Readonly<Record<string, readonly [StrictRule, string]>> = {
  '60.ext.yaml': [
    'extension_refused',
    'M12: an application defines no extensions of its own; what it has to say is in its schema',
  ],
}

/** Forms that the suite has for a value, and `pack` another one that is as good. */
const writtenOtherwise: Readonly<Record<string, string>> = {
  'd7-ff-00-00-00-01-00-00-00-00':
    'msgpackr takes 12 bytes from the second 2^32 (in 2106) on, where 8 would do to 2^34',
}

const limits = { maxDepth: 64, maxNodes: 1000 }

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('-', ''), 'hex')
}

/** The suite's value, as it is read from the form that begins with `token`. */
function expected(entry: Entry, token: number | undefined): unknown {
  if ('binary' in entry) return Uint8Array.from(bytesOf(String(entry['binary'])))
  if ('timestamp' in entry) {
    const [seconds, nanoseconds] = entry['timestamp'] as readonly [number, number] // the suite's form of an instant
    return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6)) // M16
  }
  const number = entry['bignum'] ?? entry['number']
  if (number !== undefined) return token === 0xcf || token === 0xd3 ? BigInt(String(number)) : Number(number) // M7
  return Object.entries(entry).find(([name]) => name !== 'msgpack')?.[1]
}

const cases = Object.entries(suite).flatMap(([file, entries]) =>
  entries.flatMap((entry) => entry.msgpack.map((hex) => ({ file, entry, hex }))),
)

describe('msgpack-test-suite', () => {
  it('is here', () => {
    expect(Object.keys(suite)).toHaveLength(15)
    expect(cases.length).toBeGreaterThan(200)
  })

  it.each(cases.filter(({ file }) => !refused[file]))('reads $hex ($file)', ({ entry, hex }) => {
    const bytes = bytesOf(hex)
    deepStrictEqual(unpack(bytes, 0, bytes.length, limits), expected(entry, bytes[0]))
  })

  it.each(cases.filter(({ file }) => refused[file]))('M12: refuses $hex ($file)', ({ file, hex }) => {
    const bytes = bytesOf(hex)
    const outcome = outcomeOf(() => unpack(bytes, 0, bytes.length, limits))
    expect(outcome).toMatchObject({ rule: refused[file]?.[0], offset: 0 })
  })

  it.each(cases.filter(({ file }) => !refused[file]))(
    'M17: writes one of its forms for what $hex says ($file)',
    ({ entry, hex }) => {
      const value = expected(entry, bytesOf(hex)[0])
      const isCoarse = Array.isArray(entry['timestamp']) && entry['timestamp'][1] % 1e6 !== 0
      const isOtherwise = writtenOtherwise[hex] !== undefined
      const bytes = pack(value)
      const forms = entry.msgpack.map((form) => bytesOf(form).toString('hex'))
      if (isCoarse || isOtherwise)
        deepStrictEqual(unpack(bytes, 0, bytes.length, limits), value) // in a Date, the rest of the nanoseconds is gone
      else expect(forms).toContain(Buffer.from(bytes).toString('hex'))
    },
  )
})
