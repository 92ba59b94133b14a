/** The client in Python, with servers that are none or break the protocol: a clear error each time, and no hanging. */
import { beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../support/needs.ts'
import { python } from './python.ts'

const found = needs('python3')

/** How connecting and calling end (code, processed, rule), and by which rule the client takes its leave. */
interface End {
  readonly end: string
  readonly told: readonly string[]
  readonly 'goes on'?: true
}
const breach = (rule: string, code: string, processed: string): End => ({
  end: `${code} ${processed} ${rule}`,
  told: [rule],
})
const goesOn = (end: string): End => ({ end, told: [], 'goes on': true })

const noServer = breach('not_nanowire', 'unavailable', 'no')
const badHello = breach('hello', 'internal', 'no')
const wrongOrder = breach('frame_order', 'internal', 'maybe')
const wrongSize = breach('frame_size', 'internal', 'maybe')
const badBody = breach('body', 'internal', 'maybe')

const ends: Readonly<Record<string, End>> = {
  http: noServer,
  tls: noServer,
  ssh: noServer,
  zeros: noServer,
  'another kind': noServer,
  'too long': breach('frame_size', 'internal', 'no'),
  'no NWIR': noServer,
  'another version': breach('version', 'failed_precondition', 'no'),
  'no map': badHello,
  'deep map': badHello,
  'no limits': badHello,
  'limits of nothing': badHello,
  'contracts without hashes': badHello,
  refusal: { end: 'resource_exhausted no limit', told: [] },
  'refusal by what nobody knows': { end: 'unknown no rain', told: [] },
  'refusal of a call': breach('frame_order', 'internal', 'no'),
  silence: breach('timeout', 'unavailable', 'no'),
  'second HELLO': breach('second_hello', 'internal', 'maybe'),
  'a REQUEST': wrongOrder,
  'a stream': wrongOrder,
  oversize: wrongSize,
  'unknown kind': breach('frame_kind', 'internal', 'maybe'),
  'unknown flag': breach('frame_flags', 'internal', 'maybe'),
  'id 0': breach('frame_id', 'internal', 'maybe'),
  'flags in a fragment': breach('fragment', 'internal', 'maybe'),
  'metadata past the frame': badBody,
  'an ERROR that is none': badBody,
  'a short PING': wrongSize,
  noise: wrongSize,
  'the end of the connection': { end: 'unavailable maybe', told: [] },
  'no MessagePack': goesOn('internal yes'),
  nothing: goesOn('internal yes'),
  'a deep reply': goesOn('internal yes'),
  'a wide reply': goesOn('internal yes'),
  'an endless reply': goesOn('resource_exhausted yes'),
  'fragments of nothing': goesOn('None'),
}

describe.skipIf(!found)('a client in Python, with a server that sends', () => {
  let met: Record<string, End>
  beforeAll(async () => {
    met = (await python('hostile.py', 'hostile').result()) as typeof met
  })

  test.for(Object.entries(ends))('%s, ends clearly', ([name, end]) => {
    expect(met[name]).toEqual(end)
  })

  test('nothing that is not listed here', () => {
    expect(Object.keys(met)).toEqual(Object.keys(ends))
  })
})
