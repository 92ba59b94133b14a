/** Credentials that are none: a mistake of who wrote them, and not a run in which nobody gets in (spec/testing.md). */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { type CredentialsSource, contract, NanowireError, service, unary } from '../../src/index.ts'
import { type SimulateOptions, simulate } from '../../src/testing/index.ts'

const One = contract('one', { go: unary(Type.Object({}), Type.Integer()) })

const options: SimulateOptions = {
  services: () => service(One, { go: () => 1 }),
  faults: [],
  seeds: 2,
  workload: async (sim) => void (await sim.client(One).go.try({})),
  serve: { authenticate: ({ credentials }) => credentials },
}

async function failureOf(credentials: unknown): Promise<NanowireError> {
  const connect = { credentials: credentials as CredentialsSource } // as a program without types writes it
  const error: unknown = await simulate({ ...options, connect }).catch((reason: unknown) => reason)
  if (error instanceof NanowireError) return error
  throw new Error(`simulate ended with ${String(error)}`)
}

const bad: readonly (readonly [string, unknown])[] = [
  ['a number', 3],
  ['null', null],
  ['a map of a bigint', { a: 1n }],
  ['a list', ['Ada']],
  ['too long a text', 'x'.repeat(9_000)],
]

describe('bad credentials', () => {
  it.each(bad)('are refused before the first seed: %s', async (_, credentials) => {
    const { code, message } = await failureOf(credentials)
    expect([code, message]).toEqual([
      'invalid_argument',
      expect.stringMatching(/^simulate: connect: credentials (are|of)/),
    ])
  })

  it.each([...bad, ['nothing', undefined] as const])(
    'end the seed where a function gives them: %s',
    async (_, given) => {
      for (const source of [() => given, async () => given]) {
        const { code, message } = await failureOf(source)
        expect(code).toBe('failed_precondition')
        expect(message).toMatch(/^seed 1: the function connect\.credentials gave what are none: credentials (are|of)/)
      }
    },
  )

  it.each([
    ['a text', 'Ada'],
    ['names and texts', { user: 'Ada' }],
    ['a function', () => 'Ada'],
    ['a function that takes a while', async () => ({ user: 'Ada' })],
  ])('are not those that the library takes: %s', async (_, credentials) => {
    expect(await simulate({ ...options, connect: { credentials } })).toMatchObject({ handled: 2, codes: { ok: 2 } })
  })

  it('are not those of a function that throws, which its calls are told', async () => {
    const credentials = () => {
      throw new Error('no token just now')
    }
    expect(await simulate({ ...options, connect: { credentials } })).toMatchObject({ codes: { unauthenticated: 2 } })
  })
})
