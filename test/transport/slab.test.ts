/** The buffers that frames are written into (spec/architecture.md): what is written is what is taken, and no slab is in two hands. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recycle, SlabWriter } from '../../src/transport/slab.ts'
import { runs } from '../support/runs.ts'
import { joined } from '../support/slow-frames.ts'

const SLAB_BYTES = 65_536
const MAX_POOLED = 64

function write(writer: SlabWriter, bytes: Uint8Array): void {
  writer.ensure(bytes.length)
  writer.buffer.set(bytes, writer.position)
  writer.position += bytes.length
}

/** Every slab that the pool has, and none of it is left there. */
function emptyPool(): Set<ArrayBufferLike> {
  const pooled = new Set<ArrayBufferLike>()
  const writers = Array.from({ length: 4 * MAX_POOLED }, () => new SlabWriter())
  for (const writer of writers) {
    writer.ensure(1)
    pooled.add(writer.buffer.buffer)
  }
  return pooled
}

type Deed =
  | { readonly do: 'write' | 'large'; readonly writer: number; readonly bytes: number }
  | { readonly do: 'take' | 'recycle'; readonly writer: number }

const writer = fc.nat({ max: 3 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('write' as const, 'write' as const, 'large' as const),
      writer,
      bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(9_000, SLAB_BYTES, SLAB_BYTES + 1)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('take' as const, 'recycle' as const), writer }) },
)

describe('slabs', () => {
  it('hold what was written, in its order, until they are given back', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
        const writers = Array.from({ length: 4 }, () => new SlabWriter())
        const pending = writers.map((): Uint8Array[] => [])
        const taken = writers.map((): { chunks: Uint8Array[]; expected: Uint8Array }[] => [])
        for (const [index, one] of deeds.entries()) {
          const { writer: at } = one
          const slabs = writers[at]
          const written = pending[at]
          const sent = taken[at]
          if (!slabs || !written || !sent) throw new Error('there are four writers')
          if (one.do === 'write' || one.do === 'large') {
            const bytes = new Uint8Array(one.bytes).fill(index + 1)
            if (one.do === 'write') write(slabs, bytes)
            else slabs.large(bytes)
            written.push(bytes)
          } else if (one.do === 'take') {
            expect(slabs.pendingBytes).toBe(joined(written).length)
            sent.push({ chunks: slabs.take(), expected: joined(written.splice(0)) })
            expect([slabs.pendingBytes, slabs.buffer.length]).toEqual([0, 0])
          } else {
            const oldest = sent.shift()
            if (oldest) recycle(oldest.chunks)
          }
          // Nobody has written over what others still read.
          for (const { chunks, expected } of taken.flat()) expect(Buffer.compare(joined(chunks), expected)).toBe(0)
          const open = writers.map(({ buffer }) => buffer.buffer).filter(({ byteLength }) => byteLength > 0)
          expect(new Set(open).size).toBe(open.length)
        }
      }),
      runs(200),
    )
  })

  it('go back to the pool once, however many chunks they were cut into', () => {
    emptyPool()
    const writer = new SlabWriter()
    for (let index = 0; index < 3; index++) {
      write(writer, Uint8Array.of(index))
      writer.large(new Uint8Array(10_000))
    }
    write(writer, Uint8Array.of(3))
    writer.large(new Uint8Array(2 * SLAB_BYTES))
    const chunks = writer.take()
    const [first] = chunks
    expect(chunks.map(({ length }) => length)).toEqual([SLAB_BYTES, SLAB_BYTES, 30_004])
    recycle(chunks)
    const four = Array.from({ length: 4 }, () => new SlabWriter())
    for (const other of four) other.ensure(1)
    const taken = four.map(({ buffer }) => buffer.buffer)
    expect(new Set(taken).size).toBe(4)
    for (const { buffer } of chunks) expect(taken.slice(0, 3)).toContain(buffer)
    expect(first?.byteOffset).toBe(0)
  })

  it('alone go back: what is too long for one does not, nor do bytes of others, which are copied', () => {
    emptyPool()
    const foreign = [new Uint8Array(SLAB_BYTES), new Uint8Array(3 * SLAB_BYTES), new Uint8Array(10)]
    const writer = new SlabWriter()
    for (const bytes of foreign) writer.large(bytes)
    write(writer, new Uint8Array(SLAB_BYTES + 1)) // too long for a slab, so it has a buffer of its own
    const chunks = writer.take()
    for (const { buffer } of foreign) expect(chunks.map((chunk) => chunk.buffer)).not.toContain(buffer)
    recycle(chunks)
    const pooled = emptyPool()
    for (const { buffer } of foreign) expect(pooled.has(buffer)).toBe(false)
  })

  it('are whole again when they come from the pool', () => {
    emptyPool()
    const writer = new SlabWriter()
    write(writer, Uint8Array.of(1, 2, 3))
    recycle(writer.take())
    writer.ensure(1)
    expect([writer.buffer.length, writer.buffer.byteOffset, writer.position]).toEqual([SLAB_BYTES, 0, 0])
  })

  it('of a burst stay no more than 64 in the pool', () => {
    emptyPool()
    const writer = new SlabWriter()
    for (let index = 0; index < 100; index++) write(writer, new Uint8Array(SLAB_BYTES))
    const chunks = writer.take()
    expect(chunks).toHaveLength(100)
    recycle(chunks)
    const ours = new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer))
    expect([...emptyPool()].filter((buffer) => ours.has(buffer))).toHaveLength(MAX_POOLED)
  })

  it('are held by no writer that has nothing to send', () => {
    const writer = new SlabWriter()
    expect(writer.buffer.length).toBe(0)
    writer.ensure(5)
    expect(writer.take()).toEqual([])
    expect(writer.buffer.length).toBe(0)
    write(writer, Uint8Array.of(1))
    writer.take()
    expect(writer.buffer.length).toBe(0)
  })
})
