/** The paired link (spec/architecture.md): all bytes in order, the end after them, and as slow as its reader. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LimitOptions, resolveLimits } from '../../src/limits.ts'
import { Session } from '../../src/session/index.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { type Carry, memoryPair } from '../../src/transport/index.ts'
import { RecordedCall, RecordedEffects } from '../support/calls.ts'
import { runs } from '../support/runs.ts'

function paired(options: { readonly limits?: LimitOptions; readonly carry?: Carry } = {}) {
  const clock = new VirtualClock()
  const limits = resolveLimits(options.limits)
  const links = memoryPair({ clock, limits: { client: limits, server: limits }, carry: options.carry })
  const effects = { client: new RecordedEffects(), server: new RecordedEffects() }
  const common = { clock, limits, incarnation: new Uint8Array(16) }
  const server = new Session({ ...common, role: 'server', link: links.server, effects: effects.server })
  const client = new Session({ ...common, role: 'client', link: links.client, effects: effects.client })
  links.server.attach(server)
  links.client.attach(client)
  return { clock, links, effects, client, server }
}

type Pair = ReturnType<typeof paired>

/** Every request is its own reply. */
function echo({ effects, server }: Pair): void {
  effects.server.onRequest = ({ call, body }) => server.respond(call, undefined, body)
}

function callsOf({ client }: Pair, sizes: readonly number[]): RecordedCall[] {
  const calls = sizes.map((size, index) => new RecordedCall({ body: new Uint8Array(size).fill(index) }))
  for (const call of calls) client.start(call)
  return calls
}

function requireEchoes(calls: readonly RecordedCall[]): void {
  for (const call of calls) {
    expect(call.fate).toBe('replied')
    const [outcome] = call.outcomes
    expect(outcome?.how === 'replied' && Buffer.compare(outcome.body, call.body) === 0).toBe(true)
  }
}

describe('the paired link', () => {
  it('carries calls through the whole protocol', () => {
    const pair = paired()
    echo(pair)
    const calls = callsOf(pair, [0, 10, 70_000, 300_000, 3])
    pair.clock.runTurns()
    requireEchoes(calls)
    expect(pair.links.client.receivedBytes).toBe(pair.links.server.flushedBytes)
    expect(pair.links.server.receivedBytes).toBe(pair.links.client.flushedBytes)
  })

  it('loses nothing where a link holds its input in the middle of what waits', () => {
    const limits = { maxTurnFrames: 2, maxTurnBytes: 1_024, maxBacklogBytes: 16_384 }
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(20_000, 70_000)), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (all, parts) => {
        const split: Carry = (chunk, deliver) => {
          const length = Math.max(1, Math.ceil(chunk.length / parts))
          for (let at = 0; at === 0 || at < chunk.length; at += length) {
            pair.clock.turn(() => deliver(chunk.subarray(at, at + length)))
          }
        }
        const pair = paired({ limits, carry: split })
        echo(pair)
        const calls = callsOf(pair, all)
        pair.clock.runTurns()
        requireEchoes(calls)
      }),
      runs(100),
    )
  })

  it('may be carried at once, within the very call that sends', () => {
    const pair = paired({ carry: (chunk, deliver) => deliver(chunk) })
    echo(pair)
    const calls = callsOf(pair, [5, 2_000, 70_000, 2_000, 5])
    pair.clock.runTurns()
    requireEchoes(calls)
  })

  it('does not share the bytes that were written', () => {
    const carried: Uint8Array[] = []
    const pair = paired({
      carry(chunk, deliver) {
        carried.push(chunk)
        pair.clock.turn(() => deliver(chunk))
      },
    })
    const body = new Uint8Array(20_000).fill(1)
    pair.client.start(new RecordedCall({ body }))
    pair.links.client.flush()
    body.fill(2)
    expect(carried.some((chunk) => chunk.includes(2))).toBe(false)
  })

  it('is congested while more than maxBacklogBytes are underway, and says when it is not', () => {
    const waiting: (() => void)[] = []
    const pair = paired({
      limits: { maxBacklogBytes: 16_384 },
      carry: (chunk, deliver) => waiting.push(() => deliver(chunk)),
    })
    const [first, second] = callsOf(pair, [16_500, 5])
    pair.clock.runTurns()
    expect([pair.links.client.isCongested, first?.leftCount, second?.leftCount]).toEqual([true, 1, 0])
    for (const deliver of waiting.splice(0)) deliver()
    pair.clock.runTurns()
    expect([pair.links.client.isCongested, second?.leftCount]).toEqual([false, 1])
  })

  it('ends after the bytes before it, and then both directions close', () => {
    const pair = paired()
    echo(pair)
    const calls = callsOf(pair, [100_000, 5])
    pair.clock.runTurns()
    pair.server.drain(1_000, 'bye')
    pair.clock.runTurns()
    requireEchoes(calls)
    expect([pair.client.state, pair.server.state]).toEqual(['closed', 'closed'])
    expect(pair.effects.client.closings).toEqual([undefined])
    expect(pair.clock.timers).toBe(0)
  })

  it('destroyed at one end closes both, each once, with the reason', () => {
    for (const end of ['client', 'server'] as const) {
      const pair = paired()
      const [call] = callsOf(pair, [5])
      pair.clock.runTurns()
      pair.links[end].destroy(new Error('cut'))
      pair.links.client.destroy()
      pair.links.server.destroy(new Error('again'))
      pair.clock.runTurns()
      expect(call?.fate).toBe('lost unavailable maybe')
      for (const side of [pair.effects.client, pair.effects.server]) expect(side.closings).toHaveLength(1)
      expect(pair.effects[end].closings[0]?.message).toMatch(/ was cut: cut$/)
      expect(pair.clock.timers).toBe(0)
    }
  })

  it('gives nothing to an end that is gone', () => {
    const waiting: (() => void)[] = []
    const pair = paired({ carry: (chunk, deliver) => waiting.push(() => deliver(chunk)) })
    callsOf(pair, [5])
    pair.clock.runTurns()
    pair.links.server.destroy()
    pair.clock.runTurns()
    for (const deliver of waiting) deliver()
    pair.clock.runTurns()
    expect(pair.effects.server.requests).toEqual([])
  })
})
