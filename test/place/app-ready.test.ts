/** `ready` of an app, and what the servers at its places tell of their contracts. */
import Type from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'
import { type App, app, contract, type Server, serve, service, stub, unary } from '../../src/index.ts'
import { fakeServer, hello } from '../support/raw-peer.ts'
import { Billing, billing, log, Orders, orders, Text, Users, users } from './shop.ts'

const open: (App | Server)[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close({ drainMs: 0 })
  log.splice(0)
})
const closing = <T extends App | Server>(one: T): T => {
  open.push(one)
  return one
}
const anyone = stub(Users, { get: () => ({ text: 'anyone' }) })
const serving = async (...services: Parameters<typeof serve>[0][]): Promise<Server> =>
  closing(await serve(services.flat() as Parameters<typeof serve>[0], 'tcp://127.0.0.1:0'))

describe('ready of an app', () => {
  it('says that the server at a place has no such contract, and what it has', async () => {
    const { url } = await serving([users, stub(Orders, { place: () => ({ text: '' }) })])
    const shop = closing(app([orders, billing, users], { places: { users: url, billing: url } }))
    const said = {
      code: 'unimplemented',
      processed: 'no',
      message: `${url} has no contract billing; it has users, orders`,
    }
    await expect(shop.ready()).rejects.toMatchObject(said)
    await expect(shop.client(Billing).charge({ id: '7' })).rejects.toMatchObject(said)
    expect(log).toContain('start orders')
    await expect(shop.ready()).rejects.toMatchObject(said)
  })

  it('says so of a place that is used and has no service here', async () => {
    const { url } = await serving(stub(Billing, { charge: () => ({ text: '' }) }))
    const shop = closing(app([billing], { places: { users: { at: url } } }))
    await expect(shop.ready()).rejects.toMatchObject({
      code: 'unimplemented',
      processed: 'no',
      message: `${url} has no contract users; it has billing`,
    })
  })

  it('judges no contract that is there, though it be another one of its name', async () => {
    const Other = contract('users', { get: unary(Type.Object({ id: Type.Integer() }), Text) })
    const { url } = await serving(service(Other, { get: () => ({ text: '' }) }))
    const shop = closing(app([billing], { places: { users: url } }))
    await shop.ready()
    await expect(shop.client(Users).get({ id: '7' })).rejects.toMatchObject({ code: 'failed_precondition' })
  })

  it('passes over a server that tells nothing of its contracts', async () => {
    const url = await fakeServer((peer) => peer.send(hello()))
    await closing(app([billing], { places: { users: url } })).ready()
  })

  it('looks at the server that is there now, once another has come', async () => {
    const first = await serving(stub(Billing, { charge: () => ({ text: '' }) }))
    const shop = closing(app([billing], { places: { users: first.url } }))
    await expect(shop.ready()).rejects.toMatchObject({ code: 'unimplemented' })
    await first.close()
    closing(await serve(anyone, first.url))
    await shop.ready()
    expect(await shop.client(Billing).charge({ id: '7' })).toEqual({ text: 'bill anyone' })
  })
})
