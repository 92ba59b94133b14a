/** The strict walk against spec/msgpack.md: each rule just below and just above, and hostile bytes of every kind. */
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findIllFormedText } from '../../src/wire/octets.ts'
import { StrictError, type StrictRule, type WalkLimits, walkStrict } from '../../src/wire/strict.ts'
import { PATIENCE_MS, runs } from '../support/runs.ts'
import { strictMessage } from './arbitrary-msgpack.ts'
import { outcomeOf, slowUnpack } from './slow-msgpack.ts'

const limits: WalkLimits = { maxDepth: 64, maxNodes: 524_288 }
const UNBOUNDED: WalkLimits = { maxDepth: 512, maxNodes: 2 ** 30 }
const MIB = 1024 * 1024

function bytesOf(...parts: (string | readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => [...(typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)]),
  )
}

function walk(bytes: Uint8Array, within: WalkLimits = limits): void {
  walkStrict(bytes, 0, bytes.length, within)
}

function accepts(hex: string): void {
  expect(
    outcomeOf(() => walk(bytesOf(hex))),
    hex,
  ).toEqual({ value: undefined })
}

function refuses(bytes: string | Uint8Array, rule: StrictRule, offset: number, within: WalkLimits = limits): void {
  const limit = { too_deep: 'maxDepth', too_many_nodes: 'maxNodes' }[rule as string] // undefined for the others
  expect(
    outcomeOf(() => walk(typeof bytes === 'string' ? bytesOf(bytes) : bytes, within)),
    String(bytes).slice(0, 60),
  ).toEqual({ rule, offset, limit })
}

describe('the walk', () => {
  it('M1: takes one value, and nothing after it', () => {
    accepts('c0')
    accepts('92 01 02')
    refuses('c0 c0', 'trailing_bytes', 1)
    refuses('92 01 02 03', 'trailing_bytes', 3)
  })

  it('M1, M2: refuses no value at all', () => {
    refuses('', 'truncated', 0)
  })

  it('M2: takes every fixed-length format whole, and refuses it a byte short', () => {
    const formats = ['cc', 'cd', 'ce', 'cf', 'd0', 'd1', 'd2', 'd3', 'ca', 'cb']
    const widths = [1, 2, 4, 8, 1, 2, 4, 8, 4, 8]
    for (const [index, format] of formats.entries()) {
      const width = widths[index] ?? 0
      accepts(`91 ${format}${'00'.repeat(width)}`)
      refuses(`91 ${format}${'00'.repeat(width - 1)}`, 'truncated', 1)
    }
    for (const hex of ['00', '7f', 'e0', 'ff', 'c0', 'c2', 'c3']) accepts(hex)
  })

  it('M2: refuses a header without its whole length, and a container without its last value', () => {
    for (const format of [
      'c4',
      'c5 00',
      'c6 00 00 00',
      'd9',
      'da 00',
      'db 00 00 00',
      'dc 00',
      'dd 00 00 00',
      'de 00',
      'df 00 00 00',
    ]) {
      refuses(format, 'truncated', 0)
    }
    for (const format of ['c7', 'c8 00', 'c9 00 00 00', 'c7 04', 'd6', 'd6 ff 00 00 00', 'c7 0c ff 00'])
      refuses(format, 'truncated', 0)
    refuses('92 cd 00 01', 'truncated', 4) // both bytes that the array of two needs at least are one value's
    refuses('82 a2 61 62 01', 'truncated', 5) // likewise: a key should begin
    refuses('81 a1 61', 'truncated', 3)
  })

  it('M3: refuses the byte c1', () => {
    refuses('c1', 'reserved_byte', 0)
    refuses('92 01 c1', 'reserved_byte', 2)
    refuses('81 a1 61 c1', 'reserved_byte', 3)
  })

  it.each([
    ['array', '92', '93', '01 01'],
    ['array 16', 'dc 00 02', 'dc 00 03', '01 01'],
    ['array 32', 'dd 00 00 00 02', 'dd 00 00 00 03', '01 01'],
    ['map', '81', '82', 'a0 01'],
    ['map 16', 'de 00 01', 'de 00 02', 'a0 01'],
    ['map 32', 'df 00 00 00 01', 'df 00 00 00 02', 'a0 01'],
    ['str', 'a2', 'a3', '61 61'],
    ['str 8', 'd9 02', 'd9 03', '61 61'],
    ['str 16', 'da 00 02', 'da 00 03', '61 61'],
    ['str 32', 'db 00 00 00 02', 'db 00 00 00 03', '61 61'],
    ['bin 8', 'c4 02', 'c4 03', '61 61'],
    ['bin 16', 'c5 00 02', 'c5 00 03', '61 61'],
    ['bin 32', 'c6 00 00 00 02', 'c6 00 00 00 03', '61 61'],
  ])('M4: %s counts no more than the bytes that remain can hold', (_, fits, exceeds, rest) => {
    accepts(`${fits} ${rest}`)
    refuses(`${exceeds} ${rest}`, 'count_too_large', 0)
    refuses(`91 ${exceeds} ${rest}`, 'count_too_large', 1)
  })

  it('M4: refuses the largest lies at once, before depth and nodes', () => {
    for (const lie of [
      'dd ff ff ff ff',
      'df ff ff ff ff',
      'df 80 00 00 00',
      'c6 ff ff ff ff',
      'db ff ff ff ff',
      'dc ff ff',
      'de ff ff',
    ]) {
      refuses(`${lie} c0`, 'count_too_large', 0, { maxDepth: 0, maxNodes: 1 })
    }
  })

  it('M5: takes maps and arrays maxDepth deep, and no deeper', () => {
    for (const maxDepth of [1, 2, 64, 512]) {
      const within = { ...limits, maxDepth }
      for (const level of ['91', '81 a1 61', 'dc 00 01', 'df 00 00 00 01 a0']) {
        const step = bytesOf(level)
        walk(bytesOf(...new Array<Uint8Array>(maxDepth).fill(step), 'c0'), within)
        for (const innermost of ['90', '80', '91 c0', '81 a0 c0', 'dc 00 00']) {
          refuses(
            bytesOf(...new Array<Uint8Array>(maxDepth).fill(step), innermost),
            'too_deep',
            maxDepth * step.length,
            within,
          )
        }
      }
    }
  })

  it('M5: counts what is around a value, not what was before it', () => {
    const within = { ...limits, maxDepth: 2 }
    walk(bytesOf('93 91 01 91 02 81 a1 61 03'), within)
    refuses('93 91 01 91 91 02 c0', 'too_deep', 4, within)
  })

  it('M6: takes maxNodes values, keys included, and no more', () => {
    walk(bytesOf('c0'), { maxDepth: 1, maxNodes: 1 })
    for (const [hex, nodes, offset] of [
      ['92 01 02', 3, 0],
      ['81 a1 61 01', 3, 0],
      ['92 90 90', 3, 0],
      ['92 92 01 02 80', 5, 1],
      ['92 01 82 a1 61 01 a1 62 02', 7, 2],
    ] as const) {
      walk(bytesOf(hex), { maxDepth: 64, maxNodes: nodes })
      refuses(hex, 'too_many_nodes', offset, { maxDepth: 64, maxNodes: nodes - 1 })
    }
  })

  it('M7: takes every form of a number, the longer ones too', () => {
    for (const hex of [
      'cc 01',
      'cd 00 01',
      'ce 00 00 00 01',
      'cf 00 00 00 00 00 00 00 01',
      'd0 01',
      'd3 00 00 00 00 00 00 00 01',
    ])
      accepts(hex)
    for (const hex of ['ca 7f c0 00 00', 'ca ff ff ff ff', 'cb 7f f8 00 00 00 00 00 00', 'cb 80 00 00 00 00 00 00 00'])
      accepts(hex)
  })

  it('M8: agrees with the platform about what is UTF-8, at every boundary of the table', () => {
    const seconds = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    const others = [0x7f, 0x80, 0xbf, 0xc0]
    const disagreements: string[] = []
    for (let lead = 0; lead < 256; lead++) {
      for (const second of seconds) {
        for (const third of others) {
          for (const fourth of others) {
            const bytes = Uint8Array.of(lead, second, third, fourth)
            for (let length = 1; length <= 4; length++) {
              const isText = findIllFormedText(bytes, 0, length) === -1
              if (isText !== isUtf8(bytes.subarray(0, length))) disagreements.push(`${length} of ${bytes}`)
            }
          }
        }
      }
    }
    expect(disagreements).toEqual([])
  })

  it('M8: names the first byte of the first bad sequence', () => {
    refuses('a3 61 c0 80', 'bad_utf8', 2) // overlong
    refuses('a4 61 ed a0 80', 'bad_utf8', 2) // half of a surrogate pair
    refuses('a5 61 f4 90 80 80', 'bad_utf8', 2) // above U+10FFFF
    refuses('a3 61 e2 82', 'bad_utf8', 2) // cut by the end of the text, though a byte follows
    for (const cut of ['92 a1 c3 80', '92 a2 e2 82 ac', '92 a3 f0 9f 98 80']) refuses(cut, 'bad_utf8', 2)
    refuses('81 a1 ff 01', 'bad_utf8', 2) // keys too
    refuses(bytesOf('d9 ff', Buffer.from('x'.repeat(254)), 'ff'), 'bad_utf8', 256)
  })

  it('M9: takes keys that are strings of any form, and no others', () => {
    for (const key of ['a1 61', 'a0', 'd9 01 61', 'da 00 01 61', 'db 00 00 00 01 61', 'a1 00']) accepts(`81 ${key} c0`)
    for (const key of [
      '01',
      'c0',
      'c4 01 61',
      '90',
      '80',
      'cf 00 00 00 00 00 00 00 00',
      'd6 ff 00 00 00 00',
      'ff',
      'c1',
    ]) {
      refuses(`81 ${key} c0`, 'key_not_string', 1)
    }
  })

  it('M10: refuses the key __proto__ in every form, and not its neighbours', () => {
    const proto = Buffer.from('__proto__').toString('hex')
    refuses(`81 a9 ${proto} c0`, 'key_forbidden', 1)
    refuses(`81 d9 09 ${proto} c0`, 'key_forbidden', 1)
    refuses(`81 a1 61 81 da 00 09 ${proto} c0`, 'key_forbidden', 4)
    const many = Array.from({ length: 20 }, (_, index) => [0xa1, 0x61 + index, 0xc0])
    refuses(bytesOf('de 00 15', many.flat(), 'a9', proto, 'c0'), 'key_forbidden', 63)
    for (const key of ['__proto_', '__proto___', '__Proto__', '__proto_-', 'constructor', 'prototype', 'then']) {
      walk(bytesOf('81', [0xa0 + key.length], Buffer.from(key), 'c0'))
    }
    accepts(`a9 ${proto}`) // a value may say it
  })

  it.each([2, 15, 16, 17, 18, 300])('M11: finds each pair of equal keys in a map of %i, in any form', (count) => {
    const names = Array.from({ length: count - 1 }, (_, index) => `key ${index} ${'x'.repeat(index % 7)}`)
    for (const again of [0, 1, count >> 1, count - 2]) {
      const name = names[again] ?? 'key 0 '
      const distinct = mapOf([...names, `${name}!`])
      walk(distinct)
      const twice = mapOf([...names, name])
      refuses(twice, 'duplicate_key', twice.length - (name.length + 2) - 1)
    }
  })

  it('M11: tells keys apart by their bytes: no folding, no normal forms, no leading U+FEFF lost', () => {
    const long = 'x'.repeat(70)
    for (const pad of [[], Array.from({ length: 20 }, (_, index) => `pad ${index}`)]) {
      walk(mapOf(['a', 'A', 'é', 'e\u0301', long, `\ufeff${long}`, '', '\u0000', '1', '01', ...pad]))
    }
  })

  it('M11: compares whole keys, however long', () => {
    for (const length of [65_536, 65_537, 131_073]) {
      const long = 'a'.repeat(length)
      const key = bytesOf([0xdb, 0, length >> 16, (length >> 8) & 0xff, length & 0xff], Buffer.from(long))
      walk(bytesOf('82', key, 'c0 a1 61 c0'))
      walk(bytesOf('82 a0 c0', key, 'c0'))
      refuses(bytesOf('82', key, 'c0', key, 'c0'), 'duplicate_key', length + 7)
    }
  })

  it('M11: a large map within a large map has keys of its own, and gives the outer one its keys back', () => {
    const pad = Array.from({ length: 20 }, (_, index) => [0xa1, 0x41 + index, 0xc0]).flat()
    const inner = ['de 00 15', pad, 'a1 61 c0'] as const
    walk(bytesOf('de 00 17', pad, 'a1 7a', ...inner, 'a1 61 c0 a1 62 c0'))
    const twice = bytesOf('de 00 17', pad, 'a1 7a', ...inner, 'a1 61 c0 a1 41 c0')
    refuses(twice, 'duplicate_key', twice.length - 3)
    const early = bytesOf('de 00 17', pad, 'a1 7a', ...inner, 'a1 7a c0 a1 62 c0')
    refuses(early, 'duplicate_key', early.length - 6)
  })

  it('M11: a map knows its own keys only, also after maps within it', () => {
    walk(bytesOf('82 a1 61 81 a1 61 81 a1 61 c0 a1 62 81 a1 62 c0'))
    refuses('82 a1 61 81 a1 62 c0 a1 61 c0', 'duplicate_key', 7)
    refuses('82 a1 61 81 a1 62 c0 a1 62 82 a1 61 c0 a1 61 c0', 'duplicate_key', 13)
    const inner = mapOf(Array.from({ length: 40 }, (_, index) => `key ${index}`))
    walk(bytesOf('83 a1 61', inner, 'a1 62', inner, 'a1 63', inner))
    refuses(bytesOf('83 a1 61', inner, 'a1 62', inner, 'a1 61', inner), 'duplicate_key', 1 + 2 * (inner.length + 2))
  })

  it('M12: refuses every extension but the timestamp', () => {
    for (const type of ['00', '01', '42', '62', '65', '69', '70', '72', '73', '74', '78', '7f', '80', 'fe']) {
      for (const [header, payload] of [
        ['d4', 1],
        ['d5', 2],
        ['d6', 4],
        ['d7', 8],
        ['d8', 16],
        ['c7 04', 4],
        ['c8 00 08', 8],
        ['c9 00 00 00 00', 0],
      ] as const) {
        refuses(`92 c0 ${header}${type}${'00'.repeat(payload)}`, 'extension_refused', 2)
      }
    }
  })

  it('M13: takes timestamps of 4, 8 and 12 bytes, in any form', () => {
    for (const header of ['d6', 'c7 04', 'c8 00 04', 'c9 00 00 00 04']) accepts(`${header} ff 00 00 00 00`)
    for (const header of ['d7', 'c7 08', 'c8 00 08', 'c9 00 00 00 08']) accepts(`${header} ff ${'00'.repeat(8)}`)
    for (const header of ['c7 0c', 'c8 00 0c', 'c9 00 00 00 0c']) accepts(`${header} ff ${'00'.repeat(12)}`)
    for (const [header, payload] of [
      ['d4', 1],
      ['d5', 2],
      ['d8', 16],
      ['c7 00', 0],
      ['c7 0b', 11],
      ['c7 0d', 13],
      ['c9 ff ff ff ff', 4],
    ] as const) {
      refuses(`91 ${header} ff ${'00'.repeat(payload)}`, 'bad_timestamp', 1)
    }
  })

  it('M14: takes 999,999,999 nanoseconds, and no more', () => {
    accepts('d7 ff ee 6b 27 fc 00 00 00 00')
    refuses('d7 ff ee 6b 28 00 00 00 00 00', 'bad_timestamp', 0)
    accepts('c7 0c ff 3b 9a c9 ff 00 00 00 00 00 00 00 00')
    refuses('c7 0c ff 3b 9a ca 00 00 00 00 00 00 00 00 00', 'bad_timestamp', 0)
    refuses('c7 0c ff ff ff ff ff 00 00 00 00 00 00 00 00', 'bad_timestamp', 0)
  })

  it('M15: takes instants up to 8.64e15 ms either side of 1970, and no further', () => {
    const seconds = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0')
    accepts(`c7 0c ff 00 00 00 00 ${seconds(8_640_000_000_000n)}`)
    accepts(`c7 0c ff 00 0f 42 3f ${seconds(8_640_000_000_000n)}`) // 999,999 ns: rounded down, it is in range
    refuses(`c7 0c ff 00 0f 42 40 ${seconds(8_640_000_000_000n)}`, 'bad_timestamp', 0)
    refuses(`c7 0c ff 00 00 00 00 ${seconds(8_640_000_000_001n)}`, 'bad_timestamp', 0)
    accepts(`c7 0c ff 00 00 00 00 ${seconds(-8_640_000_000_000n)}`)
    refuses(`c7 0c ff 3b 9a c9 ff ${seconds(-8_640_000_000_001n)}`, 'bad_timestamp', 0)
    for (const extreme of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n)]) {
      refuses(`c7 0c ff 00 00 00 00 ${seconds(extreme)}`, 'bad_timestamp', 0)
    }
  })

  it('says what was broken, where, and which limit with its value', () => {
    const message = (hex: string, within: WalkLimits): string => {
      try {
        walk(bytesOf(hex), within)
        return ''
      } catch (error) {
        expect(error).toBeInstanceOf(StrictError)
        return String(error)
      }
    }
    expect(message('91 91 c0', { maxDepth: 1, maxNodes: 9 })).toBe(
      'StrictError: MessagePack, byte 1: maps and arrays are nested deeper than maxDepth, which is 1 (too_deep)',
    )
    expect(message('92 c0 c0', { maxDepth: 1, maxNodes: 2 })).toBe(
      'StrictError: MessagePack, byte 0: 3 values or more are above maxNodes, which is 2 (too_many_nodes)',
    )
    expect(message('c7 04 05 00 00 00 00', limits)).toBe(
      'StrictError: MessagePack, byte 0: extension type 5 (extension_refused)',
    )
    expect(message('dd 00 00 01 00 c0', limits)).toBe(
      'StrictError: MessagePack, byte 0: 256 announced where 1 bytes remain (count_too_large)',
    )
  })

  it('looks at nothing outside of start and end, and counts offsets from start', () => {
    const buffer = bytesOf('c1 c1 92 01 a1 61 c1 c1')
    walkStrict(buffer, 2, 6, limits)
    expect(outcomeOf(() => walkStrict(buffer, 2, 5, limits))).toMatchObject({ rule: 'count_too_large', offset: 2 })
    expect(outcomeOf(() => walkStrict(buffer, 2, 7, limits))).toMatchObject({ rule: 'trailing_bytes', offset: 4 })
    expect(outcomeOf(() => walkStrict(buffer, 1, 6, limits))).toMatchObject({ rule: 'reserved_byte', offset: 0 })
    for (const [start, end] of [
      [0, 9],
      [-1, 2],
      [3, 2],
      [Number.NaN, 2],
    ] as const) {
      expect(() => walkStrict(buffer, start, end, limits)).toThrow(RangeError)
    }
  })
})

describe('hostile bytes', () => {
  it('M5: 4 MiB of nested arrays end at maxDepth', () => {
    refuses(new Uint8Array(4 * MIB).fill(0x91), 'too_deep', 64)
    refuses(new Uint8Array(4 * MIB).fill(0x91), 'too_deep', 512, UNBOUNDED)
  })

  it('M5: even where no limit stands, the stack does not grow', () => {
    refuses(new Uint8Array(4 * MIB).fill(0x91), 'count_too_large', 4 * MIB - 1, {
      maxDepth: 2 ** 30,
      maxNodes: 2 ** 30,
    })
  })

  it('M1, M6: 4 MiB of empty arrays are one value and rubbish, or too many', () => {
    const empties = new Uint8Array(4 * MIB).fill(0x90)
    refuses(empties, 'trailing_bytes', 1)
    const count = empties.length - 5
    empties.set([0xdd, count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff])
    refuses(empties, 'too_many_nodes', 0)
    walk(empties, UNBOUNDED)
  })

  it('M6: nested counts that each fit add up', () => {
    // Each array announces all the bytes that are left: 60 levels of 4 MiB each would be 250 million values.
    const bytes = new Uint8Array(4 * MIB).fill(0xc0)
    for (let level = 0; level < 60; level++) {
      const count = bytes.length - (level + 1) * 5
      bytes.set([0xdd, count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff], level * 5)
    }
    refuses(bytes, 'too_many_nodes', 0)
    refuses(bytes, 'truncated', bytes.length, UNBOUNDED)
  })

  // Comparing each key with each takes 40 billion steps, and fails by the timeout.
  it('M11: a map of 200,000 distinct keys passes, and two equal ones among them are found', () => {
    const names = Array.from({ length: 200_000 }, (_, index) => `key ${index}`)
    walk(mapOf(names), UNBOUNDED)
    const twice = mapOf([...names, 'key 150000'])
    refuses(twice, 'duplicate_key', twice.length - 12 - 1, UNBOUNDED)
  })

  it('M11: keys made to look alike, in many maps of 16, cost no more than a few times their length', () => {
    const map = mapOf(Array.from({ length: 16 }, (_, index) => `${'x'.repeat(500)}${String.fromCharCode(97 + index)}x`))
    const maps = Array.from({ length: 500 }, () => map)
    walk(Buffer.concat([bytesOf('dc 01 f4'), ...maps]))
  })

  it('a message that is refused in the midst of large maps leaves nothing behind', () => {
    const cut = mapOf(Array.from({ length: 20_000 }, (_, index) => `key ${index}`)).subarray(0, -1)
    const tryOften = (times: number): number => {
      for (let time = 0; time < times; time++) refuses(cut, 'truncated', cut.length)
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    const before = tryOften(2)
    expect(tryOften(30) - before).toBeLessThan(8 * MIB) // a set of those keys takes more than 1 MiB
  })

  it('any bytes: as the slow twin says, and the walk still works', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 20 }),
        (bytes, maxDepth, maxNodes) => {
          sameVerdict(bytes, { maxDepth, maxNodes })
          walk(bytesOf('82 a1 61 01 a1 62 02'))
        },
      ),
      runs(1500),
    )
  })

  it('strict messages flipped, cut, repeated and patched: as the slow twin says', { timeout: PATIENCE_MS }, () => {
    const patch = fc.tuple(fc.constantFrom('flip', 'cut', 'insert', 'repeat', 'drop'), fc.nat(), fc.nat({ max: 255 }))
    fc.assert(
      fc.property(
        strictMessage,
        fc.array(patch, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 6 }),
        (message, patches, maxDepth) => {
          sameVerdict(patches.reduce(applyPatch, message), { maxDepth, maxNodes: 5000 })
          walk(bytesOf('82 a1 61 01 a1 62 02'))
        },
      ),
      runs(1500),
    )
  })

  it('strict messages pass', () => {
    fc.assert(
      fc.property(strictMessage, (message) => walk(message)),
      runs(500),
    )
  })
})

/** A map of nils, each key as str 8. */
function mapOf(names: readonly string[]): Uint8Array {
  const count = Buffer.alloc(5, 0xdf)
  count.writeUInt32BE(names.length, 1)
  const entries = names.map((name) => {
    const key = Buffer.from(name)
    return Buffer.concat([Uint8Array.of(0xd9, key.length), key, Uint8Array.of(0xc0)])
  })
  if (entries.some((entry) => entry.length > 257)) return mapOfLong(names, count)
  return Buffer.concat([count, ...entries])
}

function mapOfLong(names: readonly string[], count: Uint8Array): Uint8Array {
  return Buffer.concat([
    count,
    ...names.flatMap((name) => [
      Uint8Array.of(0xda, name.length >> 8, name.length & 0xff),
      Buffer.from(name),
      Uint8Array.of(0xc0),
    ]),
  ])
}

function sameVerdict(bytes: Uint8Array, within: WalkLimits): void {
  const slow = outcomeOf(() => slowUnpack(bytes, within))
  const fast = outcomeOf(() => walk(bytes, within))
  expect(fast).toEqual('value' in slow ? { value: undefined } : slow)
}

type Patch = readonly [how: string, where: number, what: number]

function applyPatch(bytes: Uint8Array, [how, where, what]: Patch): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (how) {
    case 'flip':
      return bytesOf(head, [(tail[0] ?? 0) ^ (1 << (what & 7))], tail.subarray(1))
    case 'cut':
      return head
    case 'insert':
      return bytesOf(head, [what], tail)
    case 'drop':
      return bytesOf(head, tail.subarray(1))
    default:
      return bytesOf(head, tail.subarray(0, what % 16), tail)
  }
}
