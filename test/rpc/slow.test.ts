/** What becomes of items whose receiver is slow: each policy, against a slow and obvious twin. */
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { readSlow, type SlowRule } from '../../src/contract/index.ts'
import { contract, event, NanowireError, type SlowOption, serverStream, service, unary } from '../../src/index.ts'
import { END, Items } from '../../src/rpc/item-stream.ts'
import { LocalItems } from '../../src/rpc/local-items.ts'
import { slowRuleOf } from '../../src/rpc/service.ts'
import { type HoldingSink, SlowSink } from '../../src/rpc/slow.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

const Body = Type.Object({ key: Type.String(), size: Type.Integer() })
const Lab = contract('lab', {
  ask: unary(Type.Object({}), Body),
  items: serverStream(Type.Object({}), Body),
  some: event(Body, { key: 'key' }),
  all: event(Body),
})
const { items: plain, some: keyed } = Lab.methods

interface Item {
  readonly key: string
  readonly size: number
  readonly n: number
}

/** Takes as many items as it is told to. */
class HandSink implements HoldingSink {
  readonly got: unknown[] = []
  /** How many more it takes. */
  room = 0
  onHold = (_item: unknown): void => {}
  beforePut = (): void => {}
  onPut = (): void => {}

  put(item: unknown): boolean {
    return this.putHeld(item, 0)
  }

  hold(item: unknown): unknown {
    this.onHold(item)
    return item
  }

  bytesOf(held: unknown): number {
    return (held as Item).size
  }

  putHeld(held: unknown, gap: number): boolean {
    this.beforePut()
    this.got.push(gap === 0 ? (held as Item).n : `${gap} left out, ${(held as Item).n}`)
    this.room--
    this.onPut()
    return this.room > 0
  }

  end(): void {
    this.got.push('end')
  }

  fail(error: unknown): void {
    this.got.push(error instanceof NanowireError ? error.code : error)
  }
}

function setUp(option: SlowOption, method: typeof plain | typeof keyed = plain) {
  const sink = new HandSink()
  const slow = new SlowSink(sink, readSlow('test', option), method)
  let n = 0
  const put = (key = '', size = 1): void => {
    slow.put({ key, size, n: ++n })
  }
  const puts = (count: number): void => {
    for (let i = 0; i < count; i++) put()
  }
  const take = (count: number): void => {
    sink.room = count
    slow.resume()
  }
  return { sink, slow, put, puts, take, got: sink.got }
}

describe('a receiver that keeps up', () => {
  it.each(['dropOldest', 'latest', 'disconnect'] as const)('gets every item under %s, and none waits', (policy) => {
    const { sink, slow, puts, got } = setUp({ policy, maxItems: 1 })
    sink.room = Number.POSITIVE_INFINITY
    sink.onHold = () => expect.fail('an item was held')
    puts(5)
    slow.end()
    expect(got).toEqual([1, 2, 3, 4, 5, 'end'])
  })
})

describe('dropOldest (F19, F20)', () => {
  it('leaves out the oldest items, and says how many before the next', () => {
    const { puts, take, got } = setUp({ policy: 'dropOldest', maxItems: 3 })
    puts(7)
    expect(got).toEqual([1]) // it takes one at least
    take(2)
    puts(3)
    take(10)
    expect(got).toEqual([1, '3 left out, 5', 6, '1 left out, 8', 9, 10])
  })

  it('counts bytes, and always has room for the newest item alone', () => {
    const { put, take, got } = setUp({ policy: 'dropOldest', maxBytes: 10 })
    for (const size of [1, 4, 4, 4, 100, 5, 6]) put('', size)
    take(10)
    expect(got).toEqual([1, '5 left out, 7'])
    for (const size of [1, 5, 5]) put('', size)
    take(10)
    expect(got.slice(2)).toEqual([8, 9, 10])
  })

  it('ends after the items that wait', () => {
    const { slow, puts, take, got } = setUp('dropOldest')
    puts(3)
    slow.end()
    expect(got).toEqual([1])
    take(1)
    expect(got).toEqual([1, 2])
    take(1)
    expect(got).toEqual([1, 2, 3, 'end'])
  })

  it('fails after the items that came before', () => {
    const { slow, puts, take, got } = setUp('dropOldest')
    puts(2)
    slow.fail('why')
    take(5)
    puts(1)
    slow.end()
    expect(got).toEqual([1, 2, 'why'])
  })

  it('forgets what waits when it is stopped, and puts nothing more', () => {
    const { slow, puts, take, got } = setUp('dropOldest')
    puts(3)
    slow.stop()
    puts(1)
    slow.end()
    take(5)
    expect(got).toEqual([1])
  })
})

describe('latest (F19, F20)', () => {
  it('keeps the newest item', () => {
    const { slow, puts, take, got } = setUp('latest')
    puts(4)
    take(1)
    puts(2)
    slow.end()
    take(5)
    expect(got).toEqual([1, '2 left out, 4', '1 left out, 6', 'end'])
  })

  it('keeps the newest of each key of an event, in the order in which they were published', () => {
    const { put, take, got } = setUp('latest', keyed)
    for (const key of ['a', 'a', 'b', 'a', 'c', 'b']) put(key) // 1 is taken at once
    take(5)
    expect(got).toEqual([1, '2 left out, 4', 5, 6])
  })

  it('keeps its order, whichever of those that wait is replaced', () => {
    const { put, take, got } = setUp('latest', keyed)
    for (const key of ['a', 'a', 'b', 'c', 'b', 'c']) put(key)
    take(5)
    expect(got).toEqual([1, 2, '2 left out, 5', 6])
  })

  it('leaves out the oldest where there are more keys than the budget has room for', () => {
    const { put, take, got } = setUp({ policy: 'latest', maxItems: 2 }, keyed)
    for (const key of ['a', 'a', 'b', 'c', 'd', 'c']) put(key)
    take(5)
    expect(got).toEqual([1, '3 left out, 5', 6])
  })

  it('takes no key from what is no event', () => {
    const { put, take, got } = setUp('latest')
    for (const key of ['a', 'b', 'c']) put(key)
    take(5)
    expect(got).toEqual([1, '1 left out, 3'])
  })
})

describe('disconnect (F19)', () => {
  it('ends the producer with resource_exhausted when the items of the budget wait, and forgets them', () => {
    const { slow, puts, take, got } = setUp({ policy: 'disconnect', maxItems: 2 })
    puts(3)
    expect(() => puts(1)).toThrow(
      expect.objectContaining({
        code: 'resource_exhausted',
        message: 'lab/items: 2 items wait for a receiver that is too slow: slow.maxItems is 2 (option slow)',
      }),
    )
    slow.fail('too slow') // as a pump does, when its producer has ended
    take(5)
    expect(got).toEqual([1, 'too slow'])
  })

  it('counts bytes, and lets a large item wait alone', () => {
    const { put, take, got } = setUp({ policy: 'disconnect', maxBytes: 10 })
    put('', 1)
    put('', 100)
    expect(() => put('', 1)).toThrow('slow.maxBytes is 10')
    take(5)
    expect(got).toEqual([1])
  })
})

describe('a sink that asks for more', () => {
  it('while it is given an item gets the next at once', () => {
    const { sink, slow, puts, got } = setUp({ policy: 'dropOldest', maxItems: 1 })
    sink.onPut = () => slow.resume()
    puts(4)
    expect(got).toEqual([1, 2, 3, 4])
  })

  it('while what waits is given to it gets all of it', () => {
    const { sink, slow, puts, take, got } = setUp('dropOldest')
    puts(4)
    sink.onPut = () => slow.resume()
    take(1)
    slow.end()
    expect(got).toEqual([1, 2, 3, 4, 'end'])
  })
})

describe('a producer that puts an item while one is put', () => {
  it('has it given after that one', () => {
    const { sink, slow, puts, got } = setUp('dropOldest')
    sink.room = Number.POSITIVE_INFINITY
    sink.onPut = () => {
      sink.onPut = () => {}
      puts(1)
      expect(got).toEqual([1])
    }
    puts(1)
    slow.end()
    expect(got).toEqual([1, 2, 'end'])
  })

  it('may end it then: the end comes after that item', () => {
    const { sink, slow, puts, got } = setUp('dropOldest')
    sink.beforePut = () => slow.end()
    puts(1)
    expect(got).toEqual([1, 'end'])
  })

  it('loses nothing where holding an item stops it', () => {
    const { sink, slow, puts, take, got } = setUp('dropOldest')
    puts(1)
    sink.onHold = () => slow.stop()
    puts(1)
    take(5)
    expect(got).toEqual([1])
  })
})

describe('an item that cannot be held', () => {
  it('is thrown out of put, and those before it arrive before the failure', () => {
    const { sink, slow, puts, take, got } = setUp('dropOldest')
    puts(2)
    sink.onHold = () => {
      throw new RangeError('no')
    }
    expect(() => puts(1)).toThrow(RangeError)
    slow.fail('no')
    take(5)
    expect(got).toEqual([1, 2, 'no'])
  })
})

describe('any course of items, takes and ends', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.integer({ min: 0, max: 12 }) }),
    },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.constant('end' as const) },
  )
  const rule = fc.record({
    policy: fc.constantFrom('dropOldest', 'latest', 'disconnect'),
    maxItems: fc.integer({ min: 1, max: 4 }),
    maxBytes: fc.integer({ min: 1, max: 20 }),
  })

  it.each([
    ['a stream', plain],
    ['an event with a key', keyed],
  ] as const)('has the outcome of a list that is looked through each time, of %s', (_, method) => {
    const outcome = fc.property(rule, fc.array(step, { maxLength: 40 }), (given, steps) => {
      const { sink, slow, put, take, got } = setUp(given, method)
      const twin = new Twin(given, method === keyed)
      for (const one of steps) {
        if (one === 'end') {
          slow.end()
          twin.end()
        } else if (typeof one === 'number') {
          take(one)
          twin.take(one)
        } else {
          const threw = threwFrom(() => put(one.key, one.size))
          expect(threw).toBe(twin.put(one))
          if (threw) slow.fail('full')
        }
        expect(got).toEqual(twin.got)
        expect(sink.room).toBe(twin.room)
      }
    })
    fc.assert(outcome, runs(500))
  })
})

function threwFrom(act: () => void): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}

/** The same by lists: all items so far, and the numbers of those that wait. */
class Twin {
  readonly got: unknown[] = []
  room = 0
  readonly #rule: SlowRule
  readonly #byKey: boolean
  readonly #items: { key: string; size: number }[] = []
  #waiting: number[] = []
  #given = 0
  #isOpen = true
  #hasEnded = false
  #isOver = false

  constructor(rule: SlowRule, byKey: boolean) {
    this.#rule = rule
    this.#byKey = byKey
  }

  /** Returns whether it ends the producer. */
  put(item: { key: string; size: number }): boolean {
    if (this.#isOver) return false
    const number = this.#items.push(item)
    if (this.#isOpen) {
      this.#give(number)
      return false
    }
    const { policy, maxItems, maxBytes } = this.#rule
    if (policy === 'latest')
      this.#waiting = this.#waiting.filter((one) => this.#byKey && this.#items[one - 1]?.key !== item.key)
    const isFull = () =>
      this.#waiting.length > 0 &&
      (this.#waiting.length >= maxItems || this.#sizeOf(this.#waiting) + item.size > maxBytes)
    if (policy === 'disconnect' && isFull()) {
      this.#isOver = true
      this.got.push(this.#hasEnded ? 'end' : 'full')
      return true
    }
    while (isFull()) this.#waiting.shift()
    this.#waiting.push(number)
    return false
  }

  take(count: number): void {
    this.room = count
    if (this.#isOver) return
    this.#isOpen = true
    while (this.#isOpen && this.#waiting.length > 0) this.#give(this.#waiting.shift() ?? 0)
    if (this.#hasEnded && this.#waiting.length === 0) this.#tellEnd()
  }

  end(): void {
    this.#hasEnded = true
    if (!this.#isOver && this.#waiting.length === 0) this.#tellEnd()
  }

  #tellEnd(): void {
    this.#isOver = true
    this.got.push('end')
  }

  #give(number: number): void {
    const gap = number - this.#given - 1
    this.got.push(gap === 0 ? number : `${gap} left out, ${number}`)
    this.#given = number
    this.room--
    this.#isOpen = this.room > 0
  }

  #sizeOf(numbers: readonly number[]): number {
    return numbers.reduce((sum, one) => sum + (this.#items[one - 1]?.size ?? 0), 0)
  }
}

describe('both ends in one process', () => {
  it('between a slow consumer and a producer that goes on: what is left out is counted when it is passed', async () => {
    const slot = new LocalItems((item) => item)
    const slow = new SlowSink(slot, readSlow('test', { policy: 'dropOldest', maxItems: 2 }), plain)
    slot.taken = () => slow.resume()
    const items = new Items(slot)
    slot.wake = () => items.wake()
    for (let n = 1; n <= 6; n++) slow.put(n)
    slow.end()
    expect([(await items.next()).value, items.dropped]).toEqual([1, 0])
    expect([(await items.next()).value, items.dropped]).toEqual([5, 3])
    expect([(await items.next()).value, items.dropped]).toEqual([6, 3])
    expect((await items.next()).done).toBe(true)
    expect(slot.take()).toBe(END)
  })
})

describe('what a service says of slow receivers', () => {
  const handlers = { ask: () => ({ key: '', size: 0 }), *items() {} }

  it('stands over its contract, and the contract over the defaults (F19)', () => {
    const made = service(Lab, handlers, { slow: { items: { policy: 'latest', maxItems: 5 } } })
    expect(slowRuleOf(made, 'items')).toEqual({ policy: 'latest', maxItems: 5, maxBytes: 1_048_576 })
    expect(slowRuleOf(made, 'some')).toEqual({ policy: 'dropOldest', maxItems: 1_024, maxBytes: 1_048_576 })
    expect(slowRuleOf(service(Lab, handlers), 'items').policy).toBe('block')
  })

  it.each([
    [{ ask: 'latest' }, 'slow.ask is of no method that answers with items'],
    [{ nothing: 'latest' }, 'slow.nothing is of no method that answers with items'],
    [{ toString: 'latest' }, 'slow.toString is of no method'],
    [{ items: 'often' }, 'no policy "often"'],
    [{ items: { policy: 'latest', maxItems: 0 } }, 'slow.maxItems is a whole number'],
    [{ some: 'block' }, 'slow.some cannot be block'],
    ['latest', 'slow is an object'],
    [null, 'slow is an object'],
  ])('is refused where it makes no sense: %j', (slow, message) => {
    expect(() => service(Lab, handlers, { slow: slow as never })).toThrow(message)
  })
})
