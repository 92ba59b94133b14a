/** What every object of JavaScript has, as names that a peer says: of errors, in their data, of metadata, of contracts. */
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isContractName, Reflection } from '../../src/contract/index.ts'
import { type Connection, connect, contract, serve, unary } from '../../src/index.ts'
import { flags, kinds, pack } from '../../src/wire/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { fakeServer, frame } from '../support/raw-peer.ts'
import { helloWith, join } from './attacks/attack.ts'
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
    const message = expect.stringContaining(name === '__proto__' ? 'key_forbidden' : 'does not fit')
    expect(await failureOf(client.large(1))).toMatchObject({ code: 'internal', message })
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

describe("a contract's name", () => {
  /** A client of a server whose HELLO lists this contract alone, and which answers whatever it is asked. */
  async function listing(name: string): Promise<Connection> {
    const hello = helloWith(join(pack('contracts'), mapOf(name, new Uint8Array(16))))
    const url = await fakeServer((peer) => {
      peer.send(hello)
      peer.onFrame = ({ kind, id }) => kind === kinds.REQUEST && peer.send(frame(kinds.RESPONSE, id, pack(null)))
    })
    const clock = new HandClock()
    const wire = connect(url, { clock })
    onTestFinished(() => close(wire, clock))
    return wire
  }

  it.each(NAMES)('%s in what a server lists is a name like any, or ends the connection', async (name) => {
    const wire = await listing(name)
    if (name === '__proto__') {
      expect(await failureOf(wire.ready())).toMatchObject({ message: expect.stringContaining('rule hello') })
      return
    }
    await wire.ready()
    const message = expect.stringContaining(`has no contract open; it has ${isContractName(name) ? name : 'none'}`)
    const lacking = { code: 'unimplemented', processed: 'no', message }
    expect(await failureOf(wire.client(Open).large(1))).toMatchObject(lacking)
  })

  it.each(NAMES.filter(isContractName))('%s is not had by a server because each object has it', async (name) => {
    const wire = await listing('other')
    await wire.ready()
    const client = wire.client(contract(name, { say: unary(Type.Null(), Type.Null()) }))
    const message = expect.stringContaining(`has no contract ${name}; it has other`)
    expect(await failureOf(client.say(null))).toMatchObject({ code: 'unimplemented', processed: 'no', message })
  })

  it.each(NAMES)('%s that a client asks for is not found because each object has it', async (name) => {
    const clock = new HandClock()
    const server = await serve(handlers().open, 'tcp://127.0.0.1:0', { clock })
    const wire = connect(server.url, { clock })
    onTestFinished(async () => {
      await close(wire, clock)
      await server.close()
    })
    const client = wire.client(Reflection)
    expect(await failureOf(client.describe({ contract: name }))).toMatchObject({ code: 'not_found' })
    expect(await client.describe({ contract: 'open' })).toMatchObject({ name: 'open' })
  })
})
