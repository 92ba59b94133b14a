/** What a stream's sender makes of items that cannot leave at once (spec/streams.md, F3, F10, F12, F14, F20), at its borders. */
import { describe, expect, it, vi } from 'vitest'
import type { ItemToSend } from '../../src/session/index.ts'
import { type Body, flags, kinds } from '../../src/wire/index.ts'
import { opened, type Tapped } from '../support/tapped.ts'
import { feed } from './messages.ts'
import { beginAt, beginFrom, both, credit, Item, ramp, said } from './streams-kit.ts'

const { OUTPUT } = flags
const FIRST_CREDIT = 16_384

/** An item with large bytes in it, which are not copied. */
class LargeItem implements ItemToSend {
  readonly body: Body

  constructor(...pieces: Uint8Array[]) {
    this.body = { pieces, length: pieces.reduce((sum, { length }) => sum + length, 0) }
  }

  encodeInto(): number {
    return -1
  }

  toBody(): Body {
    return this.body
  }
}

/** A stream whose first credit is used. */
function used() {
  const { made, outflow } = both('client')
  expect(outflow.put(new Item(FIRST_CREDIT))).toBe(false)
  expect(said(made)).toEqual([`DATA 1 ${FIRST_CREDIT}`, 'DATA 1 WAIT 0'])
  return { made, outflow }
}

/** A stream that has credit, of a connection whose window is full. */
function crowded(sentBefore = 0) {
  const made = opened()
  const { flow } = beginAt(made, 9, OUTPUT)
  const { outflow } = flow
  if (!outflow) throw new Error('no stream')
  if (sentBefore > 0) expect(outflow.put(new Item(sentBefore))).toBe(true)
  for (const id of [10, 11, 12, 13])
    beginAt(made, id, OUTPUT).flow.outflow?.put(new Item(id < 13 ? 16_384 : 16_384 - sentBefore))
  said(made)
  return { made, outflow }
}

const itemsIn = (made: Tapped) => said(made).filter((word) => word.startsWith('DATA'))

describe('what waits', () => {
  it('is something unsent, and nothing else is', () => {
    const { made, outflow } = both('client')
    expect(outflow.isUnsent).toBe(false)
    outflow.put(new Item(100))
    expect(outflow.isUnsent).toBe(false)
    outflow.put(new Item(40_000))
    expect(outflow.isUnsent).toBe(true)
    feed(made, credit(1, 40_000))
    expect(outflow.isUnsent).toBe(false)
  })

  it('leaves as soon as there is credit for all of an item, or for 1,024 bytes of it', () => {
    const { made, outflow } = used()
    outflow.put(new Item(500))
    feed(made, credit(1, 499))
    expect(itemsIn(made)).toEqual(['DATA 1 WAIT 0'])
    feed(made, credit(1, 1))
    expect(itemsIn(made)).toEqual(['DATA 1 500'])
    outflow.put(new Item(5_000))
    expect(itemsIn(made)).toEqual(['DATA 1 WAIT 0'])
    feed(made, credit(1, 1_023))
    expect(itemsIn(made)).toEqual(['DATA 1 WAIT 0'])
    feed(made, credit(1, 1))
    expect(itemsIn(made)).toEqual(['DATA 1 MORE 1024', 'DATA 1 MORE WAIT 0'])
  })

  it('leaves together where items are short: 4,096 bytes at most, and no more of a frame', () => {
    const { made, outflow } = used()
    for (const bytes of [5, 6, 3_989, 96, 1, 4_097, 2]) outflow.put(new Item(bytes))
    feed(made, credit(1, 40_000))
    expect(itemsIn(made)).toEqual(['DATA 1 4096', 'DATA 1 1', 'DATA 1 4097', 'DATA 1 2'])
    const bodies = made.link.sent.flatMap(({ kind, body }) => (kind === kinds.DATA ? [body] : [])).slice(2, 3)
    const expected = Buffer.concat([ramp(5), ramp(6), ramp(3_989), ramp(96)])
    expect(Buffer.compare(Buffer.concat(bodies), expected)).toBe(0)
  })

  it('is not put together with items that have large bytes in them, nor over a gap', () => {
    const { made, outflow } = used()
    outflow.put(new Item(5))
    outflow.put(new LargeItem(ramp(6), ramp(1)))
    outflow.put(new Item(8))
    outflow.put(new Item(9), 3)
    outflow.put(new Item(10))
    feed(made, credit(1, 40_000))
    expect(itemsIn(made)).toEqual(['DATA 1 5', 'DATA 1 7', 'DATA 1 8', 'DATA 1 GAP 23'])
  })

  it('is what was put, whatever becomes of the memory', () => {
    const { made, outflow } = used()
    const pieces = [ramp(30_000), ramp(30_000, 30_000)]
    outflow.put(new LargeItem(...pieces))
    for (const piece of pieces) piece.fill(0xee)
    feed(made, credit(1, 60_000), credit(0, FIRST_CREDIT))
    feed(made, credit(0, 40_000))
    const bodies = made.link.sent.flatMap(({ kind, body }) => (kind === kinds.DATA ? [body] : []))
    expect(Buffer.compare(Buffer.concat(bodies).subarray(FIRST_CREDIT), ramp(60_000))).toBe(0)
  })
})

describe('F20: what was left out', () => {
  it('is told once, with the first fragment of the next item', () => {
    const { made, outflow } = both('client')
    outflow.put(new Item(20_000), 7)
    feed(made, credit(1, 30_000))
    expect(itemsIn(made)).toEqual(['DATA 1 MORE GAP 16384', 'DATA 1 MORE WAIT 0', 'DATA 1 3620'])
  })

  it('takes four bytes of the credit, and of what is under way', () => {
    const { made, outflow } = both('client')
    expect(outflow.put(new Item(4), 5)).toBe(true)
    expect(outflow.put(new Item(FIRST_CREDIT - 8))).toBe(false)
    expect(said(made)).toEqual(['DATA 1 GAP 8', `DATA 1 ${FIRST_CREDIT - 8}`, 'DATA 1 WAIT 0'])
    feed(made, credit(0, FIRST_CREDIT))
    expect(made.effects.violations).toEqual([])
    feed(made, credit(0, 1))
    expect(made.effects.violations).toMatchObject([{ rule: 'credit' }])
  })
})

describe('a producer', () => {
  it('is told that it may go on where it was told to wait, and once', () => {
    const { made, outflow } = both('client')
    const onReady = vi.fn()
    outflow.onReady = onReady
    feed(made, credit(1, 10))
    expect(outflow.put(new Item(10))).toBe(true)
    feed(made, credit(1, 10))
    expect(onReady).not.toHaveBeenCalled()
    expect(outflow.put(new Item(20_000))).toBe(false)
    expect(onReady).not.toHaveBeenCalled()
    feed(made, credit(1, 20_000))
    expect(onReady).toHaveBeenCalledOnce()
    feed(made, credit(1, 20_000))
    expect(onReady).toHaveBeenCalledOnce()
  })

  it('is not told so while all of the credit is for what waits', () => {
    const { made, outflow } = used()
    const onReady = vi.fn()
    outflow.onReady = onReady
    expect(outflow.put(new Item(3_000))).toBe(false)
    feed(made, credit(1, 3_000))
    expect([itemsIn(made), onReady.mock.calls.length]).toEqual([['DATA 1 3000'], 0])
    feed(made, credit(1, 1))
    expect(onReady).toHaveBeenCalledOnce()
  })

  it('goes on up to 4,096 bytes while its items wait for others', () => {
    const { outflow } = crowded()
    expect(outflow.put(new Item(4_095))).toBe(true)
    expect(outflow.put(new Item(1))).toBe(false)
  })

  it('goes on as long as there is credit for more than waits', () => {
    const { outflow } = crowded(FIRST_CREDIT - 100)
    expect(outflow.put(new Item(99))).toBe(true)
    expect(outflow.put(new Item(1))).toBe(false)
  })
})

describe('F12: a WAIT', () => {
  it('is sent when the credit is used up, also where that comes long after the item was put', () => {
    const { made, outflow } = crowded()
    expect(outflow.put(new Item(40_000))).toBe(false)
    expect(itemsIn(made)).toEqual([])
    feed(made, credit(0, 8_000))
    expect(itemsIn(made)).toEqual(['DATA 9 MORE 8000']) // there is more credit
    feed(made, credit(0, 50_000))
    expect(itemsIn(made)).toEqual(['DATA 9 MORE 8384', 'DATA 9 MORE WAIT 0'])
  })
})

describe('F3: an item of the greatest length', () => {
  it('is sent, and one that is longer is refused in words, and counted', () => {
    const made = opened({ role: 'client', peerLimits: { maxMessageBytes: 20_000 } })
    const { outflow } = beginFrom(made, { input: true }).flow
    expect(outflow?.put(new Item(20_000))).toBe(false)
    feed(made, credit(1, 90_000))
    expect(made.effects.limits).toEqual([])
    const message = 'an item of 20001 bytes: maxMessageBytes is 20000 (peer tap:1; its option limits.maxMessageBytes)'
    let thrown: unknown
    try {
      outflow?.put(new Item(20_001))
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'resource_exhausted', processed: 'yes', message })
    expect(made.effects.limits).toEqual([{ name: 'maxMessageBytes', message }])
    expect(outflow?.put(new Item(1))).toBe(true)
  })
})
