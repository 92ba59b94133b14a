/** What is told on `node:diagnostics_channel`, and what never is (spec/debugging.md). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect, router, type ServeOptions, serve } from '../../src/index.ts'
import { kinds } from '../../src/wire/index.ts'
import { HandClock, nextTurn, until } from '../support/hand-clock.ts'
import { fakeServer, frame, hello, RawPeer, request } from '../support/raw-peer.ts'
import { RecordingLog } from '../support/recording-log.ts'
import { Gate, Lab, lab } from './lab.ts'

const channels = ['call:start', 'call:end', 'connection:open', 'connection:close', 'limit', 'violation'] as const
type ChannelName = (typeof channels)[number]

interface Heard {
  readonly channel: ChannelName
  /** As it was when it was told. */
  readonly message: Readonly<Record<string, unknown>>
  readonly object: unknown
}

/** Listens to these channels, until the test is over. */
function hearing(names: readonly ChannelName[] = channels): Heard[] {
  const heard: Heard[] = []
  for (const channel of names) {
    const listen = (object: unknown) => {
      heard.push({ channel, message: { ...(object as object) }, object }) // every message is an object
    }
    subscribe(`nanowire:${channel}`, listen)
    onTestFinished(() => void unsubscribe(`nanowire:${channel}`, listen))
  }
  return heard
}

const of = (heard: readonly Heard[], channel: ChannelName, side?: string) =>
  heard.filter((one) => one.channel === channel && (side === undefined || one.message['side'] === side))
const messages = (heard: readonly Heard[]) => heard.map(({ message }) => message)

/** Opens these services; closes them when the test is over. */
async function opened(
  place: string,
  service: ReturnType<typeof lab>,
  { server = {}, client = {} }: { readonly server?: ServeOptions; readonly client?: ConnectOptions } = {},
) {
  const clock = new HandClock()
  const routed = router([service], { log: new RecordingLog() })
  const served = place === 'tcp' ? await serve(routed, 'tcp://127.0.0.1:0', { clock, ...server }) : undefined
  const wire = served
    ? connect(served.url, { clock, ...client })
    : connect(routed, { clock, ...client, encoded: place === 'encoded' })
  const close = async () => {
    await wire.close({ drainMs: 0 })
    await served?.close({ drainMs: 0 })
  }
  onTestFinished(close)
  return { clock, wire, lab: wire.client(Lab), url: served?.url ?? '', close }
}

describe.each(['memory', 'encoded', 'tcp'])('a call in %s', (place) => {
  const peer = (side: string, url: string) =>
    place !== 'tcp' ? 'memory' : side === 'client' ? url : expect.stringMatching(/^127\.0\.0\.1:\d+$/)

  it('is told at both ends, where it begins and where it ends', async () => {
    const {
      clock,
      lab: calls,
      url,
    } = await opened(
      place,
      lab({
        echo({ text }, ctx) {
          clock.advance(7)
          if (text === 'banned') throw ctx.error('Banned', { until: 'tomorrow' })
          return { text }
        },
      }),
    )
    const heard = hearing(['call:start', 'call:end'])
    for (const [text, code] of [
      ['hi', 'ok'],
      ['banned', 'Banned'],
    ]) {
      heard.length = 0
      await calls.echo.try({ text: text ?? '' })
      await until(() => of(heard, 'call:end').length === 2)
      for (const side of ['client', 'server']) {
        const begun = { method: 'lab/echo', side, peer: peer(side, url) }
        expect(messages(of(heard, 'call:start', side))).toEqual([begun])
        expect(messages(of(heard, 'call:end', side))).toEqual([{ ...begun, code, processed: 'yes', durationMs: 7 }])
        expect(of(heard, 'call:end', side)[0]?.object).toBe(of(heard, 'call:start', side)[0]?.object)
      }
    }
  })

  it('that is cancelled ends for its caller at once, and for its handler when that has ended', async () => {
    const began = new Gate()
    const end = new Gate()
    let signal: AbortSignal | undefined
    const { lab: calls } = await opened(
      place,
      lab({
        async echo(_, ctx) {
          signal = ctx.signal
          began.open()
          await end.promise
          throw ctx.signal.reason
        },
      }),
    )
    const heard = hearing(['call:end'])
    const caller = new AbortController()
    const outcome = calls.echo.try({ text: '' }, { signal: caller.signal })
    await began.promise
    caller.abort()
    await outcome
    await until(() => signal?.aborted === true)
    expect(messages(heard)).toMatchObject([{ side: 'client', code: 'cancelled', processed: 'maybe' }])
    end.open()
    await until(() => heard.length === 2)
    expect(messages(heard)[1]).toMatchObject({ side: 'server', code: 'cancelled', processed: 'yes' })
  })

  it('that one way goes ends for its sender when it is sent', async () => {
    const { lab: calls } = await opened(place, lab({ note: () => Promise.reject(new Error('an accident')) }))
    const heard = hearing(['call:end'])
    await calls.note({ line: 'over' })
    await until(() => heard.length === 2)
    expect(messages(of(heard, 'call:end', 'client'))).toMatchObject([
      { method: 'lab/note', code: 'ok', processed: 'maybe' },
    ])
    expect(messages(of(heard, 'call:end', 'server'))).toMatchObject([
      { method: 'lab/note', code: 'internal', processed: 'yes' },
    ])
  })

  it('that is refused before it begins is told with both', async () => {
    const { lab: calls, wire } = await opened(place, lab({}))
    const heard = hearing(['call:start', 'call:end'])
    // A request that does not fit, as a program without types may pass it.
    await calls.echo.try(JSON.parse('{"text":1}'))
    await wire.close()
    await calls.echo.try({ text: '' })
    expect(
      heard.map(({ channel, message: { side, code, processed } }) => ({ channel, side, code, processed })),
    ).toEqual([
      { channel: 'call:start', side: 'client' },
      { channel: 'call:end', side: 'client', code: 'invalid_argument', processed: 'no' },
      { channel: 'call:start', side: 'client' },
      { channel: 'call:end', side: 'client', code: 'unavailable', processed: 'no' },
    ])
  })

  it('is not told at its end where nobody listened when it began', async () => {
    const began = new Gate()
    const end = new Gate()
    const { lab: calls } = await opened(
      place,
      lab({
        async echo(given) {
          began.open()
          await end.promise
          return given
        },
      }),
    )
    const reply = calls.echo({ text: 'hi' })
    await began.promise
    const heard = hearing()
    end.open()
    await reply
    await nextTurn()
    expect(of(heard, 'call:end')).toEqual([])
  })

  it('tells nothing of what it carries', async () => {
    const heard = hearing()
    const authenticate = () => ({ name: 'hush' })
    const { lab: calls, close } = await opened(
      place,
      lab({
        echo({ text }, ctx) {
          ctx.reply.set('hush', 'hush')
          throw ctx.error('Banned', { until: text })
        },
      }),
      place === 'tcp'
        ? { server: { authenticate }, client: { credentials: 'hush' } }
        : { client: { principal: { name: 'hush' } } },
    )
    await calls.echo.try({ text: 'hush' }, { metadata: { hush: 'hush' } })
    await close()
    expect(of(heard, 'call:end').length).toBe(2)
    expect(JSON.stringify(heard)).not.toContain('hush')
  })
})

it('a request that no handler gets is told by the server', async () => {
  const heard = hearing(['call:start', 'call:end'])
  const { url } = await opened('tcp', lab({}))
  const peer = await RawPeer.greeted(url)
  peer.send(request(1, 99, null), request(2, Lab.methods.echo, 5))
  await peer.next(kinds.ERROR, 2)
  expect(messages(of(heard, 'call:start'))).toHaveLength(2)
  expect(messages(of(heard, 'call:end'))).toMatchObject([
    { method: 'unknown method', side: 'server', code: 'unimplemented', processed: 'no' },
    { method: 'lab/echo', side: 'server', code: 'invalid_argument', processed: 'no' },
  ])
})

describe('a connection', () => {
  const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/)

  it('is told at both ends, when it opens and when it closes', async () => {
    const heard = hearing(['connection:open', 'connection:close'])
    const { wire, url, close } = await opened('tcp', lab({}))
    await wire.ready()
    await close()
    for (const side of ['client', 'server']) {
      expect(messages(of(heard, 'connection:open', side))).toEqual([{ side, peer: address, url }])
      expect(messages(of(heard, 'connection:close', side))).toMatchObject([{ side, peer: address, url, wasOpen: true }])
    }
  })

  it('that a server refuses was never open', async () => {
    const heard = hearing(['connection:open', 'connection:close'])
    const { wire, close } = await opened('tcp', lab({}), { server: { authenticate: () => undefined } })
    await wire.ready().catch(() => {})
    await close()
    expect(of(heard, 'connection:open')).toEqual([])
    expect(messages(of(heard, 'connection:close', 'client'))).toMatchObject([
      { wasOpen: false, code: 'unauthenticated', message: expect.stringContaining('credentials') },
    ])
    expect(messages(of(heard, 'connection:close', 'server'))).toMatchObject([{ wasOpen: false }])
  })

  it('whose peer breaks a rule tells the rule', async () => {
    const heard = hearing(['violation', 'connection:close'])
    const { url } = await opened('tcp', lab({}))
    const peer = await RawPeer.greeted(url)
    peer.send(hello())
    await peer.lastWords()
    await until(() => of(heard, 'connection:close').length === 1)
    expect(messages(of(heard, 'violation'))).toEqual([
      { side: 'server', rule: 'second_hello', peer: address, message: expect.any(String) },
    ])
  })

  it('whose server breaks a rule tells it at the client', async () => {
    const heard = hearing(['violation'])
    const url = await fakeServer((peer) => {
      peer.onFrame = () => peer.send(hello(), frame(kinds.AUTH, 0, new Uint8Array([0xc0])))
    })
    const wire = connect(url)
    onTestFinished(() => wire.close({ drainMs: 0 }))
    await wire.client(Lab).echo.try({ text: '' })
    expect(messages(heard)).toMatchObject([{ side: 'client', rule: 'frame_order', peer: new URL(url).host }])
  })
})

describe('a limit that fires', () => {
  it('is told by the server with the peer', async () => {
    const heard = hearing(['limit'])
    const { wire, url } = await opened('tcp', lab({}), { server: { limits: { maxConnections: 1 } } })
    await wire.ready()
    const second = connect(url)
    await second.ready().catch(() => {})
    await second.close()
    expect(messages(of(heard, 'limit', 'server'))).toEqual([
      {
        side: 'server',
        limit: 'maxConnections',
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        message: expect.stringContaining('maxConnections is 1'),
      },
    ])
  })

  it.each(['memory', 'encoded'])('is told by the client in %s', async (place) => {
    const heard = hearing(['limit'])
    const limits = { maxCallsInFlight: 1, maxCallsQueued: 1 }
    const end = new Gate()
    const echo = async (given: { text: string }) => {
      await end.promise
      return given
    }
    const { lab: calls, wire } = await opened(place, lab({ echo }), { client: { limits } })
    onTestFinished(() => end.open())
    await wire.ready()
    for (let count = 0; count < 3; count++) void calls.echo.try({ text: '' })
    await until(() => heard.length > 0)
    expect(messages(heard)).toEqual([
      {
        side: 'client',
        limit: 'maxCallsQueued',
        peer: 'memory',
        message: expect.stringContaining('maxCallsQueued is 1'),
      },
    ])
  })
})

it('a listener that throws does not touch the call; the process hears of it', async () => {
  const { lab: calls } = await opened('memory', lab({ echo: (given) => given }))
  const caught: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => caught.push(error))
  onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null))
  const accident = new Error('an accident')
  const listen = (): never => {
    throw accident
  }
  subscribe('nanowire:call:start', listen)
  onTestFinished(() => void unsubscribe('nanowire:call:start', listen))
  expect(await calls.echo({ text: 'hi' })).toEqual({ text: 'hi' })
  await nextTurn()
  expect(caught).toEqual([accident, accident]) // both ends are in this process
})

it('a listener that freezes what it is told does not touch the call; its end is told all the same', async () => {
  const { lab: calls } = await opened('encoded', lab({ echo: (given) => given }))
  const freeze = (message: unknown) => void Object.freeze(message)
  subscribe('nanowire:call:start', freeze)
  onTestFinished(() => void unsubscribe('nanowire:call:start', freeze))
  const heard = hearing(['call:end'])
  expect(await calls.echo({ text: 'hi' })).toEqual({ text: 'hi' })
  await until(() => heard.length === 2)
  for (const { message } of heard) expect(message).toMatchObject({ method: 'lab/echo', code: 'ok', processed: 'yes' })
})
