/** The command line of the benchmark. */
import { describe, expect, it } from 'vitest'
import { used } from '../support/used.ts'
import { PARTS, readSettings } from './arguments.ts'
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

describe('wrong use', () => {
  it.each([
    [['--only', 'net,grcp'], 'It does not know grcp. It knows net, by-hand, nanowire, grpc, '],
    [
      ['--parts', 'all'],
      'It does not know all. It knows rpc, open, codecs, memory, idle, streams, mixed, held, slow, neighbours.',
    ],
    [['--work', ''], 'It does not know . It knows small, record, bytes.'],
    [['--rounds', '0'], "option '--rounds <count>' argument '0' is invalid. It is a whole number from 1 to 10000."],
    [['--rounds', '2.5'], 'It is a whole number from 1 to 10000.'],
    [
      ['--in-flight', '1,many'],
      "option '--in-flight <counts>' argument '1,many' is invalid. It is a whole number from ",
    ],
    [['--fast'], "unknown option '--fast'"],
    [['now'], 'too many arguments'],
  ])('as by %j is told', (args, message) => {
    const { said, exitCode } = used(() => readSettings(args))
    expect(said).toContain(message)
    expect(exitCode).toBe(2)
  })
})
