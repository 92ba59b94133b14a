/** Lines are the same, however the text comes in pieces, and no more than one line is kept. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../src/tools/lines.ts'
import { runs } from '../support/runs.ts'

async function listOf(chunks: Iterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = []
  async function* stream() {
    yield* chunks
  }
  for await (const line of linesOf(stream(), 'stdin')) lines.push(line)
  return lines
}

/** In pieces of these lengths, each in memory that is used again for the next. */
function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  const shared = new Uint8Array(16)
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1
    const piece = bytes.subarray(at, at + length)
    shared.set(piece)
    yield shared.subarray(0, piece.length)
    at += length
  }
}

describe('lines', () => {
  it('are those of the whole text, wherever it is cut', async () => {
    const text = fc.array(fc.constantFrom('', 'a', 'é', '\u{1f600}', '{"n":1}', '\r', ' '), { maxLength: 12 })
    const property = fc.asyncProperty(
      fc.array(
        text.map((parts) => parts.join('')),
        { maxLength: 6 },
      ),
      fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 5 }),
      async (lines, lengths) => {
        const whole = lines.join('\n')
        const expected = whole.split('\n')
        if (expected.at(-1) === '') expected.pop() // nothing behind the last line feed
        expect(await listOf(pieces(Buffer.from(whole), lengths))).toEqual(expected)
      },
    )
    await fc.assert(property, runs(200))
  })

  it('of nothing are none', async () => {
    expect(await listOf([])).toEqual([])
    expect(await listOf([new Uint8Array(0)])).toEqual([])
  })

  it('that are no UTF-8 are refused, and those before are not', async () => {
    const lines: string[] = []
    const read = async () => {
      async function* stream() {
        yield Uint8Array.of(0x61, 0x0a, 0xc3)
        yield Uint8Array.of(0x0a)
      }
      for await (const line of linesOf(stream(), 'items.jsonl')) lines.push(line)
    }
    await expect(read()).rejects.toThrow('items.jsonl is no text in UTF-8')
    expect(lines).toEqual(['a'])
  })

  it('have a bound, and no more is read than that', async () => {
    let read = 0
    async function* endless() {
      for (;;) {
        read++
        yield new Uint8Array(8 * 1_048_576).fill(0x20)
      }
    }
    const lines = async () => {
      for await (const _ of linesOf(endless(), 'stdin'));
    }
    await expect(lines()).rejects.toThrow('stdin has a line of more than 67108864 bytes')
    expect(read).toBe(9)
  })
})
