/** Services that use all that calls can do, for the simulator to be tried on: echoes, bulk, every status, declared errors. */
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import {
  Bytes,
  contract,
  NanowireError,
  notify,
  type Service,
  type StatusCode,
  service,
  statusCodes,
  unary,
} from '../../src/index.ts'
import type { SimulateOptions } from '../../src/testing/index.ts'

const MAX_BYTES = 200_000
const MAX_TEXT = 5_000

const codes = Object.keys(statusCodes) as StatusCode[] // the keys of a constant

const Exercise = contract('exercise', {
  echo: unary(
    Type.Object({
      id: Type.Integer(),
      text: Type.String(),
      tags: Type.Array(Type.String()),
      at: Type.Optional(Type.Number()),
    }),
    Type.Object({
      id: Type.Integer(),
      text: Type.String(),
      tags: Type.Array(Type.String()),
      at: Type.Optional(Type.Number()),
    }),
  ),
  nothing: unary(Type.Object({}), Type.Void(), { idempotent: true }),
  bulk: unary(Type.Object({ bytes: Bytes({ maxBytes: MAX_BYTES }) }), Type.Object({ reversed: Bytes() })),
  grow: unary(Type.Object({ size: Type.Integer({ minimum: 0, maximum: MAX_BYTES }) }), Bytes(), { timeoutMs: 700 }),
  ban: unary(Type.Object({ who: Type.String(), why: Type.String({ maxLength: MAX_TEXT }) }), Type.Null(), {
    errors: { Banned: Type.Object({ who: Type.String(), why: Type.String() }), Gone: Type.Integer() },
  }),
  end: unary(Type.Object({ code: Type.Enum(codes) }), Type.Null()),
  tell: notify(Type.Object({ line: Type.String(), bytes: Type.Optional(Bytes({ maxBytes: MAX_BYTES })) })),
})

export const exercise: Service = service(Exercise, {
  echo: (request) => request,
  nothing: () => undefined,
  bulk: async ({ bytes }, ctx) => {
    ctx.reply.set('size', String(bytes.length))
    return { reversed: bytes.slice().reverse() }
  },
  grow: async ({ size }) => new Uint8Array(size).fill(size % 251),
  ban: ({ who, why }, ctx) => {
    if (who < why) throw ctx.error('Banned', { who, why })
    if (who > why) throw ctx.error('Gone', who.length)
    return null
  },
  end: ({ code }) => {
    throw new NanowireError(code, `told to end with ${code}`)
  },
  tell: ({ line }) => {
    if (line.startsWith('a')) throw new Error('this one is not taken')
  },
})

/** Mostly small, some of more than one frame, a few of several. */
const bytes = fc
  .oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 65_000, max: 66_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 70_000, max: MAX_BYTES }) },
  )
  .map((size) => new Uint8Array(size).fill(size % 256))

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30_000, max: MAX_BYTES }) },
)

/** Now and then more than an error may have. */
const texts = fc.oneof(
  { weight: 4, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.integer({ min: 900, max: MAX_TEXT }).map((length) => 'y'.repeat(length)) },
)

function override(schema: TSchema): fc.Arbitrary<unknown> | undefined {
  if ('maximum' in schema && schema['maximum'] === MAX_BYTES) return sizes
  if ('maxLength' in schema && schema['maxLength'] === MAX_TEXT) return texts
  return 'maxBytes' in schema && schema['maxBytes'] === MAX_BYTES ? bytes : undefined
}

/** What every test of the simulator runs. */
export const exerciseOptions: SimulateOptions = { services: exercise, override }
