/** What links need while bytes come or go, and share (spec/architecture.md): none holds it when it is quiet, none sees another's. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LimitOptions, resolveLimits } from '../../src/limits.ts'
import type { LinkListener } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type FrameDecoder, kinds } from '../../src/wire/index.ts'
import { runs } from '../support/runs.ts'
import { frameBytes, joined } from '../support/slow-frames.ts'
import { TapLink } from '../support/tap-link.ts'
import { helloBytes } from '../support/tapped.ts'

class Ear implements LinkListener {
  readonly heard: string[] = []
  answers: TapLink | undefined
  onFrame: () => void = () => {}

  frameReceived({ id, kind, buffer, start, end }: FrameDecoder): void {
    this.heard.push(`${kind} ${id} ${Buffer.from(buffer.subarray(start, end)).toString('hex')}`)
    if (this.answers) write(this.answers, id)
    this.onFrame()
  }

  bytesReceived(): void {}
  linkDrained(): void {}
  linkClosed(): void {}
  streamBroken({ rule }: { rule: string }): void {
    this.heard.push(rule)
  }
}

/** Bytes that say whose they are and how many came before. */
const frameOf = (link: number, number: number) =>
  frameBytes(kinds.RESPONSE, 0, number, new Uint8Array((number * 37) % 90).fill(link + 1))

function write(link: TapLink, id: number): void {
  const { writer } = link
  const bytes = frameBytes(kinds.REQUEST, 0, id, new Uint8Array(8))
  writer.ensure(bytes.length)
  writer.buffer.set(bytes, writer.position)
  writer.position += bytes.length
  link.written(id % 3)
}

function linksOn(clock: VirtualClock, count: number, limits: LimitOptions = {}): { link: TapLink; ear: Ear }[] {
  const shared = resolveLimits(limits)
  return Array.from({ length: count }, () => {
    const link = new TapLink(clock, shared)
    const ear = new Ear()
    link.attach(ear)
    return { link, ear }
  })
}

type Deed =
  | { readonly do: 'feed'; readonly link: number; readonly bytes: number }
  | { readonly do: 'write' | 'pause' | 'resume' | 'flush'; readonly link: number }
  | { readonly do: 'turn' }

const LINKS = 4
const link = fc.nat({ max: LINKS - 1 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('feed' as const), link, bytes: fc.integer({ min: 1, max: 200 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), link }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'flush' as const), link }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'turn' as const }) },
)

describe('links that share', () => {
  it('hear and send each their own, however they take turns', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 120 }), fc.boolean(), (deeds, answers) => {
        const clock = new VirtualClock()
        const links = linksOn(clock, LINKS, { maxTurnFrames: 3 })
        const streams = links.map((_, at) => joined([helloBytes(), ...upTo(60).map((number) => frameOf(at, number))]))
        const fed = links.map(() => 0)
        const written = links.map((): number[] => [])
        if (answers) for (const one of links) one.ear.answers = one.link
        for (const one of deeds) {
          if (one.do === 'turn') clock.runTurn()
          else perform(one, links[one.link]?.link, { streams, fed, written })
        }
        for (const one of links) one.link.resumeReading()
        clock.runTurns()
        for (const [at, one] of links.entries()) {
          const own = new Ear()
          const [alone] = linksOn(new VirtualClock(), 1)
          alone?.link.attach(own)
          alone?.link.feed(streams[at]?.slice(0, fed[at]) ?? new Uint8Array(0))
          expect(one.ear.heard).toEqual(own.heard)
          const sent = one.link.sent.map(({ id }) => id)
          expect(sent.length).toBe((written[at]?.length ?? 0) + (answers ? own.heard.length : 0))
          expect(sent.every((id) => id === 0 || answers || written[at]?.includes(id))).toBe(true)
        }
      }),
      runs(150),
    )
  })

  it('hold nothing when they are quiet, so that another has it', () => {
    const { clock, one, other } = openPair()
    const shared = one.writer
    write(one, 3)
    clock.runTurns()
    expect(other.writer).toBe(shared)
  })

  it.each<[string, (pair: Pair) => void]>([
    ['their turn is not over', ({ one }) => one.feed(frameOf(0, 1))],
    [
      'half a frame is there',
      ({ one, clock }) => {
        one.feed(frameOf(0, 1).slice(0, 12))
        clock.runTurns()
      },
    ],
    [
      'they do not read what came',
      ({ one, clock }) => {
        one.pauseReading()
        one.feed(frameOf(0, 1))
        clock.runTurns()
        one.flush()
      },
    ],
    [
      'they are to flush after the turn',
      ({ one }) => {
        write(one, 2)
        one.flush()
      },
    ],
    [
      'they are closed, and were written into afterwards',
      ({ one, clock }) => {
        one.close()
        write(one, 2)
        clock.runTurns()
      },
    ],
    [
      'somebody watches, who counts what is skipped',
      ({ one, clock }) => {
        one.tap = { frameReceived() {}, streamBroken() {}, chunksFlushed() {} }
        one.feed(frameOf(0, 1))
        clock.runTurns()
      },
    ],
    [
      'what came is no frame',
      ({ one, clock }) => {
        one.feed(new Uint8Array(9).fill(0xff))
        clock.runTurns()
      },
    ],
  ])('hold it while %s', (_, begin) => {
    const pair = openPair()
    const { writer } = pair.one
    begin(pair)
    expect(pair.other.writer).not.toBe(writer)
    expect(pair.one.writer).toBe(writer)
  })

  it('hold it while a frame is handled, whatever its handler does', () => {
    const { clock, one, other, ear } = openPair({ maxTurnFrames: 1 })
    const { writer } = one
    const others: unknown[] = []
    ear.onFrame = () => {
      one.flush()
      others.push(other.writer)
      other.flush()
    }
    one.feed(joined([frameOf(0, 1), frameOf(0, 2)]))
    clock.runTurns()
    expect(others).toHaveLength(2)
    expect(others).not.toContain(writer)
  })
})

interface Pair {
  readonly clock: VirtualClock
  readonly one: TapLink
  readonly other: TapLink
  readonly ear: Ear
}

/** Two links that have read a HELLO, and are quiet. */
function openPair(limits: LimitOptions = {}): Pair {
  const clock = new VirtualClock()
  const [one, other] = linksOn(clock, 2, limits)
  if (!one || !other) throw new Error('there are two')
  for (const { link } of [one, other]) link.feed(helloBytes())
  clock.runTurns()
  return { clock, one: one.link, other: other.link, ear: one.ear }
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

interface State {
  readonly streams: readonly Uint8Array[]
  readonly fed: number[]
  readonly written: readonly number[][]
}

function perform(one: Exclude<Deed, { do: 'turn' }>, link: TapLink | undefined, state: State): void {
  const { streams, fed, written } = state
  const at = fed[one.link] ?? 0
  if (one.do === 'feed') {
    const chunk = streams[one.link]?.slice(at, at + one.bytes)
    fed[one.link] = at + (chunk?.length ?? 0)
    if (chunk && chunk.length > 0) link?.feed(chunk)
  } else if (one.do === 'write' && link) {
    const id = 1_000 * (one.link + 1) + (written[one.link]?.length ?? 0)
    written[one.link]?.push(id)
    write(link, id)
  } else if (one.do === 'pause') link?.pauseReading()
  else if (one.do === 'resume') link?.resumeReading()
  else link?.flush()
}

it('of a link that has read as much as a turn allows, and no more is there, is not another’s', () => {
  const clock = new VirtualClock()
  const maxTurnFrames = 3
  for (const count of [maxTurnFrames - 1, maxTurnFrames, 2 * maxTurnFrames, 2 * maxTurnFrames + 1]) {
    const [one, other] = linksOn(clock, 2, { maxTurnFrames })
    if (!one || !other) throw new Error('two were made')
    for (const { link } of [one, other]) link.feed(helloBytes())
    clock.runTurns()
    one.ear.heard.length = 0
    other.ear.heard.length = 0
    one.link.feed(joined(Array.from({ length: count }, (_, n) => frameOf(0, n + 1))))
    clock.runTurn()
    other.link.feed(frameOf(1, 777))
    clock.runTurns()
    expect(one.ear.heard).toHaveLength(count)
    expect(other.ear.heard).toHaveLength(1)
    expect(other.ear.heard[0]).toContain(' 777 ')
  }
})
