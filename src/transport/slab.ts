/**
 * Buffers that frames are written into, from one pool for the process: a fresh one for each flush cost three times the
 * latency of a lone call. Invariant: a slab is in the pool or in one writer or with the system, never in two of them.
 */
import { copyBytes, type FrameWriter } from '../wire/index.ts'

const SLAB_BYTES = 65_536
/** What a burst leaves behind stays bounded: 4 MiB. */
const MAX_POOLED = 64

const pool: Uint8Array[] = []

/** Slabs that were taken and not given back: none, where no link has anything to send. */
let taken = 0

export function slabsTaken(): number {
  return taken
}

/** The slabs by what lies under them; a user's bytes may have their size. */
const slabs = new WeakMap<ArrayBufferLike, Uint8Array>()

function takeSlab(): Uint8Array {
  taken++
  const pooled = pool.pop()
  if (pooled) return pooled
  const bytes = new Uint8Array(SLAB_BYTES)
  const slab = typeof Buffer === 'function' ? Buffer.from(bytes.buffer) : bytes // a socket would make a Buffer of each write
  slabs.set(slab.buffer, slab)
  return slab
}

function giveBack(slab: Uint8Array): void {
  taken--
  if (pool.length < MAX_POOLED) pool.push(slab)
}

/** Gives back what `SlabWriter.take` returned, once nobody reads it any more. */
export function recycle(chunks: readonly Uint8Array[]): void {
  for (const chunk of chunks) {
    const slab = chunk.byteOffset === 0 ? slabs.get(chunk.buffer) : undefined
    if (slab) giveBack(slab)
  }
}

/** What takes less of its slab is worth a copy, where nobody knows how long it waits. */
const SMALL_CHUNK_BYTES = SLAB_BYTES / 4

/** Copies small chunks in their places, and gives their slabs back. */
export function copySmall(chunks: Uint8Array[]): void {
  for (const [index, chunk] of chunks.entries()) {
    const slab = chunk.byteOffset === 0 ? slabs.get(chunk.buffer) : undefined
    if (!slab || chunk.length > SMALL_CHUNK_BYTES) continue
    chunks[index] = copyBytes(chunk, 0, chunk.length)
    giveBack(slab)
  }
}

const NOTHING = new Uint8Array(0)

/** Collects what is to be sent: small frames in one piece, large bytes over as many slabs as they need. Holds none while it is empty. */
export class SlabWriter implements FrameWriter {
  buffer: Uint8Array = NOTHING
  position = 0
  #start = 0
  /** Made when something is written. */
  #chunks: Uint8Array[] | undefined
  #chunkBytes = 0
  #isLent = false

  /** Somebody writes into the buffer and has not said yet whether it stays. */
  get isLent(): boolean {
    return this.#isLent
  }

  /** Bytes written and not taken. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.position - this.#start
  }

  ensure(bytes: number): void {
    if (this.position + bytes <= this.buffer.length && !this.#isLent) return
    this.#closeChunk()
    this.#dropUnused()
    this.buffer = bytes > SLAB_BYTES ? new Uint8Array(bytes) : takeSlab()
    this.position = 0
    this.#start = 0
  }

  lend(bytes: number): void {
    this.ensure(bytes)
    this.#isLent = true
  }

  takeBack(isUsed: boolean): boolean {
    const isLent = this.#isLent
    this.#isLent = false
    if (!isUsed) this.#dropUnused()
    return isLent
  }

  large(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      this.ensure(1)
      const to = Math.min(bytes.length, from + this.buffer.length - this.position)
      this.buffer.set(bytes.subarray(from, to), this.position)
      this.position += to - from
      from = to
    }
  }

  /** Everything that was written, in order, to be sent now and given to `recycle` afterwards. */
  take(): Uint8Array[] {
    this.#closeChunk()
    this.#dropUnused()
    const chunks = this.#chunks ?? []
    this.#chunks = undefined
    this.#chunkBytes = 0
    this.buffer = NOTHING
    this.position = 0
    this.#start = 0
    return chunks
  }

  /** A slab that nothing was written into goes back at once; not into the pool while somebody still writes into it. */
  #dropUnused(): void {
    const isLent = this.#isLent
    this.#isLent = false
    if (this.position > 0 || !slabs.has(this.buffer.buffer)) return
    if (isLent) taken--
    else giveBack(this.buffer)
    this.buffer = NOTHING
  }

  #closeChunk(): void {
    if (this.position === this.#start) return
    this.#addChunk(this.buffer.subarray(this.#start, this.position))
    this.#start = this.position
  }

  #addChunk(bytes: Uint8Array): void {
    this.#chunks ??= []
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
  }
}
