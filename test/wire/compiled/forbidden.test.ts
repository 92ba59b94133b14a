/**
 * A schema whose code cannot be made (spec/codecs.md), in this process and in modules of their own: what forbids code once forbids it for
 * good, with one warning; what is wrong with one schema is wrong with no other. `off.test.ts` asks the same of whole processes.
 */
import Type from 'typebox'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isOn } from './subject.ts'

const limits = { maxDepth: 64, maxNodes: 1_000 }
const One = () => Type.Object({ a: Type.Integer() })
const packed = Uint8Array.of(0x81, 0xa1, 0x61, 7)

/** Modules that no other test has, so that none has to live with what happens here. */
async function fresh() {
  vi.resetModules()
  const { gateOf } = await import('../../../src/contract/index.ts')
  const { compiledOf, UNDECIDED } = await import('../../../src/wire/compiled/index.ts')
  const codecOf = () => compiledOf(gateOf(One()))
  const all = (codec: ReturnType<typeof codecOf>) => {
    const said = (value: unknown) => (value === UNDECIDED ? 'undecided' : value)
    return {
      encoded: codec.encode({ a: 7 }, new Uint8Array(20), 0, limits),
      decoded: said(codec.decode(packed, 0, 4, limits)),
      first: said(codec.decodeFirst(packed, 0, 4, limits)),
      passed: said(codec.pass({ a: 7 }, limits)),
    }
  }
  return { codecOf, all }
}

const served = { encoded: 4, decoded: { a: 7 }, first: { a: 7 }, passed: { a: 7 } }
const left = { encoded: -1, decoded: 'undecided', first: 'undecided', passed: 'undecided' }

/** Runs `act` where making code throws. */
function whereCodeThrows<Result>(error: Error, act: () => Result): Result {
  const { Function: whole } = globalThis
  globalThis.Function = class {
    constructor() {
      throw error
    }
  } as unknown as FunctionConstructor // of which only `new` is used
  try {
    return act()
  } finally {
    globalThis.Function = whole
  }
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe.runIf(isOn)('code that cannot be made', () => {
  it('because nobody may make any is not asked for again, and one warning says so', async () => {
    const { codecOf, all } = await fresh()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const before = codecOf()
    expect(all(before)).toEqual(served)
    const [one, other] = [codecOf(), codecOf()]
    expect(one.isCovered).toBe(true)
    expect(whereCodeThrows(new EvalError('forbidden'), () => all(one))).toEqual(left)
    expect(all(other)).toEqual(left) // though it would be made now
    expect([one.isCovered, other.isCovered, codecOf().isCovered]).toEqual([false, false, false])
    expect(all(before)).toEqual(served) // it was made in time
    expect(warn.mock.calls).toEqual([
      [
        'code generation from strings is forbidden here, so Nanowire encodes and decodes by its reference path, which is slower',
        { code: 'NANOWIRE_NO_CODE_GENERATION' },
      ],
    ])
  })

  it.each([new RangeError('too deep'), new SyntaxError('too many')])(
    'of one schema leaves others alone: %s',
    async (error) => {
      const { codecOf, all } = await fresh()
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
      const one = codecOf()
      expect(whereCodeThrows(error, () => all(one))).toEqual(left)
      expect(all(one)).toEqual(left) // nor is it tried again
      expect(all(codecOf())).toEqual(served)
      expect(warn).not.toHaveBeenCalled()
    },
  )

  it('for any other reason is a fault that is told', async () => {
    const { codecOf, all } = await fresh()
    const one = codecOf()
    expect(() => whereCodeThrows(new TypeError('a fault'), () => all(one))).toThrow(new TypeError('a fault'))
  })
})

describe('the compiled path', () => {
  it('is off where the environment says so when it is loaded, and makes no code then', async () => {
    vi.stubEnv('NANOWIRE_CODEC', 'reference')
    const { codecOf, all } = await fresh()
    vi.unstubAllEnvs()
    const codec = codecOf()
    expect(codec.isCovered).toBe(false)
    expect(whereCodeThrows(new TypeError('it was asked for'), () => all(codec))).toEqual(left)
  })

  it('is on where it says anything else', async () => {
    vi.stubEnv('NANOWIRE_CODEC', 'references')
    const { codecOf, all } = await fresh()
    vi.unstubAllEnvs()
    expect([codecOf().isCovered, all(codecOf())]).toEqual([true, served])
  })
})
