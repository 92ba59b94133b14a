/** Which contracts get on (spec/compatibility.md, chapter "Comparison"). */
import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import {
  type AnyContract,
  contract,
  describeContract,
  diffContracts,
  judgeMethods,
  type Method,
  type MethodVerdict,
  notify,
  unary,
} from '../../src/contract/index.ts'
import { pairs } from './compat-pairs.ts'

const judged = (client: AnyContract, server: AnyContract) =>
  judgeMethods(describeContract(client), describeContract(server))
const of = (method: Method) => contract('c', { m: method })
const verdictOf = (client: Method, server: Method): MethodVerdict => {
  const verdict = judged(of(client), of(server)).get('m')
  if (!verdict) throw new Error('the client has the method m')
  return verdict
}
const requestVerdict = (one: TSchema, other: TSchema) => verdictOf(notify(one), notify(other))
const replyVerdict = (one: TSchema, other: TSchema) => verdictOf(unary(Type.Null(), other), unary(Type.Null(), one))
const breaking = ({ findings }: MethodVerdict) => findings.filter(({ verdict }) => verdict === 'breaking')

describe('K10, K12, K13, K14, K15, K16, K17, K18: the table of pairs', () => {
  it('has at least 80, with names of their own', () => {
    expect(pairs.length).toBeGreaterThanOrEqual(80)
    expect(new Set(pairs.map(({ name }) => name)).size).toBe(pairs.length)
  })

  it.each(pairs)('$name', ({ one, other, there, back, at }) => {
    const [forth, reverse] = [requestVerdict(one, other), requestVerdict(other, one)]
    expect([forth.verdict, reverse.verdict]).toEqual([there, back])
    const broken = there === 'breaking' ? forth : reverse
    const found = breaking(broken).map(({ pointer }) => pointer)
    if (there === 'breaking' || back === 'breaking') expect(found).toContain(`/m/request${at ?? ''}`)
    for (const { findings, verdict } of [forth, reverse]) {
      if (verdict === 'identical') expect(findings).toEqual([])
      if (verdict === 'compatible') expect(findings.map((finding) => finding.verdict)).not.toContain('breaking')
    }
  })

  it.each(pairs)('$name, in a reply: the server sends, the client takes', ({ one, other, there, back }) => {
    expect([replyVerdict(one, other).verdict, replyVerdict(other, one).verdict]).toEqual([there, back])
  })
})

describe('K11: methods', () => {
  const hello = unary(Type.Null(), Type.String())

  it('one that the server lacks is breaking, one that the client lacks is not looked at', () => {
    const small = contract('c', { m: hello })
    const large = contract('c', { m: hello, n: hello })
    expect([...judged(small, large)]).toEqual([['m', { verdict: 'identical', findings: [] }]])
    expect(judged(large, small).get('n')).toEqual({
      verdict: 'breaking',
      findings: [
        { pointer: '/n', reason: 'the server has no method n; keep it there, or stop calling it', verdict: 'breaking' },
      ],
    })
  })

  it('of another kind or with another number are breaking', () => {
    expect(breaking(verdictOf(hello, notify(Type.Null()))).map(({ pointer }) => pointer)).toContain('/m/kind')
    expect(breaking(verdictOf(hello, unary(Type.Null(), Type.String(), { tag: 7 })))).toMatchObject([
      { pointer: '/m/tag' },
    ])
  })

  it('options that do not travel change nothing', () => {
    const other = unary(Type.Null(), Type.String(), {
      idempotent: true,
      timeoutMs: 5,
      deprecated: true,
      description: 'x',
    })
    expect(verdictOf(hello, other).verdict).toBe('identical')
  })
})

describe('K11: declared errors', () => {
  const withErrors = (errors: Record<string, TSchema>) => unary(Type.Null(), Type.Null(), { errors })
  const one = Type.Object({ until: Type.String() })

  it('one that the client does not declare arrives as unknown, which breaks no check', () => {
    const verdict = verdictOf(withErrors({}), withErrors({ Banned: one }))
    expect(verdict).toMatchObject({
      verdict: 'compatible',
      findings: [{ pointer: '/m/errors/Banned', verdict: 'compatible' }],
    })
    expect(verdictOf(withErrors({ Banned: one }), withErrors({})).verdict).toBe('compatible')
  })

  it('have data that the server sends and the client takes', () => {
    const more = Type.Object({ until: Type.String(), why: Type.String() })
    expect(verdictOf(withErrors({ Banned: one }), withErrors({ Banned: more })).verdict).toBe('compatible')
    expect(breaking(verdictOf(withErrors({ Banned: more }), withErrors({ Banned: one })))).toMatchObject([
      { pointer: '/m/errors/Banned/why' },
    ])
  })
})

describe('K19: findings', () => {
  it('say what differs and what to do', () => {
    const before = Type.Object({ name: Type.String() })
    const after = Type.Object({ name: Type.String(), email: Type.String() })
    expect(breaking(requestVerdict(before, after))).toEqual([
      {
        pointer: '/m/request/email',
        reason: 'the server wants `email`, which the client does not send; make it optional, or give it a new method',
        verdict: 'breaking',
      },
    ])
    expect(breaking(replyVerdict(before, after))[0]?.reason).toMatch(
      /^the client wants `email`, which the server does not send;/,
    )
  })

  it('of a compatible method say what is different', () => {
    const { findings } = requestVerdict(
      Type.Object({ a: Type.Null(), b: Type.Null() }),
      Type.Object({ a: Type.Null() }),
    )
    expect(findings).toEqual([
      { pointer: '/m/request/b', reason: 'the server does not know `b`, and never sees it', verdict: 'compatible' },
    ])
  })

  it.each(pairs.filter(({ there }) => there === 'compatible'))(
    'there is one for what differs: $name',
    ({ one, other }) => {
      expect(requestVerdict(one, other).findings.length).toBeGreaterThan(0)
    },
  )

  it('are not more than a person reads', () => {
    const many = (type: TSchema) =>
      Type.Object(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`p${n}`, type])))
    expect(requestVerdict(many(Type.String()), many(Type.Number())).findings.length).toBeLessThanOrEqual(40)
  })
})

describe('K13: references', () => {
  const own = (definitions: object, root: object) => ({
    nanowire: 1 as const,
    name: 'c',
    methods: {
      m: {
        kind: 'notify',
        tag: 1,
        request: { $defs: definitions, ...root } as never,
        reply: { type: 'void' },
        errors: {},
      }, // as data
    },
  })
  const node = (next: object, value: 'number' | 'integer') => ({
    type: 'object',
    required: ['b'],
    properties: { a: next, b: { type: value } },
  })
  const ref = (name: string) => ({ $ref: name })
  const holding = (name: string) => ({ type: 'object', required: ['n'], properties: { n: ref(name) } })

  it('what was taken as fitting on the way to a refusal is looked at again', () => {
    const client = own({ S: node(ref('S'), 'number') }, holding('S'))
    const toM = ref('M') // one and the same, so that the second form meets what the first one has assumed
    const server = (value: 'number' | 'integer') =>
      own(
        { R: node(toM, value), M: node(ref('R'), 'number'), Other: node(toM, 'number') },
        { anyOf: [holding('M'), holding('Other')] },
      )
    expect(judgeMethods(client, server('integer')).get('m')?.verdict).toBe('breaking')
    expect(judgeMethods(client, server('number')).get('m')?.verdict).toBe('compatible')
  })

  it('lead to definitions, not to what looks like one in an example', () => {
    const liar = { default: { $defs: { S: { type: 'null' } } } }
    const client = own({ S: node(ref('S'), 'number') }, { ...holding('S'), ...liar })
    const server = own({ S: node(ref('S'), 'integer') }, { ...holding('S'), ...liar })
    expect(judgeMethods(client, server).get('m')?.verdict).toBe('breaking')
  })
})

describe('K20: work is bounded', () => {
  it('what is too large to compare is breaking, and says so', () => {
    const wide = (last: TSchema) =>
      Type.Union(Array.from({ length: 900 }, (_, n) => Type.Object({ [`p${n}`]: n === 899 ? last : Type.String() })))
    const verdict = requestVerdict(wide(Type.String()), wide(Type.Number()))
    expect(breaking(verdict)).toMatchObject([
      { pointer: '/m/request', reason: expect.stringContaining('too large to compare') },
    ])
  })

  it('a union of hundreds of kinds is compared', () => {
    const kinds = (count: number) =>
      Type.Union(
        Array.from({ length: count }, (_, n) => Type.Object({ kind: Type.Literal(`k${n}`), n: Type.Integer() })),
      )
    expect(requestVerdict(kinds(200), kinds(201)).verdict).toBe('compatible')
  })
})

describe('diffContracts', () => {
  const Old = contract('shop', { order: notify(Type.Object({ n: Type.Integer() })), gone: notify(Type.Null()) })
  const New = contract('shop', { order: notify(Type.Object({ n: Type.Number() })), more: notify(Type.Null()) })

  it('looks both ways', () => {
    const { oldClients, newClients } = diffContracts(describeContract(Old), describeContract(New))
    expect([...oldClients].map(([key, { verdict }]) => [key, verdict])).toEqual([
      ['order', 'compatible'],
      ['gone', 'breaking'],
    ])
    expect([...newClients].map(([key, { verdict }]) => [key, verdict])).toEqual([
      ['order', 'breaking'],
      ['more', 'breaking'],
    ])
  })

  it('refuses contracts of two names', () => {
    const Other = contract('store', { order: notify(Type.Null()) })
    expect(() => diffContracts(describeContract(Old), describeContract(Other))).toThrow(
      'shop and store are different contracts',
    )
  })
})
