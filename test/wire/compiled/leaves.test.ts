/** Texts, doubles and constants one by one, as generated code takes and puts them (spec/codecs.md), against the platform. */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { gateOf } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { decodeBody, encodeBody, pack, unpack } from '../../../src/wire/index.ts'
import { float64At } from '../../../src/wire/octets.ts'
import { runs } from '../../support/runs.ts'
import { compiledOf, isOn, UNDECIDED } from './subject.ts'

const Text = Type.String()

/** What the compiled path alone reads; where it is off, what both read together. */
function taken(schema: TSchema, bytes: Uint8Array): unknown {
  if (isOn) return compiledOf(gateOf(schema)).decode(bytes, 0, bytes.length, defaultLimits)
  try {
    return decodeBody(gateOf(schema), bytes, 0, bytes.length, defaultLimits)
  } catch {
    return UNDECIDED
  }
}

/** What the compiled path alone writes, `undefined` where it leaves it; where it is off, what both write together. */
function put(schema: TSchema, value: unknown): Uint8Array | undefined {
  const room = new Uint8Array(300)
  if (!isOn) return encodeBody(gateOf(schema), value, defaultLimits) as Uint8Array // of one piece, for it is short
  const end = compiledOf(gateOf(schema)).encode(value, room, 0, defaultLimits)
  return end < 0 ? undefined : room.subarray(0, end)
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodedByPlatform(bytes: Uint8Array): unknown {
  try {
    return strict.decode(bytes)
  } catch {
    return UNDECIDED
  }
}

/** The text of these bytes in its short form. */
function takenText(bytes: readonly number[]): unknown {
  return taken(Text, Uint8Array.of(0xa0 | bytes.length, ...bytes))
}

describe('a short text', () => {
  it('of any code point is read and written', () => {
    for (let point = 0; point < 0x11_0000; point += point < 0x1_0000 ? 1 : 61) {
      if (point >= 0xd800 && point < 0xe000) continue
      const text = `a${String.fromCodePoint(point)}b`
      const bytes = pack(text)
      if (taken(Text, bytes) !== text) expect(taken(Text, bytes), `U+${point.toString(16)} read`).toBe(text)
      const written = put(Text, text) ?? new Uint8Array()
      if (Buffer.compare(written, bytes) !== 0) expect(written, `U+${point.toString(16)} written`).toEqual(bytes)
    }
  })

  it('of any length up to 40 units, of any widths, is read and written', () => {
    for (const unit of ['x', 'é', '€', '😀']) {
      for (let length = 0; length <= 40; length++) {
        for (const text of [unit.repeat(length), `${'x'.repeat(length)}${unit}`, `${unit}${'x'.repeat(length)}`]) {
          expect(taken(Text, pack(text))).toBe(text)
          expect(put(Text, text)).toEqual(new Uint8Array(pack(text)))
        }
      }
    }
  })

  it('is left to the reference with any two bytes of which the platform says that they are no text', () => {
    for (let pair = 0; pair < 0x1_0000; pair++) {
      const bytes = [0x61, pair >> 8, pair & 0xff]
      const expected = decodedByPlatform(Uint8Array.from(bytes))
      const made = takenText(bytes)
      if (made !== expected) expect(made, bytes.join(' ')).toBe(expected)
    }
  })

  it('is left to the reference with any bytes that begin a longer sequence and do not go on so', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    for (let lead = 0xe0; lead <= 0xff; lead++) {
      for (const second of edges) {
        for (const third of edges) {
          for (const tail of [[], [0x80], [0xbf], [0xc0], [0x80, 0x80]]) {
            const bytes = [lead, second, third, ...tail]
            const expected = decodedByPlatform(Uint8Array.from(bytes))
            const made = takenText(bytes)
            if (made !== expected) expect(made, bytes.join(' ')).toBe(expected)
          }
        }
      }
    }
  })

  it('with half of a surrogate pair is not written', () => {
    for (const text of ['\ud800', 'a\udfffb', '\ud800\ud800', '\udc00\ud800', `${'x'.repeat(30)}\ud83d`]) {
      if (isOn) expect(put(Text, text)).toBeUndefined()
      else expect(() => put(Text, text)).toThrow()
    }
  })
})

describe('a longer text', () => {
  it('may say the replacement character itself, and may not have it put in', () => {
    const said = `${'x'.repeat(40)}\ufffd`
    expect(taken(Text, pack(said))).toBe(said)
    for (const bad of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      for (const whole of [
        [...new Array<number>(40).fill(0x78), ...bad],
        [...bad, ...new Array<number>(40).fill(0x78)],
        [...new TextEncoder().encode(said), ...bad],
      ]) {
        expect(taken(Text, Uint8Array.of(0xd9, whole.length, ...whole))).toBe(UNDECIDED)
      }
    }
  })

  it('shares no memory with its bytes', () => {
    for (const text of ['short é', 'x'.repeat(50), 'é'.repeat(50)]) {
      const bytes = Buffer.from(pack(text))
      const made = taken(Text, bytes)
      bytes.fill(0x41)
      expect(made).toBe(text)
    }
  })
})

describe('a double', () => {
  const view = new DataView(new ArrayBuffer(9))
  const bytes = new Uint8Array(view.buffer)
  view.setUint8(0, 0xcb)

  const edges = [0, 1, 2, 0x7_ffff, 0x8_0000, 0xf_fffe, 0xf_ffff]

  it('of any exponent is what the platform makes of its bytes', () => {
    for (let exponent = 0; exponent < 0x1000; exponent++) {
      for (const upper of edges) {
        for (const lower of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
          view.setUint32(1, (exponent << 20) | upper)
          view.setUint32(5, lower)
          const expected = view.getFloat64(1)
          const made = float64At(bytes, 1)
          const isSame = Number.isFinite(expected) ? Object.is(made, expected) : !Number.isFinite(made)
          if (!isSame) expect(made, Buffer.from(bytes).toString('hex')).toBe(expected)
        }
      }
    }
  })

  it('by chance is read and written', () => {
    const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(anyDouble, (value) => {
        view.setFloat64(1, value)
        if (!Object.is(taken(Type.Number(), bytes), value)) return false
        const written = put(Type.Number(), value) as Uint8Array // it fits
        return Buffer.compare(written, pack(gateOf(Type.Number()).toWire(value, defaultLimits))) === 0
      }),
      runs(2_000),
    )
  })

  it('that is no number, or infinite, is left to the reference', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      view.setFloat64(1, value)
      expect(taken(Type.Number(), bytes)).toBe(UNDECIDED)
      expect(taken(Type.Integer(), bytes)).toBe(UNDECIDED)
      expect(() => decodeBody(gateOf(Type.Number()), bytes, 0, 9, defaultLimits)).toThrow()
    }
  })

  it('that is cut off is left to the reference', () => {
    const Two = Type.Tuple([Type.Number(), Type.Number()])
    const whole = pack([0.5, 0.25]).slice()
    for (let end = 0; end < whole.length; end++) {
      const cut = whole.subarray(0, end)
      expect(taken(Two, cut)).toBe(UNDECIDED)
      if (isOn) expect(compiledOf(gateOf(Two)).decode(whole, 0, end, defaultLimits)).toBe(UNDECIDED)
    }
  })
})

describe('constants', () => {
  const Level = Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(300), Type.Literal('none')])

  it('are covered, 0 too', () => {
    for (const value of [0, 1, 300, 'none']) {
      expect(taken(Level, pack(value))).toBe(value)
      expect(put(Level, value)).toEqual(new Uint8Array(pack(value)))
    }
    expect(compiledOf(gateOf(Type.Literal(0))).isCovered).toBe(isOn)
    expect(compiledOf(gateOf(Type.Literal(-0))).isCovered).toBe(false)
  })

  it('take -0 for 0 as the reference does, which writes 0', () => {
    for (const schema of [Level, Type.Literal(0), Type.Unsafe<number>({ enum: [0, 1] })]) {
      const gate = gateOf(schema)
      for (const value of [0, -0]) {
        const written = pack(gate.toWire(value, defaultLimits)).slice()
        expect(put(schema, value)).toEqual(new Uint8Array(written))
        expect(taken(schema, written)).toBe(gate.fromWire(unpack(written, 0, written.length, defaultLimits)))
      }
      const double = Uint8Array.of(0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0)
      expect(decodeBody(gate, double, 0, 9, defaultLimits)).toBe(gate.fromWire(-0))
      if (isOn) expect(taken(schema, double)).toBe(UNDECIDED)
    }
  })

  it('in another form are read by the reference', () => {
    for (const [bytes, value] of [
      [[0xcc, 1], 1],
      [[0xd1, 1, 0x2c], 300],
      [[0xd9, 4, 0x6e, 0x6f, 0x6e, 0x65], 'none'],
    ] as const) {
      const whole = Uint8Array.from(bytes)
      expect(decodeBody(gateOf(Level), whole, 0, whole.length, defaultLimits)).toBe(value)
      if (isOn) expect(taken(Level, whole)).toBe(UNDECIDED)
    }
  })

  it('that begin alike are told apart', () => {
    const Word = Type.Union([
      Type.Literal('abc'),
      Type.Literal('abd'),
      Type.Literal('ab'),
      Type.Literal('x'.repeat(70)),
    ])
    for (const value of ['abc', 'abd', 'ab', 'x'.repeat(70)]) expect(taken(Word, pack(value))).toBe(value)
    for (const value of ['abe', 'a', '', 'abcd', 'x'.repeat(69)]) expect(taken(Word, pack(value))).toBe(UNDECIDED)
  })
})

describe('objects that a constant tells apart', () => {
  const Result = Type.Union([
    Type.Object({ ok: Type.Literal(true), value: Type.Integer() }),
    Type.Object({ ok: Type.Literal(false), error: Type.String() }),
  ])
  const Event = Type.Union([
    Type.Object({ kind: Type.Literal(0) }),
    Type.Object({ at: Type.Number(), kind: Type.Literal(300) }),
    Type.Object({ kind: Type.Unsafe<'x' | 'y' | 1>({ enum: ['x', 'y', 1] }) }),
    Type.Object({ kind: Type.Unsafe<null>({ enum: [null] }), last: Type.Boolean() }),
  ])

  it.each<[TSchema, unknown]>([
    [Result, { ok: true, value: 5 }],
    [Result, { ok: false, error: 'none' }],
    [Event, { kind: 0 }],
    [Event, { at: 0.5, kind: 300 }],
    [Event, { kind: 'y' }],
    [Event, { kind: 1 }],
    [Event, { kind: null, last: true }],
  ])('are read and written: %#', (schema, value) => {
    expect(compiledOf(gateOf(schema)).isCovered).toBe(isOn)
    expect(put(schema, value)).toEqual(new Uint8Array(pack(value)))
    expect(taken(schema, pack(value))).toEqual(value)
  })

  it('are told apart wherever the constant stands', () => {
    for (const sent of [
      { error: 'e', ok: false },
      { more: [{ ok: true }], error: 'e', ok: false },
      { error: 'e', ok: false, ko: true },
    ]) {
      expect(taken(Result, pack(sent))).toEqual({ ok: false, error: 'e' })
    }
  })

  it('are left to the reference without it, with another, with it twice, or in another form', () => {
    for (const value of [{}, { value: 5 }, { ok: 1, value: 5 }, { ok: null }, { kind: true }, { kind: 301, at: 1 }]) {
      expect([taken(Result, pack(value)), taken(Event, pack(value))]).toEqual([UNDECIDED, UNDECIDED])
    }
    const ok = [0xa2, 0x6f, 0x6b]
    const value = [0xa5, 0x76, 0x61, 0x6c, 0x75, 0x65, 5]
    expect(taken(Result, Uint8Array.of(0x83, ...ok, 0xc3, ...value, ...ok, 0xc3))).toBe(UNDECIDED)
    expect(taken(Result, Uint8Array.of(0x82, ...ok))).toBe(UNDECIDED)
    if (!isOn) return
    expect(taken(Result, Uint8Array.of(0x82, 0xd9, 2, 0x6f, 0x6b, 0xc3, ...value))).toBe(UNDECIDED)
    expect(taken(Event, Uint8Array.of(0x81, 0xa4, 0x6b, 0x69, 0x6e, 0x64, 0xcc, 0))).toBe(UNDECIDED)
  })
})
