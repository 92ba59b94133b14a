/**
 * How a stream is measured, in the client's process. Invariant: every item is looked at, so that none is missing, and
 * measuring weighs the same on every system.
 */
import { BYTES, type Client, type SmallReply, type Streams } from './work.ts'

export const STREAM_WORKS = ['items', 'chunks'] as const
export type StreamWork = (typeof STREAM_WORKS)[number]
/** `pull`: `for await` of an iterator; `push`: a function is called with each item. */
export const FORMS = ['pull', 'push'] as const
export type Form = (typeof FORMS)[number]

export interface StreamLoad {
  readonly work: StreamWork
  readonly form: Form
  readonly count: number
}

/** In which forms a client has a kind of stream. */
export function formsOf({ streams }: Client, work: StreamWork): readonly Form[] {
  const [pull, push] = work === 'items' ? [streams?.items, streams?.pushItems] : [streams?.chunks, streams?.pushChunks]
  return FORMS.filter((form) => (form === 'pull' ? pull : push) !== undefined)
}

const missing = (load: StreamLoad) => new Error(`it has no ${load.work} to ${load.form}`)

async function takeItems(streams: Streams, load: StreamLoad): Promise<number> {
  let taken = 0
  const take = (item: SmallReply) => {
    if (item.id !== taken++) throw new Error(`item ${item.id} came in the place of ${taken - 1}`)
  }
  if (load.form === 'push') {
    if (streams.pushItems === undefined) throw missing(load)
    await streams.pushItems(load.count, take)
  } else {
    if (streams.items === undefined) throw missing(load)
    for await (const item of streams.items(load.count)) take(item)
  }
  return taken
}

/** Bytes are counted: not every system keeps chunks as they were. */
async function takeChunks(streams: Streams, load: StreamLoad): Promise<number> {
  let bytes = 0
  if (load.form === 'push') {
    if (streams.pushChunks === undefined) throw missing(load)
    await streams.pushChunks(load.count, (chunk) => {
      bytes += chunk.length
    })
  } else {
    if (streams.chunks === undefined) throw missing(load)
    for await (const chunk of streams.chunks(load.count)) bytes += chunk.length
  }
  return bytes / BYTES
}

/** @returns items, or chunks, for each second from the call to the end */
export async function measureStream({ streams = {} }: Client, load: StreamLoad): Promise<number> {
  const start = performance.now()
  const taken = await (load.work === 'items' ? takeItems(streams, load) : takeChunks(streams, load))
  const seconds = (performance.now() - start) / 1_000
  if (taken !== load.count) throw new Error(`${taken} of ${load.count} ${load.work} came`)
  return load.count / seconds
}
