/** The client in Python: the hashes of contracts, and calls where they differ (spec/compatibility.md, session.md). */
import Type, { type TSchema } from 'typebox'
import { afterEach, describe, expect, test } from 'vitest'
import { describeContract, hashOf, judgeMethods } from '../../src/contract/index.ts'
import { contract, notify, type ServeOptions, type Server, serve, unary } from '../../src/index.ts'
import { pairs } from '../contract/compat-pairs.ts'
import { Chance, mutated, nodeOf, schemaOf } from '../contract/compat-schemas.ts'
import { needs } from '../support/needs.ts'
import { python } from './python.ts'
import { interop } from './service.ts'

const found = needs('python3')

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainMs: 0 })))
})

async function start(options: ServeOptions = {}) {
  const server = await serve(interop().service, 'tcp://127.0.0.1:0', options)
  servers.push(server)
  return {
    server,
    run: (name: string, ...args: string[]) => python('contracts.py', name, server.url, ...args).result(),
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** One contract of each side: the request goes there, the reply and the error come back. */
const contractOf = (request: TSchema, reply: TSchema) =>
  contract('pair', {
    ask: unary(request, Type.Null()),
    tell: unary(Type.Null(), reply, { errors: { Bad: reply }, description: 'ä' }),
    note: notify(request),
  })

async function judgedBy(both: readonly (readonly [ReturnType<typeof contractOf>, ReturnType<typeof contractOf>])[]) {
  const program = python('contracts.py', 'judged')
  program.finish(JSON.stringify(both.map((sides) => sides.map(describeContract))))
  const told = (await program.result()) as { hashes: string[]; problems: Record<string, string> }[]
  return both.map(([mine, theirs], at) => {
    const { hashes, problems } = told[at] ?? { hashes: [], problems: {} }
    return { mine, theirs, hashes, problems, verdicts: judgeMethods(describeContract(mine), describeContract(theirs)) }
  })
}

describe.skipIf(!found)('a client in Python, with a contract', () => {
  const reply = { value: { text: 'Hello, Ada' } }
  const apart = { code: 'failed_precondition', processed: 'no', rule: 'contract' }

  test('that it wrote itself has the hash that the server says', async () => {
    const { run } = await start()
    expect(await run('own')).toEqual({
      same: true,
      reply: reply.value,
      unknown: { code: 'invalid_argument', processed: 'no' },
    })
  })

  test('that it learned by reflection calls with its hash', async () => {
    const { run } = await start()
    expect(await run('learned')).toEqual({
      methods:
        'blobs count echo echoes ended first hello left log meta nothing rush shout shouted started total types wait watch whoami zeros'.split(
          ' ',
        ),
      replies: [reply.value, { text: 'Hello, Eve' }],
      missing: { code: 'not_found', processed: 'yes' },
    })
  })

  const ends = [reply, apart, apart, { code: 'Banned', processed: 'yes' }, { value: { text: 'Hello, Eve' } }]

  test('that differs asks by reflection, and calls what still fits, as judged', async () => {
    const { run } = await start()
    expect(await run('differs', 'late')).toEqual({
      ends,
      sent: [
        ['describe', false, false],
        ['hello', true, true],
        ['hello', false, true],
        ['hello', false, true],
      ],
    })
  })

  test('that differs is refused what it sent before the HELLO, and sends what still fits again', async () => {
    const { run } = await start()
    const got = (await run('differs', 'early')) as { ends: unknown; sent: [string, boolean, boolean][] }
    expect(got.ends).toEqual([...ends.slice(0, 2), expect.objectContaining({ processed: 'no' }), ...ends.slice(3)])
    expect(got.sent.slice(0, 4)).toEqual(['hello', 'left', 'gone', 'hello'].map((name) => [name, true, false]))
    expect(got.sent.slice(4).map(([name, , judged]) => `${name} ${judged}`)).toEqual([
      'describe false',
      'hello true',
      'hello true',
      'hello true',
    ])
  })

  test('that differs lets the server judge each call where it does not tell', async () => {
    const { run } = await start({ reflection: false })
    expect(await run('differs', 'late')).toEqual({
      ends: [
        reply,
        { value: 10_000 },
        { code: 'unimplemented', processed: 'no' },
        { code: 'Banned', processed: 'yes' },
        { value: { text: 'Hello, Eve' } },
      ].map((end, at) => (at === 1 ? { value: expect.any(Number) } : end)),
      sent: ['hello', 'left', 'gone', 'hello', 'hello'].map((name, at) => [name, at === 0, true]),
    })
  })

  test('that the server lacks calls nothing', async () => {
    const { run } = await start()
    expect(await run('lacking')).toEqual({ code: 'unimplemented', processed: 'no' })
  })
})

describe.skipIf(!found)('this server', () => {
  test('refuses a foreign hash, and what follows it, but not what was judged', async () => {
    const { run } = await start()
    const refusal = { code: 'failed_precondition', processed: 'no', rule: 'contract' }
    const reply = { text: 'Hello, Ada' }
    expect(await run('refused')).toEqual({
      1: refusal,
      2: refusal,
      3: reply,
      4: reply,
    })
  })
})

describe.skipIf(!found)('a judgement in Python', () => {
  test('has the hashes of generated contracts, and calls nothing fitting that may break', async () => {
    const both = Array.from({ length: 60 }, (_, seed) => {
      const chance = new Chance(seed + 1)
      const there = nodeOf(chance, 3)
      const back = nodeOf(chance, 3)
      const change = chance.of([0, 0.5, 1])
      const theirs = contractOf(schemaOf(mutated(there, chance, change)), schemaOf(mutated(back, chance, change)))
      return [contractOf(schemaOf(there), schemaOf(back)), theirs] as const
    })
    const judged = await judgedBy(both)
    let breaking = 0
    for (const { mine, theirs, hashes, problems, verdicts } of judged) {
      expect(hashes).toEqual([hex(hashOf(mine)), hex(hashOf(theirs))])
      for (const [name, { verdict }] of verdicts) {
        if (verdict === 'breaking') breaking++
        if (verdict === 'breaking') expect(problems, JSON.stringify(describeContract(mine))).toHaveProperty(name)
        if (verdict === 'identical') expect(problems).not.toHaveProperty(name)
      }
    }
    expect(breaking).toBeGreaterThan(20)
    expect(new Set(judged.flatMap(({ hashes }) => hashes)).size).toBeGreaterThan(80)
  })

  test('finds all that breaks in pairs whose verdict is known, and some of what does not', async () => {
    const both = pairs.map(({ one, other }) => [contractOf(one, other), contractOf(other, one)] as const)
    const judged = await judgedBy(both)
    const counts = { compatible: 0, timid: 0 }
    pairs.forEach(({ name, there }, at) => {
      const passes = judged[at]?.problems['ask'] === undefined
      if (there === 'breaking') expect(passes, name).toBe(false)
      if (there === 'identical') expect(passes, name).toBe(true)
      if (there === 'compatible') counts[passes ? 'compatible' : 'timid']++
    })
    console.info(`of what is compatible: ${counts.compatible} seen, ${counts.timid} called breaking`)
    expect(counts.compatible).toBeGreaterThan(10)
  })
})
