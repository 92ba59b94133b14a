/** Each target of fuzz/ sees a bug: one is planted in what it judges, and one of the inputs that every run begins with finds it. */
import { afterEach, expect, it, vi } from 'vitest'
import { linesOf } from '../../fuzz/seeds.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { isOn } from '../wire/compiled/subject.ts'

type Wire = typeof import('../../src/wire/index.ts')
type Contract = typeof import('../../src/contract/index.ts')
type CompiledCodec = import('../../src/wire/compiled/index.ts').CompiledCodec
type Sessions = typeof import('../../src/session/index.ts')

/** What a chapter's door gives out, with a bug in it. */
interface Plants {
  readonly wire?: (real: Wire) => Partial<Wire>
  readonly contract?: (real: Contract) => Partial<Contract>
  readonly session?: (real: Sessions) => Partial<Sessions>
  /** Puts a bug into what all compiled codecs have. */
  readonly compiled?: (prototype: CompiledCodec) => void
}

/** The first input that a target refuses with this bug, and what it says. */
async function findingOf(name: string, { wire, contract, session, compiled }: Plants): Promise<string | undefined> {
  vi.resetModules()
  if (wire) vi.doMock('../../src/wire/index.ts', async (load) => planted(await load<Wire>(), wire))
  if (contract) vi.doMock('../../src/contract/index.ts', async (load) => planted(await load<Contract>(), contract))
  if (session) vi.doMock('../../src/session/index.ts', async (load) => planted(await load<Sessions>(), session))
  if (compiled) compiled((await import('../../src/wire/compiled/index.ts')).CompiledCodec.prototype)
  const { isTargetName, loadTarget } = await import('../../fuzz/targets/index.ts')
  if (!isTargetName(name)) throw new Error(`there is no target ${name}`)
  const target = await loadTarget(name)
  for (const input of [...target.seeds(), ...linesOf(`fuzz/corpus/${name}.txt`)]) {
    try {
      target.judge(input)
    } catch (error) {
      return String(error)
    }
  }
  return undefined
}

function planted<Door extends object>(real: Door, plant: (real: Door) => Partial<Door>): Door {
  return { ...real, ...plant(real) }
}

const plants: readonly (readonly [target: string, bug: string, finding: RegExp, plants: Plants])[] = [
  [
    'frames',
    'a long body loses its last byte',
    /whole: the frames/,
    {
      wire: ({ FrameDecoder }) => ({
        FrameDecoder: class extends FrameDecoder {
          override read(): boolean {
            const found = super.read()
            if (found && this.end - this.start > 100) this.end--
            return found
          }
        },
      }),
    },
  ],
  [
    'frames',
    'a frame that was skipped is not counted',
    /skipped 0 for 1/,
    {
      wire: ({ FrameDecoder }) => ({
        FrameDecoder: class extends FrameDecoder {
          override read(): boolean {
            const found = super.read()
            this.skipped = 0
            return found
          }
        },
      }),
    },
  ],
  [
    'msgpack',
    'bytes behind the value are let be',
    /read as null, and slowly as .*trailing_bytes/,
    { wire: ({ unpack, StrictError }) => ({ unpack: orNull(unpack, StrictError) }) },
  ],
  [
    'msgpack',
    'an empty text is written as nil',
    /which is another value/,
    { wire: ({ pack }) => ({ pack: (value: unknown) => pack(value === '' ? null : value) }) },
  ],
  [
    'codecs',
    'a number that is decoded is one more',
    /^Fault: decoded whole: /,
    { wire: ({ decodeBody }) => ({ decodeBody: (...args) => oneMore(decodeBody(...args)) }) },
  ],
  [
    'codecs',
    'a compiled number that stays in this process is one more',
    /^Fault: passed: /,
    {
      compiled(codec) {
        const { pass } = codec
        codec.pass = function (...args) {
          return oneMore(pass.apply(this, args))
        }
      },
    },
  ],
  [
    'codecs',
    'a compiled encoder changes its last byte',
    /^Fault: encoded: /,
    {
      compiled(codec) {
        const { encode } = codec
        codec.encode = function (value, buffer, at, limits) {
          const end = encode.call(this, value, buffer, at, limits)
          if (end > at) buffer[end - 1] = 0xc1
          return end
        }
      },
    },
  ],
  [
    'codecs',
    'a compiled decoder makes numbers one more, where nothing of the wire takes its word',
    /^Fault: decoded: /,
    {
      wire: ({ unpack }) => ({
        decodeBody: (gate, ...bytes) => gate.fromWire(unpack(...bytes)),
      }),
      compiled(codec) {
        const { decode } = codec
        codec.decode = function (...args) {
          return oneMore(decode.apply(this, args))
        }
      },
    },
  ],
  [
    'bodies',
    'metadata may be numbers',
    /metadata that is no text/,
    { wire: () => ({ readMetadata: () => ({ a: 1 }) as unknown as Readonly<Record<string, string>> }) }, // the bug itself
  ],
  ...['bodies', 'hello'].map(
    (target) =>
      [
        target,
        'a bug of its own is taken for bytes that are no MessagePack',
        /^TypeError: planted$/,
        {
          wire: ({ ProtocolError }: Wire) => {
            const mask = () => {
              throw new ProtocolError('body', 'no strict MessagePack', undefined, new TypeError('planted'))
            }
            return { readError: mask, readHello: mask }
          },
        },
      ] as const,
  ),
  [
    'decode',
    'the last byte of the input belongs to nobody',
    /bytes described|is described at/,
    {
      wire: ({ describeFrames }) => ({
        describeFrames: (bytes, limits) => describeFrames(bytes.subarray(0, bytes.length - 1), limits),
      }),
    },
  ],
  [
    'hello',
    'the incarnation lies in the buffer of the link',
    /changes with the bytes|of another length|read as another/,
    {
      wire: ({ readHello }) => ({
        readHello: (buffer, start, end, from) => ({
          ...readHello(buffer, start, end, from),
          incarnation: buffer.subarray(end - 16, end),
        }),
      }),
    },
  ],
  [
    'schemas',
    'a description is not read as it is',
    /another the second time/,
    {
      contract: ({ readDescription }) => ({
        readDescription: (value) => {
          const read = readDescription(value)
          return { ...read, name: `${read.name}x` }
        },
      }),
    },
  ],
  [
    'session-server',
    'a call is answered twice',
    /^Fault: a frame of kind \d+ for \d+ behind its answer$/,
    {
      session: ({ Session }) => ({
        Session: class extends Session {
          override refuse(...args: Parameters<InstanceType<typeof Session>['refuse']>): void {
            super.refuse(...args)
            super.refuse(...args)
          }
        },
      }),
    },
  ],
  [
    'session-server',
    'a cut is not noticed while handlers run',
    /a cut that does not end the session/,
    {
      session: ({ Session }) => ({
        Session: class extends Session {
          override linkClosed(error: Error | undefined): void {
            if (this.inFlight === 0) super.linkClosed(error)
          }
        },
      }),
    },
  ],
  [
    'session-client',
    'a call that is refused is told so twice',
    /a call ends twice/,
    {
      session: ({ Session }) => ({
        Session: class extends Session {
          override start(call: Parameters<InstanceType<typeof Session>['start']>[0]): void {
            const refused = call.refused.bind(call)
            call.refused = (error) => {
              refused(error)
              refused(error)
            }
            super.start(call)
          }
        },
      }),
    },
  ],
]

const oneMore = (value: unknown): unknown => (typeof value === 'number' ? value + 1 : value)

function orNull(unpack: Wire['unpack'], StrictError: Wire['StrictError']): Wire['unpack'] {
  return (...args) => {
    try {
      return unpack(...args)
    } catch (error) {
      if (error instanceof StrictError && error.rule === 'trailing_bytes') return null
      throw error
    }
  }
}

afterEach(() => {
  for (const chapter of ['wire', 'contract', 'session']) vi.doUnmock(`../../src/${chapter}/index.ts`)
  vi.resetModules()
})

it.each(plants.filter(([, , , { compiled }]) => isOn || !compiled))(
  '%s sees that %s',
  { timeout: PATIENCE_MS },
  async (name, _bug, finding, bugs) => {
    expect(await findingOf(name, bugs)).toMatch(finding)
  },
)

it('says so where there is no such target', async () => {
  const { judgeFor } = await import('../../fuzz/watch.ts')
  await expect(judgeFor('nothing')).rejects.toThrow('there is no target "nothing"')
})
