/** Streams with a client in Python, which was written from spec/streams.md alone. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Server, serve } from '../../src/index.ts'
import { needs } from '../support/needs.ts'
import { runs } from '../support/runs.ts'
import { python } from './python.ts'
import { interop } from './service.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainMs: 0 })))
})

async function play(name: string, ...args: string[]): Promise<unknown> {
  const server = await serve(interop().service, 'tcp://127.0.0.1:0')
  servers.push(server)
  return python('streams.py', name, server.url, ...args).result()
}

describe.skipIf(!needs('python3'))('a client in Python', () => {
  test('F10: takes items of every size, and the metadata of their end', async () => {
    expect(await play('from_server')).toEqual([{ out: 'ä' }])
  })

  test('F5: sends items, and is answered before their end', async () => {
    expect(await play('to_server')).toEqual({
      totals: [
        { items: 30_000, total: 449_985_000 },
        { items: 500, total: 124_750 },
        { items: 0, total: 0 },
      ],
      early: [7, 9, null],
    })
  })

  test('sends and takes items of every size at once', async () => {
    expect(await play('both_ways')).toBe(34)
  })

  test('F6: is told what failed, behind the items before it', async () => {
    const refused = { code: 'invalid_argument', processed: 'no' }
    expect(await play('errors')).toEqual({
      declared: { code: 'Enough', processed: 'yes', items: 100 },
      misfit: { ...refused, items: 0 },
      missing: { code: 'unimplemented', processed: 'no', items: 0 },
      'no stream': { ...refused, items: 0 },
      'no items': { ...refused, items: 0 },
      'a stream': refused,
      'an item that does not fit': { code: 'invalid_argument', processed: 'yes' },
      'an item that cannot travel': { code: 'invalid_argument', processed: 'maybe' },
      'an item that is too large': { code: 'resource_exhausted', processed: 'maybe' },
      'a source that fails': 'mine',
      after: { items: 2, total: 3 },
    })
  })

  test('F7: leaves streams, and the handlers hear it', async () => {
    const cancelled = { code: 'cancelled', processed: 'maybe' }
    const late = { code: 'deadline_exceeded', processed: 'maybe' }
    const either = expect.stringMatching(/^(deadline_exceeded|cancelled)$/) // the client cancels at its deadline, too
    expect(await play('leaving')).toEqual(['cancelled', late, either, cancelled])
  })

  test('F20: sees which items a slow receiver lacks', async () => {
    expect(await play('slow')).toEqual({ last: 100_000, 'some were left out': true })
  })

  test('F21, F22: subscribes to events, by their key and to all', async () => {
    expect(await play('events')).toEqual([
      [1000, ['0', '1', '2'], 1000],
      [500, ['1', '3', '5'], 500],
      { code: 'invalid_argument', processed: 'no' },
      'unavailable',
    ])
  })

  test('makes and leaves calls of all kinds by chance, and nothing of them is left', async () => {
    const { numRuns } = runs(6)
    expect(await play('mixture', process.env['NANOWIRE_SEED'] === 'random' ? `${Date.now()}` : '1', `${numRuns}`)).toBe(
      'as they should be',
    )
  })

  test('F8, F9, F10: gets no more bulk than it gave credit for, and small replies all the same', async () => {
    const { more, ...others } = (await play('starving')) as Readonly<Record<string, unknown>> // it is a map
    // Items that are written where they leave are not cut, and the 336 bytes left of the first credit are worth no piece (F15).
    expect([3_009, 3_336]).toContain(more)
    expect(others).toEqual({
      stream: 16_048, // items of 1,003 bytes
      connection: true,
      small: [[4, 3]],
      ends: [[6, 1]],
      bulk: 203_681,
    })
  })

  test('is told which rule it broke', async () => {
    expect(await play('rude')).toEqual({
      'more than there is credit for': ['credit'],
      'items behind the END': ['stream'],
      'two ENDs': ['stream'],
      'items for a call without': ['stream'],
      'a gap that is cut': ['body'],
      'an END with a body': ['body'],
      'an END within an item': ['fragment'],
      'a further fragment with GAP': ['fragment'],
      'nothing for ever': ['limit'],
      crumbs: ['fragment'],
      'credit of nothing': ['credit'],
      'credit without end': ['credit'],
      'acknowledgement of nothing': ['credit'],
      'credit for a call without items': ['stream'],
      'a body beside INPUT': ['body'],
      'a notify with items': ['frame_flags'],
      'a priority of 3': ['body'],
    })
  })

  test('F8: makes small calls beside large ones and streams', async () => {
    expect(await play('beside')).toBe(true)
  })
})
