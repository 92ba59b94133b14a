/** `nanowire call` of streams and events: items as lines of JSON in and out, as they come, and how they are ended. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  Bytes,
  bidiStream,
  clientStream,
  contract,
  event,
  NanowireError,
  notify,
  type Server,
  serve,
  serverStream,
  service,
  unary,
} from '../../src/index.ts'
import { nextTurn, until } from '../support/hand-clock.ts'
import { FakeIo, inEnoughTime, runCommand } from './fake-io.ts'

const Tick = Type.Object({ n: Type.Integer() })
const Feed = contract('feed', {
  ticks: serverStream(Type.Object({ count: Type.Integer() }), Tick, {
    errors: { Gone: Type.Object({ since: Type.BigInt() }) },
  }),
  blobs: serverStream(Type.Undefined(), Bytes()),
  sum: clientStream(Tick, Type.Object({ sum: Type.Integer() })),
  first: clientStream(Tick, Tick),
  chat: bidiStream(Tick, Tick),
  placed: event(Type.Object({ id: Type.String(), n: Type.Integer() }), { key: 'id' }),
  flood: event(Tick, { slow: { policy: 'dropOldest', maxItems: 1 } }),
  hello: unary(Type.Object({}), Type.Object({})),
  log: notify(Type.Object({})),
})

/** Handlers that were told to stop. */
let stopped = 0
const feed = service(Feed, {
  async *ticks({ count }, ctx) {
    try {
      for (let n = 0; n < count || count < 0; n++) {
        if (n === 7) throw ctx.error('Gone', { since: 5n })
        yield { n }
        await nextTurn()
      }
    } finally {
      if (ctx.signal.aborted) stopped++
    }
  },
  *blobs() {
    yield Uint8Array.of(1, 2, 3)
  },
  async sum(items) {
    let sum = 0
    for await (const { n } of items) {
      sum += n
      if (sum > 100) throw new NanowireError('out_of_range', 'more than 100')
    }
    return { sum }
  },
  async first(items) {
    for await (const item of items) return item
    return { n: -1 }
  },
  async *chat(items) {
    for await (const { n } of items) yield { n: 2 * n }
  },
  hello: () => ({}),
  log() {},
})

const modules = { './feed.js': { Feed } }
const folder = mkdtempSync(join(tmpdir(), 'nanowire-items-'))
const fileOf = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

let server: Server
beforeAll(async () => {
  server = await serve(feed, 'tcp://127.0.0.1:0')
})
afterAll(async () => {
  await server.close({ drainMs: 0 })
  rmSync(folder, { recursive: true })
})

/** Calls with what stands on stdin, by the module or as the server tells. */
function call(words: readonly string[], stdin = '', io = new FakeIo(modules)) {
  io.stdin = stdin
  return runCommand(['call', server.url, ...words], io)
}

const untilIdle = () => until(() => server.stats().inFlight === 0)

describe.each([
  ['with a module', ['./feed.js']],
  ['as the server tells', []],
])('call of a stream, %s,', (_, module) => {
  it('prints each item as one line of JSON, for people too', async () => {
    const io = new FakeIo(modules)
    io.isTty = true
    expect(await call([...module, 'feed/ticks', '{"count":3}'], '', io)).toEqual({
      exitCode: 0,
      out: '{"n":0}\n{"n":1}\n{"n":2}',
      err: '',
    })
    expect((await call([...module, 'feed/blobs'])).out).toBe('"AQID"')
    expect(await call([...module, 'feed/ticks', '{"count":0}'])).toEqual({ exitCode: 0, out: '', err: '' })
  })

  it('sends each line of stdin as an item', async () => {
    expect(await call([...module, 'feed/sum'], '{"n":1}\n\n{"n":2}\r\n{"n":39}')).toEqual({
      exitCode: 0,
      out: '{"sum":42}',
      err: '',
    })
    expect((await call([...module, 'feed/sum', '-'], '')).out).toBe('{"sum":0}')
    expect((await call([...module, 'feed/chat'], '{"n":1}\n{"n":2}\n')).out).toBe('{"n":2}\n{"n":4}')
  })

  it('shows an error behind the items before it', async () => {
    const declared = await call([...module, 'feed/ticks', '{"count":9}'])
    expect(declared.out.split('\n')).toHaveLength(7)
    expect([declared.exitCode, declared.err]).toEqual([
      1,
      'Gone (processed: yes): feed/ticks: Gone\n  data: {"since":"5"}',
    ])
    const json = await call([...module, 'feed/ticks', '{"count":9}', '--json'])
    const last = json.out.split('\n').at(-1) ?? ''
    expect([json.exitCode, json.err, JSON.parse(last)]).toEqual([
      1,
      '',
      { error: { code: 'Gone', processed: 'yes', message: 'feed/ticks: Gone', data: { since: '5' } } },
    ])
    const status = await call([...module, 'feed/sum'], '{"n":101}\n')
    expect([status.exitCode, status.err]).toEqual([1, 'out_of_range (processed: yes): more than 100'])
  })

  it('leaves it after --count items, and the handler ends', async () => {
    const before = stopped
    expect(await call([...module, 'feed/ticks', '{"count":-1}', '--count', '2'])).toEqual({
      exitCode: 0,
      out: '{"n":0}\n{"n":1}',
      err: '',
    })
    await untilIdle()
    expect(stopped).toBe(before + 1)
  })
})

describe('call of a stream', () => {
  it('reads items from a file', async () => {
    const path = fileOf('items.jsonl', Array.from({ length: 10 }, (_, n) => `{"n":${n}}\n`).join(''))
    expect((await call(['./feed.js', 'feed/sum', '--items', path])).out).toBe('{"sum":45}')
    expect((await call(['./feed.js', 'feed/sum', '--items', '-'], '{"n":3}')).out).toBe('{"sum":3}')
  })

  it('ends when the handler has answered, whatever stands on stdin still', async () => {
    const io = new FakeIo(modules)
    let read = 0
    io.stdinChunks = async function* () {
      for (;;) {
        read++
        yield Buffer.from('{"n":5}\n')
        await nextTurn()
      }
    }
    expect((await call(['./feed.js', 'feed/first'], '', io)).out).toBe('{"n":5}')
    expect(read).toBeLessThan(5_000)
  })

  it('sends an item before the next one has been read', async () => {
    const io = new FakeIo(modules)
    io.stdinChunks = async function* () {
      yield Buffer.from('{"n":5}\n')
      await io.untilPrinted('10')
      yield Buffer.from('{"n":6}\n')
    }
    expect((await call(['./feed.js', 'feed/chat'], '', io)).out).toBe('{"n":10}\n{"n":12}')
  })

  it.each([
    ['{"n":1}\n{"n":"x"}\n', 1, 'line 2 of stdin: /n must be integer'],
    ['\n{"n":1}\n{"n"', 2, 'error: line 3 of stdin is no JSON: at line 1, column 5 expected ":", but there is the end'],
    ['{"n":1}\n\n7', 1, 'line 3 of stdin: the value must be an object'],
  ])('says which line of %j is no item, and ends the call', async (stdin, code, message) => {
    for (const method of ['feed/sum', 'feed/chat']) {
      const { exitCode, err } = await call(['./feed.js', method], stdin)
      expect([exitCode, err]).toEqual([code, expect.stringContaining(message)])
    }
    await untilIdle()
  })

  it('refuses a line that is no UTF-8', async () => {
    const io = new FakeIo(modules)
    io.stdinChunks = async function* () {
      yield Buffer.from('{"n":1}\n')
      yield Uint8Array.of(0xff, 0x0a)
    }
    const { exitCode, err } = await call(['./feed.js', 'feed/sum'], '', io)
    expect([exitCode, err]).toEqual([2, 'error: stdin is no text in UTF-8'])
  })

  it.each([
    [
      ['feed/sum', '{"n":1}'],
      'feed/sum takes items: one as JSON in each line of stdin, or of the file that --items names',
    ],
    [['feed/sum', '--items', 'none.jsonl'], 'cannot read none.jsonl: '],
    [['feed/sum', '--count', '1'], '--count is for a method that answers with items, which feed/sum does not'],
    [
      ['feed/ticks', '{"count":1}', '--items', 'x'],
      '--items is for a method that takes items, which feed/ticks does not',
    ],
    [
      ['feed/hello', '{}', '--count', '1'],
      '--count is for a method that answers with items, which feed/hello does not',
    ],
    [['feed/log', '{}', '--items', 'x'], '--items is for a method that takes items, which feed/log does not'],
    [['feed/ticks', '{"count":1}', '--count', '0'], 'It is a whole number from 1 to 2147483647.'],
    [['feed/ticks'], 'feed/ticks takes a request: give it as JSON, or - to read it from stdin'],
  ])('%j is wrong use, and nothing is sent', async (words, message) => {
    await until(() => server.stats().connections === 0) // those of the tests before
    const before = server.stats().bytesReceived
    const { exitCode, out, err } = await call(['./feed.js', ...words])
    expect([exitCode, out, err]).toEqual([2, '', expect.stringContaining(message)])
    expect(server.stats().bytesReceived).toBe(before)
  })

  it('refuses a request that does not fit before anything is sent', async () => {
    const { exitCode, err } = await call(['./feed.js', 'feed/ticks', '{"count":"x"}'])
    expect([exitCode, err]).toEqual([
      1,
      'invalid_argument (processed: no): the request of feed/ticks does not fit: /count must be integer',
    ])
  })

  it('ends by --timeout-ms, and by nothing of its own', async () => {
    const { exitCode, err } = await inEnoughTime(
      (timeoutMs) => call(['./feed.js', 'feed/placed', '--timeout-ms', timeoutMs]),
      (ended) => !ended.err.includes('processed: no'),
    )
    expect([exitCode, err]).toEqual([1, expect.stringContaining('deadline_exceeded (processed: maybe)')])
  })

  it('is left when nobody reads what is printed', async () => {
    const io = new FakeIo(modules)
    io.written = async () => {
      io.isHeard = io.printed.length < 3
    }
    const { exitCode, out } = await call(['./feed.js', 'feed/chat'], '{"n":1}\n'.repeat(1_000), io)
    expect([exitCode, out.split('\n').length]).toEqual([0, 3])
  })

  it('waits for what is printed before it asks for more', async () => {
    const io = new FakeIo(modules)
    let isWriting = false
    io.out = (text) => {
      expect(isWriting).toBe(false)
      io.printed.push(text)
    }
    io.written = async () => {
      isWriting = true
      await nextTurn()
      isWriting = false
    }
    const { out } = await call(['./feed.js', 'feed/ticks', '{"count":6}'], '', io)
    expect(out.split('\n')).toHaveLength(6)
  })

  it('ends with 130 at a Ctrl-C, and its handler is told', async () => {
    const before = stopped
    const io = new FakeIo(modules)
    void io.untilPrinted('{"n":1}').then(() => io.signal('SIGINT'))
    const { exitCode, err } = await call(['./feed.js', 'feed/ticks', '{"count":-1}'], '', io)
    expect([exitCode, err, io.listeners]).toEqual([130, '', 0])
    await untilIdle()
    expect(stopped).toBe(before + 1)
  })

  it('of an upload ends with 143 at SIGTERM', async () => {
    const io = new FakeIo(modules)
    io.stdinChunks = async function* () {
      yield Buffer.from('{"n":1}\n')
      while (server.stats().inFlight === 0) await nextTurn()
      io.signal('SIGTERM')
      await new Promise(() => {})
    }
    expect(await call(['./feed.js', 'feed/sum'], '', io)).toEqual({ exitCode: 143, out: '', err: '' })
    await untilIdle()
  })
})

describe('call of an event', () => {
  /** Publishes as soon as the command says that it has subscribed. */
  function subscribed(publish: (io: FakeIo) => void): FakeIo {
    const io = new FakeIo(modules)
    const err = io.err.bind(io)
    io.err = (text) => {
      err(text)
      if (text.startsWith('subscribed to')) publish(io)
    }
    return io
  }

  it('prints what is published from then on, until --count', async () => {
    const io = subscribed(() => {
      for (const n of [1, 2, 3]) feed.publish.placed({ id: n === 2 ? 'y' : 'x', n })
    })
    expect(await call(['./feed.js', 'feed/placed', '--count', '3'], '', io)).toEqual({
      exitCode: 0,
      out: '{"id":"x","n":1}\n{"id":"y","n":2}\n{"id":"x","n":3}',
      err: 'subscribed to feed/placed (Ctrl-C ends it)',
    })
    await untilIdle()
  })

  it('takes a key for its request, and ends with 0 at a Ctrl-C', async () => {
    const io = subscribed((self) => {
      for (const n of [1, 2, 3]) feed.publish.placed({ id: n === 2 ? 'y' : 'x', n })
      void self.untilPrinted('{"id":"x","n":3}').then(() => self.signal('SIGINT'))
    })
    const { exitCode, out } = await call(['feed/placed', '{"id":"x"}'], '', io)
    expect([exitCode, out]).toEqual([0, '{"id":"x","n":1}\n{"id":"x","n":3}'])
    await untilIdle()
  })

  it('refuses what it cannot be chosen by', async () => {
    const { exitCode, err } = await call(['./feed.js', 'feed/placed', '{"n":1}'])
    expect([exitCode, err]).toEqual([1, expect.stringContaining('invalid_argument (processed: no)')])
  })

  it('says where items were left out', async () => {
    const count = 5_000
    const io = subscribed(() => {
      for (let n = 1; n <= count; n++) feed.publish.flood({ n })
    })
    const out = io.out.bind(io)
    io.out = (text) => {
      out(text)
      if (text === `{"n":${count}}`) io.signal('SIGINT')
    }
    const { exitCode } = await call(['./feed.js', 'feed/flood'], '', io)
    const [, gap = '0'] = /^(\d+) left out here$/m.exec(io.complaints.join('\n')) ?? []
    expect([exitCode, io.printed.length + Number(gap), io.complaints.length]).toEqual([0, count, 2])
    expect(Number(gap)).toBeGreaterThan(0)
  })
})
