/** Requests and replies that are encoded where they leave (spec/codecs.md): what happens when something comes between. */
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { connect, contract, NanowireError, serve, service, unary } from '../../src/index.ts'
import { systemClock, wheelOf } from '../../src/session/index.ts'
import { slabsTaken } from '../../src/transport/slab.ts'
import { until } from '../support/hand-clock.ts'

const Note = Type.Object({ a: Type.String(), b: Type.String() })
const Notes = contract('notes', { echo: unary(Note, Note), make: unary(Type.Integer(), Note) })

/** A server and a connection that is open, so that calls leave at once. */
async function opened(make: (n: number) => { a: string; b: string } = (n) => ({ a: 'x'.repeat(n), b: '' })) {
  const server = await serve(service(Notes, { echo: (note) => note, make }), 'tcp://127.0.0.1:0')
  const wire = connect(server.url)
  const notes = wire.client(Notes)
  await notes.echo({ a: '', b: '' })
  const close = async (): Promise<void> => {
    await wire.close()
    await server.close()
    await until(() => slabsTaken() === 0)
  }
  return { server, wire, notes, close }
}

describe('a value that is encoded where it leaves', () => {
  it('may make another call meanwhile: both arrive whole', async () => {
    const { notes, close } = await opened()
    let inner: Promise<unknown> | undefined
    const outer = notes.echo({
      a: 'outer',
      get b() {
        inner ??= notes.echo({ a: 'inner', b: 'i'.repeat(500) })
        return 'o'.repeat(500)
      },
    })
    expect(await outer).toEqual({ a: 'outer', b: 'o'.repeat(500) })
    expect(await inner).toEqual({ a: 'inner', b: 'i'.repeat(500) })
    await close()
  })

  it('may make calls of any size meanwhile, of which some go in fragments', async () => {
    const { notes, close } = await opened()
    const sizes = [0, 31, 32, 255, 256, 8_191, 16_384, 65_535, 65_536, 200_000]
    const inner: Promise<{ a: string }>[] = []
    const outer = sizes.map((size) =>
      notes.echo({
        a: 'a'.repeat(size),
        get b() {
          inner.push(notes.echo({ a: 'b'.repeat(size), b: '' }))
          return 'outer'
        },
      }),
    )
    expect((await Promise.all(outer)).map(({ a }) => a.length)).toEqual(sizes)
    const lengths = (await Promise.all(inner)).map(({ a }) => a.length)
    expect(new Set(lengths)).toEqual(new Set(sizes))
    await close()
  })

  it('ends its call once where it closes the connection meanwhile', async () => {
    const { wire, notes, close } = await opened()
    let closing: Promise<void> | undefined
    const result = await notes.echo.try({
      a: 'a',
      get b() {
        closing ??= wire.close({ drainMs: 0 })
        return 'b'
      },
    })
    await closing
    if (!result.ok) expect(result.error).toMatchObject({ code: 'unavailable' })
    expect(wire.stats()).toMatchObject({ inFlight: 0, waiting: 0, connections: 0 })
    await close()
    expect(wheelOf(systemClock).size).toBe(0)
  })

  it('throws what its getter throws, and nothing of it has left', async () => {
    const { server, notes, close } = await opened()
    const before = server.stats().framesReceived
    const bad = {
      a: 'a',
      get b(): string {
        throw new RangeError('no')
      },
    }
    const error = await notes.echo(bad).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(NanowireError)
    expect(error).toMatchObject({ code: 'internal', processed: 'no' })
    expect(await notes.echo({ a: '1', b: '2' })).toEqual({ a: '1', b: '2' })
    expect(server.stats().framesReceived).toBe(before + 1)
    await close()
  })

  it('is refused with its place where it does not fit, and the next goes on', async () => {
    const { notes, close } = await opened()
    await expect(notes.echo({ a: 'a', b: 5 as never })).rejects.toMatchObject({
      code: 'invalid_argument',
      processed: 'no',
      message: expect.stringContaining('/b '),
    })
    expect(await notes.echo({ a: '1', b: '2' })).toEqual({ a: '1', b: '2' })
    await close()
  })

  it('is a reply of any size, and one that does not fit is told as such', async () => {
    const { notes, close } = await opened((n) => (n < 0 ? ({ a: 'a' } as never) : { a: 'x'.repeat(n), b: 'b' }))
    for (const size of [0, 100, 16_000, 16_384, 65_000, 65_536, 300_000])
      expect((await notes.make(size)).a).toHaveLength(size)
    await expect(notes.make(-1)).rejects.toMatchObject({ code: 'internal', processed: 'yes' })
    await close()
  })
})
