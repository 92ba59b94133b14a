/** The command line of the benchmark. */
import { describe, expect, it } from 'vitest'
import { PARTS, readSettings, UsageError } from './arguments.ts'
import { SYSTEMS } from './systems.ts'

it('without options everything is measured in five rounds, and nothing is written', () => {
  expect(readSettings([])).toMatchObject({
    parts: PARTS,
    systems: SYSTEMS,
    works: ['small', 'record', 'bytes'],
    inFlight: [1, 16, 64, 128, 512],
    rounds: 5,
    connections: 10_000,
    heldStreams: 10_000,
    slowSeconds: 60,
    write: false,
  })
})

it('takes lists, in the order of the tables', () => {
  const args = ['--only', 'nanowire, net', '--parts=idle,rpc', '--work', 'bytes', '--in-flight', '8,512']
  expect(readSettings(args)).toMatchObject({
    systems: ['net', 'nanowire'],
    parts: ['rpc', 'idle'],
    works: ['bytes'],
    inFlight: [8, 512],
  })
})

it('is quick in one round, or in as many as are asked for', () => {
  expect(readSettings(['--quick'])).toMatchObject({ rounds: 1, connections: 500 })
  expect(readSettings(['--quick', '--rounds', '3'])).toMatchObject({ rounds: 3, connections: 500 })
})

it('writes when told to', () => expect(readSettings(['--write'])).toMatchObject({ write: true }))
it('gives no settings to whom asks for help', () => expect(readSettings(['--help'])).toBeUndefined())

describe('an error', () => {
  it.each([
    [['--only', 'net,grcp'], '--only does not know grcp. It knows net, by-hand, nanowire, grpc, '],
    [
      ['--parts', 'all'],
      '--parts does not know all. It knows rpc, open, codecs, memory, idle, streams, mixed, held, slow, neighbours.',
    ],
    [['--work', ''], '--work does not know . It knows small, record, bytes.'],
    [['--rounds', '0'], '--rounds takes whole numbers from 1 to 10000, not 0.'],
    [['--rounds', '2.5'], '--rounds takes whole numbers from 1 to 10000, not 2.5.'],
    [['--in-flight', '1,many'], '--in-flight takes whole numbers from 1 to 10000, not many.'],
    [['--fast'], "Unknown option '--fast'"],
    [['now'], "Unexpected argument 'now'"],
  ])('of %j says what is wrong', (args, message) => {
    expect(() => readSettings(args)).toThrow(UsageError)
    expect(() => readSettings(args)).toThrow(message)
  })
})
