/** Values written as JSON: the schema says what a text stands for, and what is printed can be written again. */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Bytes, gateOf, Misfit, shapeOf, Timestamp } from '../../src/contract/index.ts'
import { arbitrary } from '../../src/testing/index.ts'
import { fromJson } from '../../src/tools/from-json.ts'
import { findSyntaxError, parseJson } from '../../src/tools/json-text.ts'
import { escapeControls, jsonText, notation, toJson, toTaggedJson } from '../../src/tools/print.ts'
import { WrongUse } from '../../src/tools/wrong-use.ts'

const from = (schema: TSchema, json: unknown) => fromJson(shapeOf(schema), json)

function misfitOf(schema: TSchema, json: unknown): string {
  try {
    from(schema, json)
  } catch (error) {
    if (error instanceof Misfit) return error.describe()
  }
  throw new Error('it was converted')
}

describe('a value from JSON', () => {
  it.each<[string, TSchema, unknown, unknown]>([
    ['bytes from base64', Bytes(), 'AQID', Uint8Array.of(1, 2, 3)],
    ['bytes without padding', Bytes(), 'AQ', Uint8Array.of(1)],
    ['no bytes', Bytes(), '', new Uint8Array(0)],
    ['a timestamp from ISO 8601', Timestamp(), '2025-01-31T12:00:00.5+01:00', new Date('2025-01-31T11:00:00.500Z')],
    ['a timestamp from a date', Timestamp(), '2025-01-31', new Date('2025-01-31T00:00:00Z')],
    ['a timestamp of a far year', Timestamp(), '+275760-09-13T00:00:00Z', new Date(8.64e15)],
    ['a bigint from text', Type.BigInt(), '-9007199254740993', -9007199254740993n],
    ['a bigint from a number', Type.BigInt(), 7, 7n],
    ['undefined from null', Type.Undefined(), null, undefined],
    ['a bigint literal', Type.Literal(5n as never), '5', 5n], // TypeBox takes bigints, its types do not say so
    ['a literal that is there', Type.Enum(['5', 5]), '5', '5'],
    ['items', Type.Array(Bytes()), ['AQ=='], [Uint8Array.of(1)]],
    ['a tuple', Type.Tuple([Timestamp(), Type.String()]), ['2025-01-31', 'x'], [new Date('2025-01-31'), 'x']],
    ['a record', Type.Record(Type.String(), Type.BigInt()), { a: '1' }, { a: 1n }],
    ['what nobody declared', Type.Object({}), { a: 'AQID' }, { a: 'AQID' }],
    [
      'what a schema of the rest says',
      Type.Object({}, { additionalProperties: Bytes() }),
      { a: 'AQ' },
      { a: Uint8Array.of(1) },
    ],
    [
      'both parts of an intersection',
      Type.Intersect([Type.Object({ a: Bytes() }), Type.Object({ b: Timestamp() })]),
      { a: '', b: '2025-01-31' },
      { a: new Uint8Array(0), b: new Date('2025-01-31') },
    ],
    ['the form of a union that fits', Type.Union([Type.Null(), Bytes()]), 'AQ', Uint8Array.of(1)],
    ['the first form that fits', Type.Union([Type.BigInt(), Type.String()]), '12', 12n],
    ['another form where the first does not fit', Type.Union([Type.BigInt(), Type.String()]), 'x', 'x'],
    [
      'the branch that its literal names',
      Type.Union([
        Type.Object({ t: Type.Literal('a'), v: Type.String() }),
        Type.Object({ t: Type.Literal('b'), v: Bytes() }),
      ]),
      { t: 'b', v: 'AQ' },
      { t: 'b', v: Uint8Array.of(1) },
    ],
    [
      'all forms that fit together',
      Type.Union([Type.Object({ a: Bytes() }), Type.Object({ b: Bytes() })]),
      { a: 'AQ', b: 'AQ' },
      { a: Uint8Array.of(1), b: Uint8Array.of(1) },
    ],
    [
      'the first form, where a later one reads it otherwise',
      Type.Union([Type.Object({ v: Type.String() }), Type.Object({ v: Bytes() })]),
      { v: 'AQ' },
      { v: 'AQ' },
    ],
    ['nothing where the schema says nothing', Type.Unknown(), { a: 'AQID' }, { a: 'AQID' }],
    ['what does not fit, for the library to refuse', Type.String(), 5, 5],
  ])('%s', (_, schema, json, value) => expect(from(schema, json)).toEqual(value))

  it.each<[string, TSchema, unknown, string]>([
    ['no base64', Type.Object({ pic: Bytes() }), { pic: 'A' }, '/pic must be bytes, written as base64 text'],
    ['base64 for URLs', Bytes(), '-_-_', 'the value must be bytes, written as base64 text'],
    ['a number for bytes', Type.Array(Bytes()), [1], '/0 must be bytes, written as base64 text'],
    [
      'a time without a zone',
      Timestamp(),
      '2025-01-31T12:00',
      'the value must be a timestamp, written as ISO 8601 text: "2025-01-31T12:00:00.000Z"',
    ],
    [
      'a day that is none',
      Timestamp(),
      '2025-13-01',
      'the value must be a timestamp, written as ISO 8601 text: "2025-01-31T12:00:00.000Z"',
    ],
    [
      'a number whose digits JSON has lost',
      Type.BigInt(),
      2 ** 53,
      'the value must be a whole number, written as decimal text: "9007199254740993"',
    ],
    [
      'the only form that can be meant',
      Type.Union([Type.Null(), Type.Object({ pic: Bytes() })]),
      { pic: '!' },
      '/pic must be bytes, written as base64 text',
    ],
  ])('is refused: %s', (_, schema, json, message) => expect(misfitOf(schema, json)).toBe(message))

  it('has no prototype of its sender', () => {
    const value = from(Type.Object({}, { additionalProperties: Type.Unknown() }), JSON.parse('{"__proto__":{"x":1}}'))
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value as object)).toEqual(['__proto__'])
  })

  it('is refused before a deep one overflows the stack', () => {
    const Node = Type.Cyclic({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }, 'Node')
    const deep: unknown = JSON.parse(`${'{"next":'.repeat(20_000)}{}${'}'.repeat(20_000)}`)
    expect(misfitOf(Node, deep)).toMatch(/is nested deeper than 512$/)
  })

  it('of a union within a union takes no exponential time', () => {
    const pair = (kind: string) => Type.Object({ kind: Type.Literal(kind), l: Type.Ref('E'), r: Type.Ref('E') })
    const E = Type.Cyclic({ E: Type.Union([Type.BigInt(), pair('add'), pair('sub'), pair('mul')]) }, 'E')
    let json: unknown = '1'
    let value: unknown = 1n
    for (let depth = 0; depth < 24; depth++) {
      json = { kind: 'mul', l: json, r: '2' }
      value = { kind: 'mul', l: value, r: 2n }
    }
    expect(from(E, json)).toEqual(value)
  })

  it('is what was printed', () => {
    const Everything = Type.Object({
      bytes: Bytes(),
      at: Timestamp(),
      big: Type.BigInt({ minimum: -(2n ** 63n), maximum: 2n ** 64n - 1n }),
      none: Type.Undefined(),
      maybe: Type.Optional(Type.Array(Timestamp())),
      either: Type.Union([Type.Null(), Bytes(), Type.Array(Type.BigInt())]),
      text: Type.Record(Type.String(), Type.String()),
      number: Type.Number(),
    })
    const gate = gateOf(Everything)
    fc.assert(
      fc.property(arbitrary(Everything), (value) => {
        const text = jsonText(toJson(value))
        const again = from(Everything, JSON.parse(text)) as typeof value // checked by the gate below
        const noNegativeZero = { ...value, number: value.number === 0 ? 0 : value.number } // JSON.stringify writes -0 as 0
        expect(gate.inMemory(again)).toEqual(noNegativeZero)
      }),
      { numRuns: 200 },
    )
  })
})

describe('text that is no JSON', () => {
  it.each([
    ['', 0, 'a value'],
    ['{"a":}', 5, 'a value'],
    ['{"a" 1}', 5, '":"'],
    ["{'a':1}", 1, 'a property name in double quotes or "}"'],
    ['{a:1}', 1, 'a property name in double quotes or "}"'],
    ['{"a":1,}', 7, 'a property name in double quotes'],
    ['{"a":1', 6, '"," or "}"'],
    ['[1 2]', 3, '"," or "]"'],
    ['[1,]', 3, 'a value'],
    ['[', 1, 'a value or "]"'],
    ['{} x', 3, 'the end'],
    ['01', 0, 'a value'],
    ['tru', 0, 'a value'],
    ['"a\nb"', 0, 'a value'],
    ['[}', 1, 'a value or "]"'],
  ])('%j is broken at %i', (text, position, expected) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(findSyntaxError(text)).toEqual({ position, expected })
  })

  it('is said with line and column', () => {
    expect(() => parseJson('the request', '{\n  "a": nul\n}')).toThrow(
      new WrongUse('the request is no JSON: at line 2, column 8 expected a value, but there is "nul\\n}"'),
    )
    expect(() => parseJson('the request', '[1')).toThrow('expected "," or "]", but there is the end')
  })

  it('is told from JSON as the engine tells it', () => {
    const scraps = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '1',
        '-',
        '0',
        '.5',
        'e3',
        'true',
        'null',
        ' ',
        '"',
        '\\',
        '\n',
        'x',
      ),
      { maxLength: 8 },
    )
    const texts = fc.oneof(
      scraps.map((parts) => parts.join('')),
      fc.json(),
    )
    fc.assert(
      fc.property(texts, (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(findSyntaxError(text) === undefined).toBe(isJson)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a value for people', () => {
  it('is one line, with what JSON cannot say', () => {
    const value = { n: 5n, b: Uint8Array.of(1, 255), at: new Date(0), list: [-0, null, undefined], text: 'a"b' }
    expect(notation(value)).toBe(
      `{"n": 5n, "b": h'01ff', "at": 1970-01-01T00:00:00.000Z, "list": [-0, null, undefined], "text": "a\\"b"}`,
    )
  })

  it('shows the beginning of many bytes', () => {
    expect(notation(new Uint8Array(100))).toBe(`h'${'00'.repeat(64)}…' (100 bytes)`)
  })

  it('is tagged where no schema says what a text stands for', () => {
    const value = [Uint8Array.of(1, 255), 5n, new Date(7), -0, Number.NaN, 'x', { a: null }]
    expect(toTaggedJson(value)).toEqual([
      { $bytes: '01ff' },
      { $bigint: '5' },
      { $date: 7 },
      { $number: '-0' },
      { $number: 'NaN' },
      'x',
      { a: null },
    ])
  })

  it('commands no terminal', () => {
    const evil = '\u001b[31m\u0007\u009b2J\u202e\r'
    const shown = [notation({ [evil]: evil }), jsonText({ [evil]: evil }), escapeControls(evil)]
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be left
    for (const text of shown) expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    expect(JSON.parse(jsonText({ [evil]: evil }))).toEqual({ [evil]: evil })
  })
})
