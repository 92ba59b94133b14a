import { describe, expect, it } from 'vitest'
import { judgeBalance, judgeClimb, judgeResources, judgeTrend, liveTrend, rssTrend } from './judge.ts'
import { noCounts, Runs } from './service.ts'
import { newTally } from './tally.ts'

const MIB = 1_048_576

/** Ten small calls of which seven were answered, and three notes. */
function inOrder() {
  const tally = newTally()
  tally.made.small = 10
  tally.ok.small = 7
  tally.no.small = 1
  tally.maybe.small = 1
  tally.yes.small = 1
  tally.made.note = 3
  tally.ok.note = 3
  const runs = noCounts()
  runs.small = 8
  runs.note = 3
  return { tally, runs }
}

describe('the balance of a soak', () => {
  it('is even where each call ended, and those ran that their callers know of', () => {
    const { tally, runs } = inOrder()
    expect(judgeBalance(tally, runs)).toEqual([])
    runs.small = 9 // the one that may have run did
    expect(judgeBalance(tally, runs)).toEqual([])
  })

  it('shows a call that never ended, and one that ended twice', () => {
    const { tally, runs } = inOrder()
    tally.made.small = 11
    expect(judgeBalance(tally, runs)).toEqual(['11 of small were made, and 10 ended'])
    tally.made.small = 9
    expect(judgeBalance(tally, runs)).toEqual(['9 of small were made, and 10 ended'])
  })

  it('shows an answer without a run, and a run too many', () => {
    const { tally, runs } = inOrder()
    runs.small = 7
    expect(judgeBalance(tally, runs)).toEqual(['7 of small ran, and their callers know of 8'])
    runs.small = 10
    expect(judgeBalance(tally, runs)).toEqual(['10 of small ran, and by their callers no more than 9 can have'])
  })

  it('shows a note that was lost, unless its connection was cut', () => {
    const { tally, runs } = inOrder()
    runs.note = 2
    expect(judgeBalance(tally, runs)).toEqual(['2 of note ran, and their callers know of 3'])
    tally.notesAtRisk = 1
    expect(judgeBalance(tally, runs)).toEqual([])
    runs.note = 4
    expect(judgeBalance(tally, runs)).toEqual(['4 of note ran, and by their callers no more than 3 can have'])
  })
})

describe('the memory of a soak', () => {
  const steady = [30, 20, 21, 20, 22, 20, 21, 20, 20, 21].map((mib) => mib * MIB)

  it('may be anything before it is warm, and goes up and down', () => {
    expect(judgeTrend(liveTrend('server', steady))).toEqual([])
    expect(
      judgeTrend(
        rssTrend(
          'server',
          [10, 40, 90, 100, 101, 99, 100, 110, 104].map((mib) => mib * MIB),
        ),
      ),
    ).toEqual([])
  })

  it('is told where it goes up', () => {
    const leak = steady.map((bytes, at) => bytes + 2 * at * MIB)
    expect(judgeTrend(liveTrend('server', leak))).toEqual(['server: memory at rest went up, from 25.0 to 36.0 MiB'])
    const resident = Array.from({ length: 12 }, (_, at) => (100 + 20 * at) * MIB)
    expect(judgeTrend(rssTrend('client 0', resident))).toHaveLength(1)
  })

  it('is not judged by less than three looks', () => {
    expect(judgeTrend(liveTrend('server', [MIB, MIB, 100 * MIB]))).toEqual([])
  })
})

describe('memory that climbs', () => {
  const restsOf = (mibs: readonly number[], stepSeconds = 240) => ({
    what: 'server: memory at rest',
    rests: mibs.map((mib, at) => ({ atSeconds: at * stepSeconds, bytes: mib * MIB })),
  })
  /** Of an hour: up and down by a twentieth of a MiB, and so much more each time. */
  const hour = (mibEach: number) => Array.from({ length: 16 }, (_, at) => 20 + 0.05 * (at % 2) + mibEach * at)

  it('is told when it is a MiB and a half an hour, though that is little', () => {
    const [told, ...others] = judgeClimb(restsOf(hour(1 / 10)))
    expect(told).toMatch(/^server: memory at rest rises from rest to rest, by 1\.\d MiB an hour$/)
    expect(others).toEqual([])
    expect(judgeTrend(liveTrend('server', hour(1 / 10)))).toEqual([])
  })

  it('is not told where it goes up and down, or climbs in the beginning only', () => {
    expect(judgeClimb(restsOf(hour(0)))).toEqual([])
    expect(judgeClimb(restsOf(hour(0).map((mib, at) => mib + Math.min(at, 6))))).toEqual([])
  })

  it('is not told after minutes, by few rests, or of a few KiB', () => {
    expect(judgeClimb(restsOf(hour(1), 30))).toEqual([])
    expect(judgeClimb(restsOf(hour(1).slice(0, 8)))).toEqual([])
    expect(judgeClimb(restsOf(Array.from({ length: 16 }, (_, at) => 20 + at / 100)))).toEqual([])
  })
})

it('tells what keeps a process alive at rest that did not at first, and what is gone', () => {
  expect(judgeResources('server', { TCPSocketWrap: 2 }, { TCPSocketWrap: 2 })).toEqual([])
  expect(judgeResources('server', { TCPSocketWrap: 2 }, { TCPSocketWrap: 3, Timeout: 1 })).toEqual([
    'server: 3 of TCPSocketWrap are there at rest, and at first there were 2',
    'server: 1 of Timeout are there at rest, and at first there were 0',
  ])
  expect(judgeResources('server', { Timeout: 1 }, {})).toHaveLength(1)
})

describe('what has run', () => {
  it('is known by its number, and a second run is told', () => {
    const runs = new Runs()
    runs.begin('small', 0, 1)
    runs.begin('note', 1, 1)
    runs.begin('small', 0, 2)
    expect(runs.wrong).toEqual({})
    expect(runs.haveRun(0, [1, 2, 3])).toEqual([1, 2])
    expect(runs.haveRun(1, [1, 2])).toEqual([1])
    expect(runs.counts[0]).toEqual({ ...noCounts(), small: 2 })
    runs.begin('record', 0, 2)
    expect(runs.wrong).toEqual({ 'a record ran twice': 1 })
  })
})
