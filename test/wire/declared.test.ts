/** What a ProtocolError tells of the reason that it was thrown for (spec/protocol.md, "Errors"). */
import { expect, it } from 'vitest'
import { ProtocolError, readError, readHello, readMetadata, StrictError } from '../../src/wire/index.ts'

const thrownBy = (read: () => unknown): unknown => {
  try {
    read()
  } catch (error) {
    return error
  }
  return undefined
}
const limits = { maxDepth: 64, maxNodes: 100 }
/** No MessagePack. */
const C1 = 0xc1

it.each([
  ['metadata', () => readMetadata(Uint8Array.of(0, 1, C1), 0, 3, 100)],
  ['an ERROR', () => readError(Uint8Array.of(C1), 0, 1, limits)],
  ['a HELLO', () => readHello(Uint8Array.of(...Buffer.from('NWIR'), 1, C1), 0, 6)],
])('%s of bytes that are no MessagePack: the cause says so', (_, read) => {
  const error = thrownBy(read)
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error).toHaveProperty('cause', expect.any(StrictError))
})

it('an ERROR whose bytes cannot be read for another reason: the cause is that', () => {
  const bytes = Uint8Array.of(0x81, 0xa1, 0x61, 0xc0)
  const broken = Object.defineProperty({ maxDepth: 64 }, 'maxNodes', {
    get() {
      throw new TypeError('planted')
    },
  }) as typeof limits // has both
  const error = thrownBy(() => readError(bytes, 0, bytes.length, broken))
  expect(error).toMatchObject({ rule: 'body', cause: { name: 'TypeError', message: 'planted' } })
})

it('what breaks a rule by itself has no cause', () => {
  const error = thrownBy(() => readError(Uint8Array.of(0xc0), 0, 1, limits))
  expect(error).toMatchObject({ rule: 'body', message: 'a map was expected' })
  expect(error).not.toHaveProperty('cause')
})
