/** The judge of a campaign, by journals that were never written: each rule, and that the truth breaks none. */
import { describe, expect, it } from 'vitest'
import type { Entry } from './journal.ts'
import { judge } from './judge.ts'

const over: Entry = { what: 'over' }
const begin = (id: string): Entry => ({ what: 'begin', id })
const end = (id: string): Entry => ({ what: 'end', id })
const call = (id: string, kind = 'run'): Entry => ({ what: 'call', id, kind })
const calm = (id: string, kind = 'run'): Entry => ({ what: 'call', id, kind, isCalm: true })
const settled = (code: string, processed: string, id = 'a'): Entry => ({ what: 'settled', id, code, processed })

interface Told {
  readonly client: readonly Entry[]
  readonly server?: readonly Entry[]
  readonly clientKilled?: boolean
  readonly serverKilled?: boolean
}

function findings({ client, server = [], clientKilled = false, serverKilled = false }: Told): readonly string[] {
  return judge({
    clients: [{ entries: clientKilled ? client : [...client, over], killed: clientKilled }],
    servers: [{ entries: serverKilled ? server : [...server, over], killed: serverKilled }],
  }).findings
}

describe('the judge finds nothing', () => {
  it.each<[string, Told]>([
    ['a reply', { client: [call('a'), settled('ok', 'yes')], server: [begin('a'), end('a')] }],
    ['an error of the handler', { client: [call('a'), settled('Refused', 'yes')], server: [begin('a'), end('a')] }],
    ['a call that never left', { client: [call('a'), settled('unavailable', 'no')] }],
    ['a call that may have arrived, and did not', { client: [call('a'), settled('unavailable', 'maybe')] }],
    ['one that did', { client: [call('a'), settled('deadline_exceeded', 'maybe')], server: [begin('a'), end('a')] }],
    [
      'a handler that was killed',
      { client: [call('a'), settled('unavailable', 'maybe')], server: [begin('a')], serverKilled: true },
    ],
    ['a caller that was killed', { client: [call('a')], server: [begin('a'), end('a')], clientKilled: true }],
    ['a notify that never arrived', { client: [call('a', 'note'), settled('ok', 'maybe')] }],
    ['a stream that was left', { client: [call('a', 'give'), settled('left', 'maybe')], server: [begin('a')] }],
    ['a calm call that is answered', { client: [calm('a'), settled('ok', 'yes')], server: [begin('a'), end('a')] }],
    ['one whose process stood still for too long', { client: [calm('a'), settled('unavailable', 'maybe')] }],
  ])('wrong with %s', (_, told) => {
    expect(findings(told)).toEqual([])
  })
})

describe('the judge finds', () => {
  it.each<[string, Told, RegExp]>([
    ['a call that never settles', { client: [call('a')] }, /^a \(run\) has never settled$/],
    [
      'one that settles twice',
      { client: [call('a'), settled('cancelled', 'no'), settled('cancelled', 'no')] },
      /twice/,
    ],
    [
      'a handler that ran all the same',
      { client: [call('a'), settled('unavailable', 'no')], server: [begin('a'), end('a')] },
      /did not run, but it did/,
    ],
    [
      'a handler that ran twice',
      { client: [call('a'), settled('ok', 'yes')], server: [begin('a'), end('a'), begin('a'), end('a')] },
      /ran 2 times/,
    ],
    ['a handler that did not run', { client: [call('a'), settled('Refused', 'yes')] }, /ran, but it did not/],
    [
      'an answer before the end',
      { client: [call('a'), settled('Refused', 'yes')], server: [begin('a')] },
      /before its handler had ended/,
    ],
    ['a reply from nowhere', { client: [call('a'), settled('ok', 'maybe')] }, /no handler gave/],
    [
      'an error of a handler that may not have run',
      { client: [call('a'), settled('internal', 'maybe')] },
      /error of a handler/,
    ],
    [
      'a code that has no reason',
      { client: [call('a'), settled('unknown', 'maybe')] },
      /as nothing should: run unknown maybe/,
    ],
    ['a handler that nobody called', { client: [], server: [begin('z'), end('z')] }, /nobody has called/],
    [
      'a reply that was lost though nothing went wrong',
      { client: [calm('a'), settled('deadline_exceeded', 'maybe')], server: [begin('a'), end('a')] },
      /^a met no fault, and was lost: run deadline_exceeded maybe$/,
    ],
    [
      'a notify that was lost though nothing went wrong',
      { client: [calm('a', 'note'), settled('ok', 'maybe')] },
      /^a met no fault, and never ran: note ok maybe$/,
    ],
    [
      'what a process found itself',
      { client: [{ what: 'wrong', text: 'at a client: torn: 3 of a' }] },
      /^at a client: torn/,
    ],
  ])('%s', (_, told, finding) => {
    expect(findings(told)).toEqual([expect.stringMatching(finding)])
  })

  it('a process that ended without its last word', () => {
    const found = judge({
      clients: [{ entries: [], killed: false }],
      servers: [{ entries: [], killed: true }],
    }).findings
    expect(found).toEqual(['a process did not end in good order'])
  })
})
