/** How much bulk is on its way (spec/streams.md, F9): enough to fill a pipe, and not so much that others wait behind it. */
import { describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/limits.ts'
import { Session } from '../../src/session/index.ts'
import { SendWindow } from '../../src/session/send-window.ts'
import { VirtualClock } from '../../src/testing/simulate/virtual-clock.ts'
import { MemoryLink } from '../../src/transport/memory.ts'
import { RecordedCall, RecordedEffects } from '../support/calls.ts'
import { Consumer, Item, Producer, ramp } from './streams-kit.ts'

const ACKNOWLEDGED_BYTES = 32_768

/** A pipe that carries so many bytes in a millisecond, each of which is there after half a round trip. */
class Pipe {
  readonly clock = new VirtualClock()
  readonly window = new SendWindow(this.clock)
  arrived = 0
  /** The most that waited before the pipe. */
  mostWaiting = 0
  readonly #bytesPerMs: number
  readonly #oneWayMs: number
  #freeAt = 0
  #unacknowledged = 0
  #wanted = Number.POSITIVE_INFINITY
  #waiting = 0

  constructor(bytesPerMs: number, roundTripMs: number) {
    this.#bytesPerMs = bytesPerMs
    this.#oneWayMs = roundTripMs / 2
  }

  /** Sends as much as the window lets, for so long; `most` bytes in all. */
  run(ms: number, most = Number.POSITIVE_INFINITY): void {
    this.#wanted = most
    this.#send()
    this.clock.advance(ms)
  }

  #send(): void {
    const { clock, window } = this
    while (window.free >= 1_024 && this.#wanted > 0) {
      const bytes = Math.min(16_384, window.free, this.#wanted)
      this.#wanted -= bytes
      window.sent(bytes)
      this.#waiting += bytes
      this.mostWaiting = Math.max(this.mostWaiting, this.#waiting)
      this.#freeAt = Math.max(this.#freeAt, clock.now()) + bytes / this.#bytesPerMs
      clock.after(this.#freeAt - clock.now(), () => {
        this.#waiting -= bytes
        clock.after(this.#oneWayMs, () => this.#arrive(bytes))
      })
    }
    if (this.#wanted > 0) window.full()
  }

  #arrive(bytes: number): void {
    this.arrived += bytes
    this.#unacknowledged += bytes
    if (this.#unacknowledged < ACKNOWLEDGED_BYTES) return
    const acknowledged = this.#unacknowledged
    this.#unacknowledged = 0
    this.clock.after(this.#oneWayMs, () => {
      this.window.acknowledged(acknowledged)
      this.#send()
    })
  }
}

/** A window that is always full, round after round. */
function rounds() {
  const clock = new VirtualClock()
  const window = new SendWindow(clock)
  const goRound = (times: number, ms: number) => {
    for (let round = 0; round < times; round++) {
      window.sent(window.free)
      window.full()
      clock.advance(ms)
      window.acknowledged(window.unacknowledged)
    }
  }
  return { window, goRound }
}

describe('F9: a window', () => {
  it.each([
    [1, 100],
    [10, 100],
    [50, 12],
    [50, 125],
    [50, 1_250],
    [50, 5_000],
    [200, 1_250],
  ])(
    'fills a pipe of %i ms and %i bytes in a millisecond, and keeps no long queue before it',
    (roundTripMs, bytesPerMs) => {
      const pipe = new Pipe(bytesPerMs, roundTripMs)
      pipe.run(60 * roundTripMs + 100)
      const before = pipe.arrived
      pipe.mostWaiting = 0
      const ms = 100 * roundTripMs + 100
      pipe.clock.advance(ms)
      expect((pipe.arrived - before) / (ms * bytesPerMs)).toBeGreaterThan(0.8)
      // What others wait behind: no more than the first window, what is acknowledged at once, and one and a half round trips.
      expect(pipe.mostWaiting).toBeLessThanOrEqual(65_536 + ACKNOWLEDGED_BYTES + 1.5 * roundTripMs * bytesPerMs)
    },
  )

  it('is never smaller than 65,536 bytes, nor larger than 16,777,216', () => {
    const slow = new Pipe(1, 400)
    slow.run(100_000)
    expect(slow.window.size).toBeGreaterThanOrEqual(65_536)
    expect(slow.window.size).toBeLessThan(80_000)
    const fast = new Pipe(1_000_000, 200)
    fast.run(20_000)
    expect(fast.window.size).toBe(16_777_216)
    expect(fast.window.unacknowledged).toBeLessThanOrEqual(16_777_216)
  })

  it('does not grow where there was no more to send', () => {
    const pipe = new Pipe(5_000, 50)
    for (let round = 0; round < 40; round++) pipe.run(200, 20_000)
    expect(pipe.window.size).toBe(65_536)
  })

  it('becomes smaller again where a round trip takes longer than it did, for then a queue has grown', () => {
    const { window, goRound } = rounds()
    goRound(6, 50)
    expect(window.size).toBe(64 * 65_536)
    goRound(40, 500)
    expect(window.size).toBe(65_536)
  })

  it('does not become smaller because round trips of less than 0.1 ms were shorter before: then a process was awake', () => {
    const { window, goRound } = rounds()
    goRound(2, 0)
    expect(window.size).toBe(4 * 65_536)
    goRound(2, 0.01)
    expect(window.size).toBe(16 * 65_536)
    goRound(10, 0.15)
    expect(window.size).toBeGreaterThan(16 * 65_536)
    goRound(80, 0.4)
    expect(window.size).toBe(65_536)
  })

  it('is that of the fastest of eight rounds', () => {
    const clock = new VirtualClock()
    const window = new SendWindow(clock)
    const goRound = (bytes: number) => {
      window.sent(bytes)
      window.full()
      clock.advance(10)
      window.acknowledged(bytes)
      return window.size
    }
    expect(goRound(60_000)).toBe(120_000)
    expect(Array.from({ length: 8 }, () => goRound(40_000))).toEqual([...Array<number>(7).fill(120_000), 80_000])
  })

  it('learns nothing of what is acknowledged after its round', () => {
    const clock = new VirtualClock()
    const window = new SendWindow(clock)
    window.sent(30_000)
    window.sent(35_000)
    window.full()
    clock.advance(10)
    window.acknowledged(30_000)
    window.acknowledged(35_000)
    expect([window.size, window.unacknowledged, window.acknowledgedBytes]).toEqual([65_536, 0, 65_000])
  })

  it('refuses an acknowledgement of more than was sent', () => {
    const window = new SendWindow(new VirtualClock())
    window.sent(10)
    window.acknowledged(4)
    expect(() => window.acknowledged(7)).toThrow('7 bytes acknowledged, and 6 were under way')
  })
})

/** Both sessions, with a pipe between them in each direction. */
function sessions(roundTripMs: number, bytesPerMs: number) {
  const clock = new VirtualClock()
  const carry = () => {
    let freeAt = 0
    return (chunk: Uint8Array, deliver: (chunk: Uint8Array) => void) => {
      freeAt = Math.max(freeAt, clock.now()) + chunk.length / bytesPerMs
      clock.after(freeAt - clock.now() + roundTripMs / 2, () => deliver(chunk))
    }
  }
  const limits = resolveLimits({ maxBacklogBytes: 64 * 1024 * 1024 }) // of the pipe, not of the system
  const links = {
    client: new MemoryLink({ clock, limits, peer: 'server' }, carry()),
    server: new MemoryLink({ clock, limits, peer: 'client' }, carry()),
  }
  links.client.join(links.server)
  links.server.join(links.client)
  const effects = { client: new RecordedEffects(), server: new RecordedEffects() }
  const common = { clock, limits, incarnation: new Uint8Array(16) }
  const server = new Session({ ...common, role: 'server', link: links.server, effects: effects.server })
  const client = new Session({ ...common, role: 'client', link: links.client, effects: effects.client })
  links.server.attach(server)
  links.client.attach(client)
  return { clock, client, server, effects }
}

describe('F9, F12: over a pipe of 50 ms, 10 MB a second', () => {
  const ROUND_TRIP_MS = 50
  const BYTES_PER_MS = 10_000

  it.each([
    ['1 KiB', 1_024],
    ['64 KiB', 65_536],
    ['1 MiB', 1_048_576],
  ])(
    'one stream of items of %s reaches four fifths of the rate, and a small call passes within three round trips',
    (_, bytes) => {
      const { clock, client, server, effects } = sessions(ROUND_TRIP_MS, BYTES_PER_MS)
      const item = ramp(bytes)
      effects.server.onRequest = ({ call }) => {
        if (!call.flow?.outflow) {
          server.respond(call, undefined, Uint8Array.of(0xc0))
          return
        }
        const { outflow } = call.flow
        const run = () => {
          while (outflow.put(new Item(item)));
        }
        outflow.onReady = run
        run()
      }
      const call = new RecordedCall({ output: true })
      client.start(call)
      clock.advance(200)
      const inflow = call.flow?.inflow
      if (!inflow) throw new Error('the call has no stream')
      let taken = 0
      const take = () => {
        for (let chunk = inflow.chunk; chunk; chunk = inflow.chunk) {
          taken += chunk.end - chunk.start
          inflow.taken(chunk.end - chunk.start)
        }
      }
      inflow.listen({ itemsCame: take, ended() {}, tooLong() {}, stalled() {} })
      take()
      clock.advance(3_000)
      const before = taken
      const calls: RecordedCall[] = []
      for (let round = 0; round < 20; round++) {
        const small = new RecordedCall()
        calls.push(small)
        client.start(small)
        clock.advance(3 * ROUND_TRIP_MS)
        expect(small.fate).toBe('replied')
      }
      expect((taken - before) / (20 * 3 * ROUND_TRIP_MS * BYTES_PER_MS)).toBeGreaterThan(0.8)
    },
  )

  it('so does an upload, and a reply of 4 MB takes little longer than the pipe needs for it', () => {
    const { clock, client, server, effects } = sessions(ROUND_TRIP_MS, BYTES_PER_MS)
    let consumer: Consumer | undefined
    effects.server.onRequest = ({ call }) => {
      if (call.flow?.inflow) consumer = new Consumer(call.flow.inflow)
      else server.respond(call, undefined, new Uint8Array(4_000_000))
    }
    const upload = new RecordedCall({ input: true })
    client.start(upload)
    clock.advance(200)
    new Producer(upload.flow?.outflow, 10_000).run()
    clock.advance(3_000)
    const before = consumer?.bytes.length ?? 0
    clock.advance(1_000)
    expect(((consumer?.bytes.length ?? 0) - before) / (1_000 * BYTES_PER_MS)).toBeGreaterThan(0.8)
    const large = new RecordedCall()
    client.start(large)
    clock.advance(4_000_000 / BYTES_PER_MS + 20 * ROUND_TRIP_MS)
    expect(large.fate).toBe('replied')
  })
})
