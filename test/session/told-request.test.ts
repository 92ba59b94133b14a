/** What a handler's side is told of a request is used again, and never while somebody still reads it. */
import { expect, it } from 'vitest'
import type { IncomingRequest } from '../../src/session/index.ts'
import { giveBackRequest, takeRequest } from '../../src/session/told-request.ts'
import { flags, pack } from '../../src/wire/index.ts'
import { requestBody } from '../support/slow-frames.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed, request } from './messages.ts'

const { HASH, METADATA } = flags

/** Lets somebody look at what is told, and not at a copy of it. */
function told(made: Tapped, look: (request: IncomingRequest) => void): void {
  const { effects } = made
  const received = effects.requestReceived.bind(effects)
  effects.requestReceived = (call, one) => {
    look(one)
    received(call, one)
  }
}

const withMetadata = (tag: number, tenant: string): Uint8Array => {
  const metadata = pack({ tenant })
  return Uint8Array.of(...requestBody(tag, 0, []), 0, metadata.length, ...metadata, tag)
}

it('a request that comes while another is told changes nothing of that', () => {
  const outer = opened()
  const inner = opened()
  feed(inner, request(1)) // there is one to be used again
  const seen: unknown[] = []
  const say = ({ tag, metadata, buffer, start }: IncomingRequest): void => {
    seen.push([tag, metadata, buffer[start]])
  }
  told(inner, say)
  told(outer, (one) => {
    feed(inner, request(2, METADATA, withMetadata(2, 'inner')))
    say(one)
  })
  feed(outer, request(1, METADATA, withMetadata(1, 'outer')))
  expect(seen).toEqual([
    [2, { tenant: 'inner' }, 2],
    [1, { tenant: 'outer' }, 1],
  ])
})

it('the hash of the client is told, where it told one', () => {
  const made = opened()
  const hashes: unknown[] = []
  told(made, ({ hash }) => hashes.push(hash && [...hash]))
  const hash = Array.from({ length: 16 }, (_, at) => at)
  feed(made, request(1, HASH, Uint8Array.of(...requestBody(7, 0, []), ...hash, 0x2a)), request(2))
  expect(hashes).toEqual([hash, undefined])
})

it('a new one says nothing', () => {
  const used = takeRequest()
  const nothing = {
    tag: 0,
    oneWay: false,
    timeoutMs: 0,
    metadata: {},
    hash: undefined,
    judged: false,
    input: false,
    output: false,
    buffer: new Uint8Array(0),
    start: 0,
    end: 0,
  }
  expect(takeRequest()).toEqual(nothing) // the first was not given back
  giveBackRequest(used)
  expect(takeRequest()).toBe(used)
})

it('nothing of it is kept when it was told', () => {
  const made = opened()
  let kept: IncomingRequest | undefined
  told(made, (one) => {
    kept = one
  })
  const metadata = pack({ tenant: 'x' })
  const body = Uint8Array.of(...requestBody(7, 0, []), ...new Uint8Array(16), 0, metadata.length, ...metadata, 0x2a)
  feed(made, request(4, HASH | METADATA, body))
  expect(made.effects.requests).toMatchObject([{ tag: 7, metadata: { tenant: 'x' }, body: Uint8Array.of(0x2a) }])
  expect(kept).toMatchObject({ metadata: {}, hash: undefined })
  expect([Object.keys(kept?.metadata ?? { none: 1 }), kept?.buffer.length]).toEqual([[], 0])
})

it('one that was refused while it was read leaves the next as it is', () => {
  const made = opened({ limits: { maxMetadataBytes: 100 } })
  const long = pack({ tenant: 'x'.repeat(200) })
  const body = Uint8Array.of(...requestBody(7, 0, []), 0, long.length, ...long, 0x2a)
  feed(made, request(4, METADATA, body))
  expect(made.effects.violations.map(({ rule }) => rule)).toEqual(['limit'])
  const next = opened()
  feed(next, request(1, METADATA, withMetadata(2, 'next')))
  expect(next.effects.requests).toMatchObject([{ tag: 2, metadata: { tenant: 'next' } }])
})
