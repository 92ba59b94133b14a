import Type, { type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { contract, tagOf, unary } from '../../src/contract/index.ts'
import { NanowireError } from '../../src/errors.ts'
import { type ContractProblem, checkContract } from '../../src/testing/index.ts'
import { findingOf } from '../../src/testing/judge-pattern.ts'
import { walkSchema } from '../../src/testing/keyword-walk.ts'
import { schemaTable } from './schemas.ts'

const Nothing = Type.Object({})

/** The problems of a contract with this request, errors included, without throwing. */
async function problemsOf(request: TSchema): Promise<readonly ContractProblem[]> {
  try {
    return await checkContract(contract('greeter', { hello: unary(request, Nothing) }))
  } catch (error) {
    if (error instanceof NanowireError && error.code === 'failed_precondition')
      return (error.data as { problems: ContractProblem[] }).problems // as documented
    throw error
  }
}

describe('a sound contract has no problems', () => {
  test('with one of everything', async () => {
    const Sound = contract('greeter', {
      hello: unary(
        Type.Object({
          name: Type.String({ pattern: '^[a-z]+$', maxLength: 20 }),
          mail: Type.String({ format: 'email' }),
        }),
        Type.Record(Type.String(), Type.Record(Type.Integer(), Type.Record(Type.Number(), Type.Null()))),
        { errors: { Banned: Type.Object({ until: Type.String({ format: 'date-time' }) }) }, tag: 5 },
      ),
    })
    await expect(checkContract(Sound)).resolves.toEqual([])
  })

  test('recursive ones among them', async () => {
    for (const { name, schema } of schemaTable.filter((one) => one.name.startsWith('recursive'))) {
      expect(await problemsOf(schema), name).toEqual([])
    }
  })
})

describe('patterns', () => {
  test('that backtrack exponentially are errors, wherever they stand', async () => {
    const request = Type.Object({
      users: Type.Array(Type.Object({ name: Type.Optional(Type.String({ pattern: '^(\\w+\\s?)*$', maxLength: 10 })) })),
      tagged: Type.Array(Type.String(), { contains: Type.String({ pattern: '(x+x+)+y' }) }),
    })
    const Evil = contract('greeter', {
      hello: unary(Nothing, request, {
        errors: { Bad: Type.Record(Type.String({ pattern: '^(a|a)*$' }), Type.Null()) },
      }),
    })
    await expect(checkContract(Evil)).rejects.toMatchObject({
      code: 'failed_precondition',
      processed: 'no',
      data: {
        problems: [
          { method: 'greeter/hello', path: 'reply/users/*/name', severity: 'error' },
          { method: 'greeter/hello', path: 'reply/tagged/*', severity: 'error' },
          { method: 'greeter/hello', path: 'error Bad', severity: 'error' },
        ],
      },
    })
    await expect(checkContract(Evil)).rejects.toThrow(
      /^the contract greeter has 3 errors:\n {2}greeter\/hello reply\/users\/\*\/name: the pattern "\^\(\\\\w\+\\\\s\?\)\*\$" backtracks exponentially, on '.+ for one; do not repeat what holds a repetition/,
    )
  })

  test('that take a power of the length are errors for strings that may be long enough', async () => {
    const [problem] = await problemsOf(Type.String({ pattern: '\\s+$' }))
    expect(problem).toMatchObject({
      severity: 'error',
      path: 'request',
      remedy: 'give the string a maxLength of at most 10000, or anchor the pattern',
    })
    expect(problem?.problem).toMatch(/^the pattern "\\\\s\+\$" takes the square of a string's length in steps, on /)
    expect(await problemsOf(Type.String({ pattern: '\\s+$', maxLength: 10_000 }))).toEqual([])
    expect(await problemsOf(Type.String({ pattern: '\\s+$', maxLength: 10_001 }))).toHaveLength(1)
    expect(
      await problemsOf(Type.TemplateLiteral([Type.String(), Type.Literal('a'), Type.String(), Type.Literal('b')])),
    ).toMatchObject([{ severity: 'error' }])
  })

  test('that cannot be judged are warnings', () => {
    const unknown = { status: 'unknown', source: 'x', flags: 'u', error: { kind: 'timeout' }, checker: 'fuzz' } as const
    expect(findingOf('x', unknown, undefined)).toEqual({
      severity: 'warning',
      problem: 'the pattern "x" could not be proven to end (timeout)',
      remedy: 'write it more simply, or give the string a maxLength of a few dozen',
    })
  })
})

describe('recheck is asked for when it is needed', () => {
  afterEach(() => {
    vi.doUnmock('recheck')
    vi.resetModules()
  })

  test('a contract with patterns cannot do without it, another can', async () => {
    vi.resetModules()
    vi.doMock('recheck', () => {
      throw new Error("Cannot find package 'recheck'")
    })
    const testing = await import('../../src/testing/index.ts')
    const Greeter = contract('greeter', {
      hello: unary(Type.Record(Type.String(), Type.String({ pattern: '^a$' })), Nothing),
    })
    await expect(testing.checkContract(Greeter)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(
        /^the pattern "\^a\$" is judged by the package recheck, .*: npm install --save-dev recheck$/s,
      ),
    })
    const Plain = contract('greeter', { hello: unary(Type.Record(Type.String(), Type.String()), Nothing) })
    await expect(testing.checkContract(Plain)).resolves.toEqual([])
  })

  test('where it fails, a pattern is not proven', async () => {
    vi.resetModules()
    vi.doMock('recheck', () => ({ check: () => Promise.reject(new Error('spawn EACCES')) }))
    const testing = await import('../../src/testing/index.ts')
    const Greeter = contract('greeter', { hello: unary(Type.String({ pattern: '^a$' }), Nothing) })
    await expect(testing.checkContract(Greeter)).resolves.toMatchObject([
      {
        severity: 'warning',
        problem: 'the pattern "^a$" could not be proven to end (recheck failed: Error: spawn EACCES)',
      },
    ])
  })
})

describe('tags', () => {
  test('a hand-set tag that is the hash of another method', async () => {
    const Risky = contract('greeter', {
      hello: unary(Nothing, Nothing, { tag: tagOf('greeter/bye') }),
      bye: unary(Nothing, Nothing, { tag: 7 }),
    })
    await expect(checkContract(Risky)).rejects.toThrow(
      `greeter/hello tag: its tag ${tagOf('greeter/bye')} is what the name greeter/bye hashes to, so a peer without that method's tag set by hand would call this one; choose another number`,
    )
    const Fine = contract('greeter', {
      hello: unary(Nothing, Nothing, { tag: 6 }),
      bye: unary(Nothing, Nothing, { tag: tagOf('greeter/bye') }),
    })
    await expect(checkContract(Fine)).resolves.toEqual([])
  })
})

test('a format that nobody registered is a warning', async () => {
  expect(await problemsOf(Type.Object({ isbn: Type.String({ format: 'isbn' }) }))).toEqual([
    {
      method: 'greeter/hello',
      path: 'request/isbn',
      severity: 'warning',
      problem: 'nobody registered the format "isbn" here, so any string fits it',
      remedy: 'Format.Set("isbn", …) of typebox/format, in every process that uses the contract',
    },
  ])
})

test('a schema that cannot travel is an error, should one have come past contract()', async () => {
  const Greeter = contract('greeter', { hello: unary(Nothing, Nothing) })
  const { hello } = Greeter.methods
  const forged = {
    ...Greeter,
    methods: { hello: { ...hello, definition: { ...hello.definition, request: Type.Unsafe({ type: 'symbol' }) } } },
  }
  await expect(checkContract(forged as unknown as typeof Greeter)).rejects.toThrow(
    /greeter\/hello request: .*cannot travel.* a symbol/,
  ) // no type allows it
})

describe('recursive unions', () => {
  const ref = Type.Ref('N')
  const union = (...branches: TSchema[]) => Type.Cyclic({ N: Type.Union([...branches, Type.Null()]) }, 'N')
  const [a, b] = [Type.Literal('a'), Type.Literal('b')]

  test.each<[string, TSchema]>([
    [
      'nothing tells the branches apart',
      union(Type.Object({ next: ref, a: Type.Null() }), Type.Object({ next: ref, b: Type.Null() })),
    ],
    [
      'the literal comes after what recurses',
      union(Type.Object({ next: ref, kind: a }), Type.Object({ next: ref, kind: b })),
    ],
    [
      'the literal is optional',
      union(Type.Object({ kind: Type.Optional(a), next: ref }), Type.Object({ kind: b, next: ref })),
    ],
    [
      'the literals are the same',
      union(Type.Object({ kind: a, next: ref }), Type.Object({ kind: Type.Enum(['a', 'b']), next: ref })),
    ],
    [
      'undeclared properties recurse first',
      union(Type.Object({ kind: a }, { additionalProperties: ref }), Type.Object({ kind: b, next: ref })),
    ],
    ['through arrays', union(Type.Array(ref), Type.Array(ref, { minItems: 2 }))],
    ['through a union within', union(Type.Union([Type.Object({ x: ref }), Type.Object({ y: ref })]))],
    [
      'through two definitions',
      Type.Cyclic(
        {
          N: Type.Union([Type.Object({ m: Type.Ref('M') }), Type.Object({ m: Type.Ref('M'), x: Type.Null() })]),
          M: Type.Array(ref),
        },
        'N',
      ),
    ],
  ])('%s: a warning', async (_, schema) => {
    expect(await problemsOf(Type.Object({ node: schema }))).toMatchObject([
      { severity: 'warning', path: 'request/node', problem: expect.stringContaining('may double the time') },
    ])
  })

  test.each<[string, TSchema]>([
    ['a literal first', union(Type.Object({ kind: a, next: ref }), Type.Object({ kind: b, next: ref }))],
    ['an object and an array', union(Type.Object({ next: ref }), Type.Array(ref))],
    ['one recurses', union(Type.Object({ next: ref }), Type.Object({ value: Type.Null() }))],
    [
      'closed, with names of their own',
      union(Type.Object({ x: ref }, { additionalProperties: false }), Type.Object({ y: ref })),
    ],
    ['tuples that begin with a literal', union(Type.Tuple([a, ref]), Type.Tuple([b, ref]))],
    ['no recursion', Type.Union([Type.Object({ x: Type.Null() }), Type.Object({ y: Type.Null() })])],
  ])('%s: no warning', async (_, schema) => {
    expect(await problemsOf(schema)).toEqual([])
  })

  test('what is warned of is true: each level doubles the work', () => {
    let checks = 0
    const Leaf = Type.Refine(Type.Null({ 'x-name': 'counted' }), () => ++checks > 0)
    const visits = (depth: number, first: TSchema, second: TSchema): number => {
      const Node = Type.Cyclic({ N: Type.Union([first, second, Leaf]) }, 'N')
      let value: unknown = null
      for (let level = 0; level < depth; level++) value = { kind: 'b', next: value }
      checks = 0
      expect(Check(Node, value)).toBe(true)
      return checks
    }
    const late = [Type.Object({ next: ref, kind: a }), Type.Object({ next: ref, kind: b })] as const
    expect([visits(4, ...late), visits(8, ...late)]).toEqual([2 ** 4, 2 ** 8])
    const early = [Type.Object({ kind: a, next: ref }), Type.Object({ kind: b, next: ref })] as const
    expect([visits(4, ...early), visits(8, ...early)]).toEqual([1, 1])
  })
})

test('walkSchema meets every schema once, with the path of its values', () => {
  const paths: string[] = []
  const Shared = Type.String()
  const schema = Type.Object({
    type: Type.Array(Shared, { contains: Type.String(), default: [{ type: 'x' }] }),
    pair: Type.Tuple([Type.Number(), Shared]),
    either: Type.Union([Type.Literal('pattern'), Type.Record(Type.Integer(), Type.Null())]),
    node: Type.Cyclic({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }, 'Node'),
  })
  walkSchema(schema, (_, path) => paths.push(path))
  expect(paths.toSorted()).toEqual([
    '',
    '#Node',
    '#Node/next',
    '/either',
    '/either',
    '/either',
    '/either/*',
    '/node',
    '/pair',
    '/pair/0',
    '/type',
    '/type/*',
    '/type/*',
  ])
})
