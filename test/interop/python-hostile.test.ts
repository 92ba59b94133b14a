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
  /** Bytes of bulk for which the client gave the connection credit (spec/streams.md, F9). */
  readonly acknowledged?: number
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
const badStream = breach('stream', 'internal', 'maybe')
const badFragment = breach('fragment', 'internal', 'maybe')
const badCredit = breach('credit', 'internal', 'maybe')

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
  items: badStream,
  'an END': badStream,
  'credit for a call without items': badStream,
  'a PRIORITY': wrongOrder,
  'items of a call that nobody made': { ...goesOn('None'), acknowledged: 180_000 },
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
  'a deep reply': { ...goesOn('internal yes'), acknowledged: 40_001 },
  'a wide reply': { ...goesOn('internal yes'), acknowledged: 540_000 },
  'an endless reply': { ...goesOn('resource_exhausted yes'), acknowledged: 4_915_200 },
  'fragments of nothing': goesOn('None'),
  'items that end': goesOn('1:1 2:2 3:3'),
  'items and an error': goesOn('aborted yes 1:1'),
  'a gap': goesOn('1:1 9:9'),
  'an item in fragments': goesOn('1:abc'),
  'an item that is none': goesOn('internal maybe 1:1'),
  'half an item': goesOn('internal maybe 1:1'),
  'items in fragments': goesOn('1:abc 2:5 3:1'),
  'fragments of no items': goesOn('1:1'),
  'an END within an item': badFragment,
  'flags in a fragment of an item': badFragment,
  'a short gap': badBody,
  'an END with a body': badBody,
  'a RESPONSE for a stream': badStream,
  'items beyond the credit': breach('credit', 'internal', 'maybe 1:16381 bytes'),
  'items after the end': { ...goesOn('1:1'), acknowledged: 66_001 },
  'nothing for ever': breach('limit', 'resource_exhausted', 'maybe'),
  'an item in crumbs': badFragment,
  'credit of nothing': badCredit,
  'credit without end': badCredit,
  'acknowledgement of nothing': badCredit,
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
