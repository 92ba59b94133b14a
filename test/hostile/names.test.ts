/** What every object of JavaScript has, as names that a server says: of errors, in their data, of metadata. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect, serve } from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { frame } from '../support/raw-peer.ts'
import { join } from './attacks/attack.ts'
import { NAMES } from './attacks/bodies.ts'
import { close, facing } from './facing.ts'
import { Open } from './world/contract.ts'
import { handlers } from './world/handlers.ts'

/** What a call ends with. */
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
const mapOf = (name: string, value: unknown) => join(Uint8Array.of(0x81), pack(name), pack(value))

describe('a name of JavaScript', () => {
  it.each(NAMES)('%s as the code of an error is unknown, and no property', async (code) => {
    const { client } = await facing((id) => frame(kinds.ERROR, id, pack({ code, message: 'x', processed: 'no' })))
    const error = await failureOf(client.large(1))
    expect(error).toMatchObject({ name: 'NanowireError', code: 'unknown', processed: 'no' })
  })

  it.each(NAMES)('%s as a key of a body reaches nothing but that body, or ends its call', async (name) => {
    const { client } = await facing((id) => frame(kinds.RESPONSE, id, mapOf(name, { isAdmin: true })))
    expect(await failureOf(client.large(1))).toMatchObject({ code: 'internal' })
    expect(Object.prototype).not.toHaveProperty('isAdmin')
  })

  it.each(NAMES)('%s as a name of metadata is given as it came, or ends the connection', async (name) => {
    const metadata = mapOf(name, 'told')
    const length = Uint8Array.of(0, metadata.length)
    const body = join(length, metadata, pack(new Uint8Array(3)))
    const { client } = await facing((id) => frame(kinds.RESPONSE, id, body, flags.METADATA))
    const told: unknown[] = []
    const call = client.large(1, { onMetadata: (one) => told.push(one) })
    if (name === '__proto__') {
      expect(await failureOf(call)).toMatchObject({ code: 'internal' })
      expect(told).toEqual([{}])
      return
    }
    expect(await call).toHaveLength(3)
    expect(told.map((one) => Object.entries(one as object))).toEqual([[[name, 'told']]]) // what onMetadata is given
    onTestFinished(() => expect(Object.prototype).not.toHaveProperty('told'))
  })
})

describe("a client's metadata", () => {
  it('are asked for names of JavaScript, and have those only that were sent', async () => {
    const clock = new HandClock()
    const server = await serve(handlers().open, 'tcp://127.0.0.1:0', { clock })
    const wire = connect(server.url, { clock })
    onTestFinished(async () => {
      await close(wire, clock)
      await server.close()
    })
    const { metadata } = wire.client(Open)
    expect(await metadata(NAMES)).toEqual(NAMES.map(() => '-'))
    expect(await metadata(NAMES, { metadata: { a: 'x' } })).toEqual(NAMES.map(() => '-'))
    for (const name of NAMES.filter((one) => one !== '__proto__'))
      expect(await metadata(NAMES, { metadata: { [name]: 'told' } })).toEqual(
        NAMES.map((one) => (one === name ? 'told' : '-')),
      )
  })
})
