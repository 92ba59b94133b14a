/** What values say as their schemas' bytes, so that two ends can be compared, and what may not travel does not count. */
import type { TSchema } from 'typebox'
import { checkOf, type MethodRef, shapeOf } from '../../contract/index.ts'
import { NanowireError } from '../../errors.ts'
import { type Codec, codec } from '../../wire/index.ts'
import { isIterable } from './given.ts'
import { hashBytes } from './hash.ts'

interface Judge {
  readonly fits: (value: unknown) => boolean
  readonly codec: Codec<unknown>
}

const judges = new WeakMap<TSchema, Judge>()

function judgeOf(schema: TSchema): Judge {
  const known = judges.get(schema)
  if (known) return known
  const judge = { fits: checkOf(shapeOf(schema)), codec: codec(schema) }
  judges.set(schema, judge)
  return judge
}

/** What a value says as its schema's bytes, `undefined` for one that does not fit or cannot travel. */
export function digestOf(schema: TSchema, value: unknown): string | undefined {
  const { fits, codec } = judgeOf(schema)
  try {
    if (!fits(value)) return undefined // asked by itself, so that a fault of the codec is no fault of its judge
    const bytes = codec.encode(value)
    return `${bytes.length} bytes ${hashBytes(bytes).toString(16)}`
  } catch {
    return undefined
  }
}

/** Of a request; of one that is items, which are told by themselves, the same for all that can be iterated. */
export function requestDigest({ input, definition }: MethodRef, request: unknown): string | undefined {
  return input ? (isIterable(request) ? 'items' : undefined) : digestOf(definition.request, request)
}

export function replyDigest(method: MethodRef, reply: unknown): string | undefined {
  return method.definition.kind === 'notify' ? '' : digestOf(method.definition.reply, reply)
}

/** Of a declared error's data. */
export function dataDigest(method: MethodRef, error: unknown): string | undefined {
  if (!(error instanceof NanowireError)) return undefined
  const errors: Readonly<Record<string, TSchema>> = method.definition.errors
  const schema = Object.hasOwn(errors, error.code) ? errors[error.code] : undefined
  return schema && digestOf(schema, error.data)
}
