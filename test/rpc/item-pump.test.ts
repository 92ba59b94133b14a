/** Producers and what a pump does with them: whatever is iterable, whatever it throws, and whenever it is stopped. */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeSource } from '../../src/rpc/close-source.ts'
import { ItemPump, type ItemSink } from '../../src/rpc/item-pump.ts'
import { requireSource } from '../../src/rpc/iteration.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { runs } from '../support/runs.ts'
import '../support/seed.ts'

/** Remembers what it was given, one word for each thing. */
class NotedSink implements ItemSink {
  readonly notes: unknown[] = []
  /** What `put` answers, or throws. */
  answer: (item: unknown) => boolean = () => true

  put(item: unknown): boolean {
    this.notes.push(item)
    return this.answer(item)
  }

  end(): void {
    this.notes.push('end')
  }

  fail(error: unknown): void {
    this.notes.push(error instanceof Error ? `failed: ${error.message}` : error)
  }
}

function pumpOf(source: unknown) {
  const sink = new NotedSink()
  const clock = new HandClock()
  const pump = new ItemPump(source, sink, clock)
  return { sink, clock, pump, notes: sink.notes }
}

/** Pumps all of it. */
async function pumped(source: unknown): Promise<unknown[]> {
  const { pump, notes } = pumpOf(source)
  pump.start()
  await until(() => notes.some((note) => typeof note === 'string' && /^(end|failed)/.test(note)))
  return notes
}

/** A generator that tells what becomes of it. */
async function* noted(into: unknown[], items: Iterable<unknown>, before: () => Promise<unknown> = async () => {}) {
  try {
    for (const item of items) {
      await before()
      yield item
    }
  } finally {
    into.push('finally')
  }
}

const fail = (message: string) => (): never => {
  throw new Error(message)
}

describe('a pump takes items', () => {
  const three = [1, undefined, { n: 3 }]
  it.each([
    ['an array', () => three],
    ['a set', () => new Set(three)],
    [
      'a generator',
      () =>
        (function* () {
          yield* three
        })(),
    ],
    [
      'an async generator',
      () =>
        (async function* () {
          yield* three
        })(),
    ],
    [
      'an iterator that answers with what is no promise',
      () => {
        const iterator = three[Symbol.iterator]()
        return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) }
      },
    ],
    ['a function that is an iterable', () => Object.assign(() => {}, { [Symbol.iterator]: () => three.values() })],
    [
      'what is both, as an async one',
      () => ({ [Symbol.iterator]: fail('sync'), [Symbol.asyncIterator]: () => noted([], three) }),
    ],
    [
      'what has null for an async one',
      () => ({ [Symbol.asyncIterator]: null, [Symbol.iterator]: () => three.values() }),
    ],
  ])('from %s', async (_, make) => {
    expect(await pumped(make())).toEqual([...three, 'end'])
  })

  it('from a stream of Node and a stream of the web', async () => {
    expect(await pumped(Readable.from(['a', 'b']))).toEqual(['a', 'b', 'end'])
    const web = new ReadableStream({
      start(controller) {
        controller.enqueue('a')
        controller.close()
      },
    })
    expect(await pumped(web)).toEqual(['a', 'end'])
  })

  it.each([
    ['a string', 'text', 'a string'],
    ['a number', 5, 'a number'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', {}, 'an object that is none'],
    ['a promise of items', Promise.resolve([1]), 'an object that is none'],
    ['what has no function there', { [Symbol.iterator]: 5 }, 'an object that is none'],
    ['a function', () => [], 'a function; call it, if it is a generator'],
  ])('and says so where there are none: %s', (_, source, kind) => {
    const { pump, notes } = pumpOf(source)
    pump.start()
    const words = `items come from an async generator, an array, a stream or another iterable, not from ${kind}`
    expect(notes).toEqual([`failed: a stream: ${words}`])
    expect(() => requireSource('lab/sum', source)).toThrow(`lab/sum: ${words}`)
  })

  it('at once, as soon as it is started', () => {
    const { pump, notes } = pumpOf([1, 2])
    expect(notes).toEqual([])
    pump.start()
    pump.start()
    expect(notes).toEqual([1, 2, 'end'])
  })
})

describe('a sink that is full', () => {
  it('is given the next item when it asks for it, and the producer is not asked before', async () => {
    for (const isAsync of [false, true]) {
      let asked = 0
      const sync = (function* () {
        for (;;) yield ++asked
      })()
      const { pump, sink, notes } = pumpOf(isAsync ? { [Symbol.asyncIterator]: () => sync } : sync)
      sink.answer = () => false
      pump.start()
      for (let count = 1; count <= 3; count++) {
        await nextTurn()
        expect([asked, notes.length]).toEqual([count, count])
        pump.resume()
      }
    }
  })

  it('may ask while it is given the item', () => {
    const { pump, sink, notes } = pumpOf([1, 2, 3])
    sink.answer = () => {
      pump.resume()
      return false
    }
    pump.start()
    expect(notes).toEqual([1, 2, 3, 'end'])
  })

  it('is given nothing because it has asked at other times', async () => {
    let give = (_: IteratorResult<unknown>): void => {}
    const next = () => new Promise((resolve) => (give = resolve))
    const { pump, sink, notes } = pumpOf({ [Symbol.asyncIterator]: () => ({ next }) })
    sink.answer = () => false
    pump.resume()
    pump.start()
    pump.resume()
    pump.resume()
    give({ value: 1, done: false })
    await nextTurn()
    expect(notes).toEqual([1])
    pump.resume()
    give({ value: 2, done: false })
    await nextTurn()
    expect(notes).toEqual([1, 2])
  })
})

describe('a producer that fails', () => {
  const of = (iterator: object) => ({ [Symbol.asyncIterator]: () => iterator })
  it.each([
    [
      'that throws',
      (function* () {
        yield 1
        throw new Error('broken')
      })(),
      [1, 'failed: broken'],
    ],
    [
      'that rejects',
      (async function* () {
        yield 1
        throw new Error('broken')
      })(),
      [1, 'failed: broken'],
    ],
    ['whose next throws', of({ next: fail('broken') }), ['failed: broken']],
    ['that cannot be iterated', { [Symbol.asyncIterator]: fail('locked') }, ['failed: locked']],
    [
      'whose iterator is looked up by what throws',
      {
        get [Symbol.asyncIterator]() {
          return fail('no')()
        },
      },
      ['failed: no'],
    ],
    ['that answers with no result', of({ next: async () => 5 }), ['failed: an iterator gave number, no result']],
    [
      'that answers with null',
      { [Symbol.iterator]: () => ({ next: () => null }) },
      ['failed: an iterator gave object, no result'],
    ],
    [
      'whose result throws',
      of({
        next: async () => ({
          get done() {
            return fail('odd')()
          },
        }),
      }),
      ['failed: odd'],
    ],
    [
      'whose item throws',
      of({
        next: async () => ({
          done: false,
          get value() {
            return fail('odd')()
          },
        }),
      }),
      ['failed: odd'],
    ],
  ])('ends the sink by its error, behind its items: %s', async (_, source, notes) => {
    expect(await pumped(source)).toEqual(notes)
  })

  it('that gives no iterator fails as well', async () => {
    const [note] = await pumped({ [Symbol.asyncIterator]: () => undefined })
    expect(note).toMatch(/^failed: .*undefined/)
  })

  it('is not told to return, as in any loop', async () => {
    const told: string[] = []
    const iterator = { next: fail('broken'), return: () => told.push('return') }
    expect(await pumped(of(iterator))).toEqual(['failed: broken'])
    expect(told).toEqual([])
  })
})

describe('an item that the sink refuses', () => {
  it('ends the producer, and then the sink by that error', async () => {
    const told: unknown[] = []
    let free = (): void => {}
    const held = new Promise<void>((resolve) => (free = resolve))
    async function* slowly() {
      try {
        yield* [1, 2, 3]
      } finally {
        await held
        told.push('finally')
      }
    }
    const { pump, sink, notes } = pumpOf(slowly())
    sink.answer = (item) => item !== 2 || fail('too large')()
    pump.start()
    await nextTurn()
    expect([notes, told]).toEqual([[1, 2], []])
    free()
    await nextTurn()
    expect([notes, told]).toEqual([[1, 2, 'failed: too large'], ['finally']])
  })

  it('ends the sink by that error whatever the producer throws then', async () => {
    const iterator = { next: async () => ({ value: 1, done: false }), return: fail('worse') }
    const { pump, sink, notes } = pumpOf({ [Symbol.asyncIterator]: () => iterator })
    sink.answer = fail('too large')
    pump.start()
    await nextTurn()
    expect(notes).toEqual([1, 'failed: too large'])
  })

  it('says nothing to a sink that stops the pump meanwhile', async () => {
    const { pump, sink, notes } = pumpOf(noted([], [1, 2]))
    sink.answer = () => {
      pump.stop()
      return fail('too large')()
    }
    pump.start()
    await nextTurn()
    expect(notes).toEqual([1])
  })

  it('says nothing to a sink that was stopped while the producer ends', async () => {
    let free = (): void => {}
    const closing = new Promise<void>((resolve) => {
      free = resolve
    })
    const iterator = { next: async () => ({ value: 1, done: false }), return: () => closing }
    const { pump, sink, notes } = pumpOf({ [Symbol.asyncIterator]: () => iterator })
    sink.answer = fail('too large')
    pump.start()
    await nextTurn()
    pump.stop(() => notes.push('ended'))
    await nextTurn()
    expect(notes).toEqual([1])
    free()
    await nextTurn()
    expect(notes).toEqual([1, 'ended'])
  })
})

describe('a pump that is stopped', () => {
  const ended = (notes: unknown[]) => (error: unknown) => {
    notes.push(error === undefined ? 'ended' : `ended: ${(error as Error).message}`)
  }

  it('tells a producer that is at work to return, and has ended when that has', async () => {
    let work = (): void => {}
    const { pump, notes } = pumpOf(noted([], [1, 2], () => new Promise<void>((resolve) => (work = resolve))))
    pump.start()
    pump.stop(ended(notes))
    await nextTurn()
    expect(notes).toEqual([])
    work()
    await nextTurn()
    expect(notes).toEqual(['ended'])
  })

  it('puts nothing of what was on its way', async () => {
    const told: unknown[] = []
    const { pump, sink, notes } = pumpOf(noted(told, [1, 2, 3]))
    sink.answer = () => false
    pump.start()
    await nextTurn()
    pump.resume()
    pump.stop(ended(notes))
    pump.resume()
    await nextTurn()
    expect([notes, told]).toEqual([[1, 'ended'], ['finally']])
  })

  it('has ended at once where a generator can return at once', () => {
    const told: unknown[] = []
    const { pump, sink, notes } = pumpOf(
      (function* () {
        try {
          for (;;) yield 1
        } finally {
          told.push('finally')
        }
      })(),
    )
    sink.answer = () => false
    pump.start()
    pump.stop(ended(notes))
    expect([notes, told]).toEqual([[1, 'ended'], ['finally']])
  })

  it('from within its producer ends it when that has answered', async () => {
    for (const isAsync of [false, true]) {
      const told: unknown[] = []
      let stop = (): void => {}
      const sync = (function* () {
        try {
          stop()
          yield 1
        } finally {
          told.push('finally')
        }
      })()
      const { pump, notes } = pumpOf(isAsync ? noted(told, sync) : sync)
      stop = () => pump.stop(ended(notes))
      pump.start()
      await nextTurn()
      expect([notes, new Set(told)]).toEqual([['ended'], new Set(['finally'])])
    }
  })

  it('from within its sink puts nothing more', () => {
    const { pump, sink, notes } = pumpOf([1, 2])
    sink.answer = () => {
      pump.stop(ended(notes))
      return true
    }
    pump.start()
    expect(notes).toEqual([1, 'ended'])
  })

  it('waits for the last answer of a producer that cannot return', async () => {
    let give = (_: IteratorResult<unknown>): void => {}
    const next = () => new Promise((resolve) => (give = resolve))
    const { pump, notes } = pumpOf({ [Symbol.asyncIterator]: () => ({ next }) })
    pump.start()
    pump.stop(ended(notes))
    await nextTurn()
    expect(notes).toEqual([])
    give({ value: 1, done: false })
    await nextTurn()
    expect(notes).toEqual(['ended'])
  })

  it('says what its producer has thrown since', async () => {
    const next = async () => {
      await nextTurn()
      throw new Error('aborted')
    }
    const cases = [
      noted([], [1], next),
      { [Symbol.asyncIterator]: () => ({ next }) },
      {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: () => Promise.reject(new Error('aborted')),
        }),
      },
      { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: fail('aborted') }) },
    ]
    for (const source of cases) {
      const { pump, notes } = pumpOf(source)
      pump.start()
      pump.stop(ended(notes))
      await until(() => notes.length > 0)
      expect(notes).toEqual(['ended: aborted'])
    }
  })

  it('hears no more of an item that fails after its producer has returned', async () => {
    let fails = (_: Error): void => {}
    const next = () => new Promise((_, reject) => (fails = reject))
    const { pump, notes } = pumpOf({ [Symbol.asyncIterator]: () => ({ next, return: async () => ({ done: true }) }) })
    pump.start()
    pump.stop(ended(notes))
    await until(() => notes.length > 0)
    fails(new Error('too late'))
    await nextTurn()
    expect(notes).toEqual(['ended'])
  })

  it('counts once, and has ended where it had', async () => {
    let returns = 0
    const iterator = { next: () => new Promise(() => {}), return: async () => void returns++ }
    const { pump, notes } = pumpOf({ [Symbol.asyncIterator]: () => iterator })
    pump.start()
    pump.stop(ended(notes))
    pump.stop(() => notes.push('again'))
    await nextTurn()
    expect([notes, returns]).toEqual([['ended'], 1])
    const over = pumpOf([])
    over.pump.start()
    over.pump.stop(ended(over.notes))
    expect(over.notes).toEqual(['end', 'ended'])
  })

  it('before it was started ends its producer all the same', async () => {
    const readable = Readable.from(['a'])
    let reason: unknown = 'none'
    const web = new ReadableStream({
      cancel(given) {
        reason = given
      },
    })
    for (const source of [readable, web]) closeSource(source)
    await nextTurn()
    expect([readable.destroyed, reason]).toEqual([true, undefined])
    const { pump, notes } = pumpOf(noted([], [1]))
    pump.stop(ended(notes))
    pump.start()
    await nextTurn()
    expect(notes).toEqual(['ended'])
    closeSource('no iterable')
  })
})

describe('a producer without an end', () => {
  it('lets others have their turn after 256 items', async () => {
    const endless = {
      sync: function* () {
        for (let n = 0; ; n++) yield n
      },
      async: async function* () {
        for (let n = 0; ; n++) yield n
      },
    }
    for (const make of [endless.sync, endless.async]) {
      const { pump, notes } = pumpOf(make())
      pump.start()
      for (const turn of [1, 2, 3]) {
        await until(() => notes.length >= turn * 256)
        expect(notes.length).toBe(turn * 256)
      }
      pump.stop()
      await nextTurn()
      expect(notes.length).toBe(3 * 256)
    }
  })

  it('waits for the turn also where the sink asks for more', async () => {
    const { pump, sink, notes } = pumpOf(Array(1_000).fill(0))
    sink.answer = () => false
    pump.start()
    for (let n = 0; n < 999; n++) pump.resume()
    expect(notes.length).toBe(256)
    await nextTurn()
    expect(notes.length).toBe(257)
  })
})

/** What happens to a producer of so many items, at each step of a sink. */
type Fate = 'goes on' | 'full' | 'refuses' | 'stops'

it('whatever the sink does with each item, all of them come in order until one is the last', async () => {
  const fates: fc.Arbitrary<Fate> = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('goes on' as const, 'full' as const) },
    { weight: 1, arbitrary: fc.constantFrom('refuses' as const, 'stops' as const) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fates, { maxLength: 30 }), fc.boolean(), fc.boolean(), async (steps, isAsync, fails) => {
      const told: unknown[] = []
      const items = (function* () {
        try {
          for (let n = 0; n < steps.length; n++) yield n
          if (fails) throw new Error('broken')
        } finally {
          told.push('finally')
        }
      })()
      const { pump, sink, notes, clock } = pumpOf(isAsync ? noted([], items) : items)
      sink.answer = (item) => {
        const fate = steps[item as number]
        if (fate === 'refuses') return fail('refused')()
        if (fate === 'stops') pump.stop()
        if (fate === 'full') clock.turn(() => pump.resume())
        return fate === 'goes on'
      }
      pump.start()
      const last = steps.findIndex((fate) => fate === 'refuses' || fate === 'stops')
      await until(() => told.length > 0)
      await nextTurn()
      await nextTurn()
      const puts = last === -1 ? steps.length : last + 1
      const end =
        last === -1 ? [fails ? 'failed: broken' : 'end'] : steps[last] === 'refuses' ? ['failed: refused'] : []
      expect(notes).toEqual([...Array(puts).keys(), ...end])
      expect(told).toEqual(['finally'])
    }),
    runs(200),
  )
})
