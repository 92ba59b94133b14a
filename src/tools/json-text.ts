/** JSON as somebody typed it: parsed, or the place where it stops to be JSON, which no engine says in all cases. */
import { WrongUse } from './wrong-use.ts'

/** @throws WrongUse naming line, column and what was expected there */
export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const found = findSyntaxError(text)
    if (!found) throw new WrongUse(`${what} is no JSON: ${String(error)}`)
    const before = text.slice(0, found.position).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    const got =
      found.position === text.length ? 'the end' : JSON.stringify(text.slice(found.position, found.position + 12))
    throw new WrongUse(`${what} is no JSON: at ${place} expected ${found.expected}, but there is ${got}`)
  }
}

/** White space, then one token: punctuation, a text, or a number or word. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON refuses just these
  /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y

const words = {
  value: 'a value',
  valueOrEnd: 'a value or "]"',
  name: 'a property name in double quotes',
  nameOrEnd: 'a property name in double quotes or "}"',
  colon: '":"',
  moreOfArray: '"," or "]"',
  moreOfObject: '"," or "}"',
  end: 'the end',
} as const
type Expected = keyof typeof words

/** Where `text` stops to be JSON, in characters, and what could stand there. */
export function findSyntaxError(text: string): { readonly position: number; readonly expected: string } | undefined {
  const open: ('{' | '[')[] = []
  const afterValue = (): Expected => (open.length === 0 ? 'end' : open.at(-1) === '[' ? 'moreOfArray' : 'moreOfObject')
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const next: Expected | null | undefined =
      match && step(expected, match[1] ?? (match[2] === undefined ? 'word' : 'text'), open, afterValue)
    if (!next) {
      const position = text.length - text.slice(at).replace(/^[ \t\n\r]+/, '').length
      return expected === 'end' && position === text.length ? undefined : { position, expected: words[expected] }
    }
    expected = next
    at = TOKEN.lastIndex
  }
}

/** What may follow a token, where it may stand at all. */
function step(
  expected: Expected,
  token: string,
  open: ('{' | '[')[],
  afterValue: () => Expected,
): Expected | undefined {
  const isValueDue = expected === 'value' || expected === 'valueOrEnd'
  if (isValueDue && (token === '{' || token === '[')) {
    open.push(token)
    return token === '{' ? 'nameOrEnd' : 'valueOrEnd'
  }
  if (isValueDue && (token === 'word' || token === 'text')) return afterValue()
  if (token === 'text' && (expected === 'name' || expected === 'nameOrEnd')) return 'colon'
  if (token === ':' && expected === 'colon') return 'value'
  if (token === ',' && expected === 'moreOfArray') return 'value'
  if (token === ',' && expected === 'moreOfObject') return 'name'
  const closes = token === ']' ? ['valueOrEnd', 'moreOfArray'] : token === '}' ? ['nameOrEnd', 'moreOfObject'] : []
  if (!closes.includes(expected)) return undefined
  open.pop()
  return afterValue()
}
