/**
 * What a schema says, in generated code (spec/codecs.md, spec/security.md): a schema with hostile texts makes the same code as one
 * with harmless texts in their places, token for token, but for literals.
 */
import Type, { type TSchema } from 'typebox'
import ts from 'typescript'
import { expect, it, vi } from 'vitest'
import { Bytes, checkOf, gateOf, Timestamp } from '../../../src/contract/index.ts'
import { defaultLimits } from '../../../src/limits.ts'
import { UNDECIDED } from '../../../src/wire/compiled/index.ts'
import { compiledOf, isOn } from './subject.ts'

const hostile = [
  "'",
  '"',
  '`',
  '\\',
  '\\"',
  '\\\\"',
  '\n',
  '\r\n',
  '\u2028',
  '\u2029',
  '\0',
  '\ud7ff',
  '*/',
  '//',
  '<!--',
  '-->',
  `\${globalThis.stolen = 1}`,
  '"]; globalThis.stolen = 1; //',
  '"); globalThis.stolen = 1; ("',
  '*/ globalThis.stolen = 1 /*',
  '\\u0022; globalThis.stolen = 1; //',
  'c0',
  'return',
  'class',
  '😀',
]

/** As many bytes of UTF-8, none of which means anything. */
const harmlessFor = (text: string): string => 'x'.repeat(Buffer.byteLength(text))

/** Schemas in which a text stands wherever one may stand, each with a value of it. */
const places: Readonly<Record<string, (text: string) => { schema: TSchema; value: unknown }>> = {
  'a name': (text) => ({ schema: Type.Object({ [text]: Type.Integer() }), value: { [text]: 1 } }),
  'an optional name': (text) => ({
    schema: Type.Object({ [text]: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false }),
    value: { [text]: ['y'] },
  }),
  'a constant': (text) => ({ schema: Type.Literal(text), value: text }),
  'one of several constants': (text) => ({ schema: Type.Enum([text, 'other', 5]), value: text }),
  'what tells objects apart': (text) => ({
    schema: Type.Union([
      Type.Object({ [text]: Type.Literal(`${text}1`), a: Type.Number() }),
      Type.Object({ [text]: Type.Literal(`${text}2`), b: Bytes() }),
    ]),
    value: { [text]: `${text}1`, a: 0.5 },
  }),
  'a name in a list': (text) => ({
    schema: Type.Array(Type.Tuple([Type.Object({ [text]: Timestamp() })])),
    value: [[{ [text]: new Date(0) }]],
  }),
  'a keyword’s text': (text) => ({
    schema: Type.Object({ a: Type.String({ description: text, title: text, $id: text, default: text }) }),
    value: { a: 'y' },
  }),
  'a keyword of one’s own': (text) => ({
    schema: Type.Number({ [`x-${text}`]: text, minimum: 0 }),
    value: 1,
  }),
  'a bound that is no number': (text) => ({
    schema: Type.Array(Type.Number({ minimum: text as never, maximum: [text] as never }), { minItems: text as never }),
    value: [],
  }),
  'the key of a definition': (text) => ({
    schema: Type.Unsafe({ $defs: { [text]: { type: 'integer' } }, type: 'object', properties: {} }),
    value: {},
  }),
}

/** The texts that become code while `act` runs. */
function textsOf(act: () => void): string[] {
  const texts: string[] = []
  const construct = (target: FunctionConstructor, args: string[]): object => {
    texts.push(args.join('\n'))
    return Reflect.construct(target, args) as object
  }
  vi.stubGlobal('Function', new Proxy(Function, { construct }))
  try {
    act()
  } finally {
    vi.unstubAllGlobals()
  }
  return texts
}

/** What all three functions of a schema are made of. */
function codeOf({ schema, value }: { schema: TSchema; value: unknown }): string {
  const gate = gateOf(schema)
  checkOf(gate.shape)(value) // whose own code is TypeBox's
  const compiled = compiledOf(gate)
  const texts = textsOf(() => {
    const room = new Uint8Array(1_000)
    const end = compiled.encode(value, room, 0, defaultLimits)
    if (end > 0) compiled.decode(room, 0, end, defaultLimits)
    else expect(compiled.decode(room, 0, 1, defaultLimits)).toBe(UNDECIDED)
    compiled.pass(value, defaultLimits)
  })
  return texts.join('\n')
}

const literals: ReadonlySet<ts.SyntaxKind> = new Set([ts.SyntaxKind.StringLiteral, ts.SyntaxKind.NumericLiteral])

/** The tokens of a text; of literals only what they are. */
function tokensOf(text: string): string[] {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false)
  scanner.setText(text)
  const tokens: string[] = []
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    if (kind === ts.SyntaxKind.WhitespaceTrivia || kind === ts.SyntaxKind.NewLineTrivia) continue
    tokens.push(literals.has(kind) ? ts.SyntaxKind[kind] : scanner.getTokenText())
  }
  return tokens
}

// Without the compiled path no code is made.
it.runIf(isOn).each(Object.entries(places))('%s is in generated code as literals only', (_, place) => {
  codeOf(place('x')) // whatever is made once for all schemas
  for (const text of hostile) {
    const code = codeOf(place(text))
    expect(code).toContain('return')
    expect(tokensOf(code), JSON.stringify(text)).toEqual(tokensOf(codeOf(place(harmlessFor(text)))))
  }
  expect('stolen' in globalThis).toBe(false)
})
