/** The suite fails where a place breaks a promise, and says in which case, what it expected and what came. */
import { describe, expect, it } from 'vitest'
import { NanowireError } from '../../src/index.ts'
import { type ConformancePlace, conformance } from '../../src/testing/index.ts'
import { mutants } from './mutants.ts'
import { PATIENCE, places } from './places.ts'
import { streamMutants } from './stream-mutants.ts'

/** What the cases say that fail, of those with these names. */
async function failuresIn(place: ConformancePlace, isTried: (name: string) => boolean, patience = PATIENCE) {
  const failures = new Map<string, NanowireError>()
  const cases = conformance(place, patience).filter(({ name, skip }) => skip === undefined && isTried(name))
  await Promise.all(cases.map((one) => one.run().catch((error: NanowireError) => failures.set(one.name, error))))
  return failures
}

const [memory] = places

/** Where what never comes is waited for, and each case takes as long: it fails by that, however far it came. */
const SHORT = { patienceMs: 300 }

describe('a place that', () => {
  it.each([...mutants, ...streamMutants])('$name fails the cases that it should', async (place) => {
    const failures = await failuresIn(place, (name) => place.seenBy.includes(name), place.hangs ? SHORT : PATIENCE)
    expect([...failures.keys()].sort()).toEqual([...place.seenBy].sort())
    for (const [name, error] of failures) {
      expect(error).toBeInstanceOf(NanowireError)
      expect(error).toMatchObject({ code: 'failed_precondition', processed: 'no', data: { place: place.name } })
      expect(error.message.startsWith(`in ${place.name}, `)).toBe(true)
      expect(error.message).toContain(`: ${name}: `)
      expect(error.message.includes('expected an end within')).toBe(place.hangs)
    }
  })

  it('is sound passes, with all of its cases at once', async () => {
    const failures = await failuresIn(memory as ConformancePlace, () => true)
    expect([...failures.values()].map(String)).toEqual([])
  })
})

describe('a case that fails', () => {
  const place: ConformancePlace = { ...(memory as ConformancePlace), name: 'my place' }
  const failureOf = async (
    name: string,
    open: ConformancePlace['open'],
    patience = PATIENCE,
  ): Promise<NanowireError> => {
    const found = conformance({ ...place, open }, patience).find((one) => one.name === name)
    const failure: unknown = await found?.run().catch((error: unknown) => error)
    if (failure instanceof NanowireError) return failure
    throw new Error(`${name} did not fail`)
  }

  it('says what was expected and what came', async () => {
    const error = await failureOf('answers, also synchronously and with nothing', async (router, setting) => {
      const shout = () => ({ text: 'something else' })
      return place.open(router, { ...setting, local: { ...setting.local, use: [shout] } })
    })
    expect(error.message).toBe(
      'in my place, replies: answers, also synchronously and with nothing: the value: expected {"text":"Ada!"}, ' +
        'came {"text":"something else"} (at /text: "Ada!" became "something else")',
    )
    expect(error.data).toEqual({
      place: 'my place',
      case: 'replies: answers, also synchronously and with nothing',
      expected: '{"text":"Ada!"}',
      came: '{"text":"something else"}',
    })
  })

  it('says how a call ended that should have answered', async () => {
    const error = await failureOf('carries large messages whole', async (router, setting) => {
      const refuse = () => Promise.reject(new NanowireError('unavailable', 'the line is cut', { processed: 'no' }))
      return place.open(router, { ...setting, local: { ...setting.local, use: [refuse] } })
    })
    expect(error.message).toBe(
      'in my place, replies: carries large messages whole: unavailable (processed no): the line is cut',
    )
  })

  it('says what it waited for, where nothing comes any more', async () => {
    const open: ConformancePlace['open'] = async (router, setting) => {
      const swallow = () => undefined
      return place.open(router, { ...setting, local: { ...setting.local, use: [swallow] } })
    }
    const longEnough = { patienceMs: 3_000 } // to come to where it waits, also on a machine that stands still meanwhile
    const error = await failureOf('resolves to nothing, and reaches its handler', open, longEnough)
    expect(error.message).toBe(
      'in my place, notify: resolves to nothing, and reaches its handler: the case: expected an end within 3000 ms, ' +
        'came last it waited for three notifies; 0 calls in flight, 0 waiting, ended {}',
    )
  })

  it('says that a place could not be opened', async () => {
    const error = await failureOf('carries large messages whole', async () => {
      throw new Error('no such device')
    })
    expect(error.message).toBe('in my place, replies: carries large messages whole: Error: no such device')
  })
})

describe('skips', () => {
  const skipping = (skips: Record<string, string>) => conformance({ ...(memory as ConformancePlace), skips })

  it('name a case, or a topic for all of its cases, and their reason is in the titles', () => {
    const cases = skipping({ limits: 'there are none here', 'is never early': 'its clock is not ours' })
    const skipped = cases.filter(({ skip }) => skip !== undefined)
    expect(new Set(skipped.map(({ topic }) => topic))).toEqual(new Set(['limits', 'time']))
    expect(skipped.filter(({ topic }) => topic === 'time').map(({ title }) => title)).toEqual([
      'time: is never early (not in memory: its clock is not ours)',
    ])
  })

  it('that name nothing are refused', () => {
    expect(() => skipping({ 'is sometimes early': 'why not' })).toThrow(
      /^memory skips "is sometimes early", which is no case and none of the topics replies, types, /,
    )
  })

  it('need a reason', () => {
    expect(() => skipping({ limits: ' ' })).toThrow('memory skips "limits" without a reason')
  })
})

describe('the suite', () => {
  const cases = conformance(memory as ConformancePlace)

  it('has one name for each case', () => {
    const names = cases.map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('has at least 300 cases that no place skips', () => {
    const everywhere = places.map(
      (place) => new Set(conformance(place).flatMap(({ name, skip }) => (skip ? [] : [name]))),
    )
    expect(cases.filter(({ name }) => everywhere.every((names) => names.has(name))).length).toBeGreaterThanOrEqual(300)
  })
})
