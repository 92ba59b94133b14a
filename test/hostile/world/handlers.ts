/** The service of contract.ts. Invariant: what it was asked to hold is counted, and ends when `release` says so. */
import { type Context, NanowireError, type Service, service } from 'nanowire'
import { Open } from './contract.ts'
import { SECRET } from './poison.ts'

export interface Held {
  /** Handlers that run and do not look at their signals, now and at most. */
  running: number
  most: number
  ended: number
  /** Items yielded that nobody may have asked for. */
  yielded: number
}

export interface Handlers {
  readonly open: Service<typeof Open>
  readonly held: Held
  /** Lets all end that wait. */
  release(): void
}

/** Ways to fail, each with something in it that is nobody's business. */
const failures: Readonly<Record<string, (ctx: Pick<Context, 'signal'>) => unknown>> = {
  error: () => {
    throw new Error(`cannot log in with ${SECRET}`)
  },
  cause: () => {
    const cause = new NanowireError('unavailable', `the database at ${SECRET} is gone`, { processed: 'yes' })
    throw new Error('wrapped', { cause })
  },
  fields: () => {
    throw Object.assign(new TypeError('plain'), { password: SECRET, code: SECRET, data: { password: SECRET } })
  },
  object: () =>
    Promise.reject({ message: SECRET, code: 'internal', stack: `Error: ${SECRET}\n    at file:///handlers.ts:1:1` }),
  text: () => Promise.reject(SECRET),
  ours: () => {
    throw new NanowireError('not_found', 'no such thing', { processed: 'yes', cause: new Error(SECRET) })
  },
  name: () => {
    throw Object.assign(new Error(SECRET), { name: 'Declared' })
  },
  undeclared: () => ({ text: 'fine', password: SECRET, nested: { password: SECRET } }),
  misfit: () => ({ text: 7, password: SECRET }),
  nothing: () => undefined,
  getter: () => ({
    get text() {
      throw new Error(SECRET)
    },
  }),
  toJSON: () => ({ text: 'fine', toJSON: () => ({ password: SECRET }) }),
  stack: () => {
    const deep = (): never => deep()
    return deep()
  },
}

export const FAILURES = Object.keys(failures)

export function handlers(): Handlers {
  const held: Held = { running: 0, most: 0, ended: 0, yielded: 0 }
  let open = () => {}
  let gate = Promise.resolve()
  const close = () => {
    gate = new Promise((resolve) => {
      open = resolve
    })
  }
  close()
  const hold = async (): Promise<null> => {
    held.most = Math.max(held.most, ++held.running)
    await gate
    held.running--
    held.ended++
    return null
  }
  const service_ = service(Open, {
    echo: (asked) => asked,
    note() {},
    peer: (_, ctx) => ctx.peer ?? '-',
    metadata: (names, ctx) => names.map((name) => ctx.metadata.get(name) ?? '-'),
    stuck: hold,
    stuckNote: async () => void (await hold()),
    stuckUpload: hold,
    async stuckTaking(items) {
      for await (const _ of items) held.yielded++
      return hold()
    },
    async *stuckStream() {
      try {
        yield { n: 0.5, text: SECRET } // no integer
      } finally {
        await hold() // when it is told to return
      }
    },
    async sum(items) {
      let total = 0
      for await (const { n } of items) total += n
      return total
    },
    async *count({ count, bytes }) {
      const text = 'x'.repeat(bytes)
      for (let n = 0; n < count; n++) {
        held.yielded++
        yield { n, text }
      }
    },
    async *search({ text }) {
      for (let n = 0; ; n++) {
        held.yielded++
        yield { n, text: text.slice(0, 1_000) }
      }
    },
    large: (bytes) => new Uint8Array(bytes),
    fussy: () => null,
    unique: () => null,
    fails: ({ how }, ctx) => failures[how]?.(ctx) as { text: string }, // they do not keep to it, which is the point
  })
  return {
    open: service_,
    held,
    release() {
      open()
      close()
    },
  }
}
