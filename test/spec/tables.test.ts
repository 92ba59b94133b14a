/** The tables of the spec are those of the code: neither can change alone. */
import { describe, expect, it } from 'vitest'
import type { MethodKind } from '../../src/contract/index.ts'
import {
  bidiStream,
  clientStream,
  type EventOptions,
  event,
  type MethodOptions,
  notify,
  type StreamOptions,
  serverStream,
  statusCodes,
  unary,
} from '../../src/index.ts'
import { limitRules } from '../../src/limits.ts'
import { codeFor } from '../../src/session/causes.ts'
import { MAX_CALLS_BEFORE_HELLO, type State, steps } from '../../src/session/index.ts'
import {
  flags,
  HEADER_BYTES,
  kindRules,
  kinds,
  PROTOCOL_MAJOR,
  ProtocolError,
  type ProtocolRule,
  peerLimitNames,
} from '../../src/wire/index.ts'
import { numberOf, tableOf } from './tables.ts'

describe('protocol.md', () => {
  it('P1: says what each kind may have', () => {
    const table = tableOf('protocol.md', 'Kind').map((row) => {
      const [min = 0, max] = (row['Body bytes'] ?? '').replace('the limit', 'Infinity').split(' to ').map(Number)
      const names = (row['Flags'] ?? '-').split(' ').filter((name) => name !== '-') as (keyof typeof flags)[] // looked up below
      return {
        name: row['Kind'],
        number: Number(row['Number']),
        id: { call: 'call', '0': 'zero', 'call or 0': 'either' }[row['Id'] ?? ''],
        minBytes: min,
        maxBytes: max ?? min,
        flags: names.reduce((bits, name) => bits | flags[name], 0),
      }
    })
    expect(table).toEqual(Object.entries(kindRules).map(([number, rule]) => ({ ...rule, number: Number(number) })))
    expect(table.map(({ name, number }) => [name, number])).toEqual(Object.entries(kinds))
  })

  it('P1: says the bit of each flag, and the length of a header', () => {
    const table = tableOf('protocol.md', 'Flag').map((row) => [row['Flag'], Number(row['Bit'])])
    expect(Object.fromEntries(table)).toEqual(flags)
    expect(tableOf('protocol.md', 'Bytes').slice(0, 4).at(-1)?.['Bytes']).toBe(`5 to ${HEADER_BYTES - 1}`)
  })

  it('P12, P16: name the limits of a HELLO', () => {
    const names = tableOf('protocol.md', 'Limit').flatMap((row) => row['Limit']?.split(', ') ?? [])
    expect(names).toEqual([...peerLimitNames])
    expect(PROTOCOL_MAJOR).toBe(1)
  })

  it('P25: gives each rule its code', () => {
    const codes: Readonly<Record<ProtocolRule, true>> = {
      not_nanowire: true,
      version: true,
      hello: true,
      second_hello: true,
      frame_size: true,
      frame_kind: true,
      frame_flags: true,
      frame_id: true,
      frame_order: true,
      body: true,
      fragment: true,
      stream: true,
      credit: true,
      limit: true,
      timeout: true,
      auth: true,
    }
    const expected = Object.keys(codes).map((rule) => [rule, codeFor(new ProtocolError(rule as ProtocolRule, ''))]) // its own keys
    expect(tableOf('protocol.md', 'Rule').map((row) => [row['Rule'], row['Code']])).toEqual(expected)
  })
})

describe('session.md', () => {
  it('names every step as the state machine has it', () => {
    const table = tableOf('session.md', 'Step').map(({ Step = '', From = '', To }) => [
      Step,
      { from: From.split(', '), to: To },
    ])
    expect(Object.fromEntries(table)).toEqual(steps)
  })

  it('names every state', () => {
    const states: Readonly<Record<State['name'], true>> = {
      opening: true,
      admitting: true,
      open: true,
      draining: true,
      closing: true,
      closed: true,
    }
    expect(tableOf('session.md', 'State').map((row) => row['State'])).toEqual(Object.keys(states))
  })
})

describe('errors.md', () => {
  it('E1: has the sixteen codes', () => {
    const table = tableOf('errors.md', 'Code').map((row) => [row['Code'], row['Means']])
    expect(table).toEqual(Object.entries(statusCodes))
    expect(table).toHaveLength(16)
  })

  it('E1: the situations have codes that there are', () => {
    const codes = tableOf('errors.md', 'Situation').map((row) => (row['Code'] ?? '').split(', or what')[0] ?? '')
    const others = new Set(['its name', 'that status', 'by the rule (protocol.md)'])
    expect(codes.filter((code) => !Object.hasOwn(statusCodes, code) && !others.has(code))).toEqual([])
  })
})

describe('limits.md', () => {
  it('has every limit with its default and its range', () => {
    const table = tableOf('limits.md', 'Limit').map((row) => {
      const [name, ...numbers] = [row['Limit'], row['Default'], row['Least'], row['Most']]
      return [name, numbers.map(numberOf)]
    })
    const rules = Object.entries(limitRules).map(([name, rule]) => [name, [rule.default, rule.min, rule.max]])
    expect(table).toEqual(rules)
  })

  it('S2: has the number of requests before the HELLO', () => {
    const bounds = Object.fromEntries(tableOf('limits.md', 'Bound').map((row) => [row['Bound'], row['Number']]))
    expect(numberOf(bounds["requests before the server's HELLO"])).toBe(MAX_CALLS_BEFORE_HELLO)
  })
})

const makers: Readonly<Record<MethodKind, (options: object) => unknown>> = {
  unary: (options) => unary({}, {}, options),
  notify: (options) => notify({}, options),
  serverStream: (options) => serverStream({}, {}, options),
  clientStream: (options) => clientStream({}, {}, options),
  bidiStream: (options) => bidiStream({}, {}, options),
  event: (options) => event({}, options),
}

function mayBe(act: () => unknown): boolean {
  try {
    return act() !== undefined
  } catch {
    return false
  }
}

it('C8: contract.md has every kind of method', () => {
  expect(tableOf('contract.md', 'Kind').map((row) => row['Kind'])).toEqual(Object.keys(makers))
  for (const make of Object.values(makers)) expect(mayBe(() => make({}))).toBe(true)
})

it('C9: contract.md has every option of a method', () => {
  type Name = keyof MethodOptions | keyof StreamOptions<Record<never, never>> | keyof EventOptions<string>
  const options: Readonly<Record<Name, true>> = {
    errors: true,
    idempotent: true,
    tag: true,
    timeoutMs: true,
    deprecated: true,
    description: true,
    slow: true,
    key: true,
  }
  const table = tableOf('contract.md', 'Option')
  expect(table.map((row) => row['Option'])).toEqual(Object.keys(options))
  for (const { Option: option = '', Of: of = '' } of table) {
    const takers = Object.values(makers).map((make) => mayBe(() => make({ [option]: undefined })))
    const words: readonly string[] = of.match(/\w+/g) ?? []
    const said = Object.keys(makers).map((kind) => words.includes('all') !== words.includes(kind))
    expect([option, takers]).toEqual([option, said])
  }
})
