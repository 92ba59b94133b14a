/** A second implementation, written in Python from the documents alone, against this server and on the vectors. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { defaultLimits, type ServeOptions, type Server, serve } from '../../src/index.ts'
import { needs } from '../support/needs.ts'
import { python } from './python.ts'
import { interop } from './service.ts'

const found = needs('python3')

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainMs: 0 })))
})

async function start(options: ServeOptions = {}, at = 'tcp://127.0.0.1:0') {
  const running = interop()
  const server = await serve(running.service, at, options)
  servers.push(server)
  return {
    ...running,
    server,
    run: (name: string, ...args: string[]) => python('scenarios.py', name, server.url, ...args),
  }
}

describe.skipIf(!found)('a client in Python, on the vectors', () => {
  const counts = python('vectors.py', fileURLToPath(new URL('../../spec/vectors', import.meta.url))).line()
  counts.catch(() => {})

  test.for(['msgpack', 'frames', 'bodies', 'fragments', 'types', 'tags', 'fingerprints', 'sessions'])(
    'passes %s.json',
    async (file) => {
      const { passed, failed, skipped } = ((await counts) as Record<string, Counts>)[file] as Counts
      console.info(`${file}.json: ${passed} passed, ${failed.length} failed, skipped ${JSON.stringify(skipped)}`)
      expect(failed).toEqual([])
      expect(passed).toBeGreaterThan(10)
      if (file !== 'sessions') expect(skipped).toEqual({})
    },
  )
})

interface Counts {
  readonly passed: number
  readonly failed: readonly string[]
  readonly skipped: Readonly<Record<string, number>>
}

describe.skipIf(!found)('a client in Python, with this server', () => {
  test('opens by a HELLO, and reads the limits', async () => {
    const { run } = await start()
    const { maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes } = defaultLimits
    expect(await run('hello').result()).toEqual({
      limits: { maxFrameBytes, maxMessageBytes, maxCallsInFlight, maxDepth, maxNodes },
      features: [],
      reply: { text: 'Hello, Ada' },
    })
  })

  test('gets each type back as it was', async () => {
    const { run } = await start()
    expect(await run('types').result()).toBe(6)
  })

  test('notifies, in order', async () => {
    const { run, lines } = await start()
    expect(await run('notify').result()).toBe('sent')
    expect(lines).toEqual(Array.from({ length: 100 }, (_, line) => String(line)))
  })

  test('is told what failed, and whether it ran', async () => {
    const { run } = await start()
    expect(await run('errors').result()).toEqual({
      declared: {
        code: 'Banned',
        processed: 'yes',
        data: '1970-01-01T00:00:01+00:00',
        message: 'interop/hello: Banned',
      },
      accident: { code: 'internal', processed: 'yes' },
      status: { code: 'not_found', processed: 'yes', data: null, message: 'there is nobody' },
      misfit: { code: 'invalid_argument', processed: 'no' },
      badReply: { code: 'internal', processed: 'yes' },
      missing: { code: 'unimplemented', processed: 'no' },
      oneWay: { code: 'invalid_argument', processed: 'no' },
      after: { text: 'Hello, Ada' },
    })
  })

  test('cancels, by its task and by the call, and the handlers hear it', async () => {
    const { run } = await start()
    expect(await run('cancel').result()).toEqual({
      call: { code: 'cancelled', processed: 'maybe' },
      reasons: ['cancelled', 'cancelled'],
    })
  })

  test('has deadlines, and the handler the same ones', async () => {
    const { run } = await start()
    expect(await run('deadline').result()).toEqual({
      call: { code: 'deadline_exceeded', processed: 'maybe' },
      reason: 'deadline_exceeded',
      without: null,
    })
  })

  test('sends and receives metadata, with errors too', async () => {
    const { run } = await start()
    expect(await run('metadata').result()).toEqual({
      reply: 'é',
      error: { code: 'aborted', processed: 'yes' },
      large: { code: 'resource_exhausted', processed: 'no' },
      out: [{ out: 'ä' }, { out: 'ä' }],
    })
  })

  test('makes 3,000 calls at once, over the end of the ids', async () => {
    const { run } = await start()
    expect(await run('many').result()).toBe(3000)
  })

  test('makes as many of a server that takes two at a time', async () => {
    const { run, server } = await start({ limits: { maxCallsInFlight: 2 } })
    expect(await run('many').result()).toBe(3000)
    expect(server.stats().refused).toEqual({})
  })

  test('calls before the server has said HELLO', async () => {
    const { run } = await start()
    expect(await run('early').result()).toBe(300)
  })

  test('sends and receives large bodies in fragments, up to the limits of both ends', async () => {
    const { run } = await start()
    expect(await run('large').result()).toEqual({
      request: { code: 'resource_exhausted', processed: 'no' },
      reply: { code: 'resource_exhausted', processed: 'yes' },
    })
  })

  test('sends and receives large frames where both ends take them', async () => {
    const { run } = await start({ limits: { maxFrameBytes: 1_048_576 } })
    expect(await run('large').result()).toMatchObject({ reply: { processed: 'yes' } })
  })

  test('loses none of many large bodies at once', async () => {
    const { run } = await start()
    expect(await run('flood').result()).toEqual([])
  })

  test('is refused a request that is too large before it is whole, and calls on', async () => {
    const { run } = await start()
    expect(await run('refused').result()).toEqual({
      call: { code: 'resource_exhausted', processed: 'no' },
      after: { text: 'Hello, Ada' },
    })
  })

  test('cancels a request of which half is sent', async () => {
    const { run } = await start()
    expect(await run('half').result()).toEqual({
      call: { code: 'cancelled', processed: 'maybe' },
      after: { text: 'Hello, Ada' },
    })
  })

  test('is drained in two steps: what runs is answered, what comes later is not sent', async () => {
    const { run, server, release } = await start()
    const program = run('drain')
    expect(await program.line()).toBe('waiting')
    const closed = server.close({ drainMs: 20_000 })
    expect(await program.line()).toBe('draining')
    release('drain')
    await closed
    expect(await program.result()).toEqual({ new: { code: 'unavailable', processed: 'no' }, reply: false })
  })

  test('says who it is, is refused where that is wrong, and may say it anew', async () => {
    const names: Readonly<Record<string, string>> = { ada: 'Ada', 'eve/1': 'Eve', 'bob/2': 'Bob' }
    const { run } = await start({
      authenticate: ({ credentials: said }) =>
        names[typeof said === 'object' ? `${said['user']}/${said['key']}` : `${said}`],
    })
    const refused = { code: 'unauthenticated', processed: 'no', rule: 'auth' }
    expect(await run('identity').result()).toEqual({
      names: ['Ada', 'Eve'],
      renewed: 'Bob',
      wrong: refused,
      none: refused,
      early: refused,
      afterwards: [{ ...refused, processed: 'maybe' }, refused],
      cancelled: expect.any(String),
    })
  })

  test('calls over a unix socket', async () => {
    const { run } = await start({}, `unix:${join(await mkdtemp(join(tmpdir(), 'nanowire-')), 'socket')}`)
    expect(await run('hello').result()).toMatchObject({ reply: { text: 'Hello, Ada' } })
  })

  test('finds nobody at an address where nobody listens', async () => {
    const { run, server } = await start()
    await server.close()
    expect(await run('nobody').result()).toEqual({ code: 'unavailable', processed: 'no' })
  })

  test.for([
    ['a second HELLO', 'second_hello', { code: 'internal', rule: 'second_hello', lastId: 0, id: 0 }],
    ['HTTP', 'http', { code: 'unavailable', rule: 'not_nanowire', id: 0 }],
    ['another version', 'version', { code: 'failed_precondition', rule: 'version', id: 0 }],
  ] as const)('is refused %s', async ([, name, error]) => {
    const { run } = await start()
    expect(await run(name).result()).toMatchObject(error)
  })
})
