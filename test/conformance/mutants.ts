/** Places that break one promise each: a suite that they pass would be worth nothing. */
import {
  type ClientMiddleware,
  type CloseOptions,
  type Connection,
  type ConnectOptions,
  connect,
  NanowireError,
  type Router,
} from '../../src/index.ts'
import type { ConformancePlace, OpenedPlace, PlaceSetting } from '../../src/testing/index.ts'

export interface Mutant extends ConformancePlace {
  /** Cases that must see it; there may be more. */
  readonly seenBy: readonly string[]
  /** Something never comes, so that its cases end when patience does. */
  readonly hangs: boolean
}

const HANGING = new Set([
  'drops every seventh reply',
  'forgets to cancel',
  'forgets deadlines',
  'waits for the handler of a notify',
  'never ends a generator of the caller',
  'is ready before it subscribes',
])

/** A place in memory whose calls pass `layer` last, or whose connection is what `change` makes of it. */
export function mutant(
  name: string,
  seenBy: readonly string[],
  layer: () => ClientMiddleware,
  change: (connection: Connection) => Partial<OpenedPlace> = () => ({}),
): Mutant {
  return {
    name,
    seenBy,
    hangs: HANGING.has(name),
    async open(router, { local }: PlaceSetting) {
      const connection = connect(router, { ...local, use: [...(local.use ?? []), layer()] })
      return { connection, stats: () => connection.stats(), ...change(connection) }
    },
    skips: Object.fromEntries(
      ['draining', 'bytes', 'credentials', 'verdicts'].map((topic) => [topic, 'memory has none']),
    ),
  }
}

const pass: ClientMiddleware = (call, next) => next(call)

/** Fails as `change` says, where it says something. */
const failing =
  (change: (error: NanowireError) => NanowireError | undefined): ClientMiddleware =>
  async (call, next) => {
    try {
      return await next(call)
    } catch (error) {
      throw error instanceof NanowireError ? (change(error) ?? error) : error
    }
  }

const copyOf = (error: NanowireError, parts: Partial<Pick<NanowireError, 'code' | 'processed' | 'data'>>) => {
  const { code, processed, data, id, cause } = { ...error, ...parts }
  return new NanowireError(code, error.message, { processed, data, id, cause: error.cause ?? cause })
}

/** A place in memory that opens its services in another way. */
function otherwise(name: string, seenBy: readonly string[], open: ConformancePlace['open']): Mutant {
  return { ...mutant(name, seenBy, () => pass), open }
}

/** A router that lets everybody do everything. */
function withoutAuthorize(router: Router): Router {
  return new Proxy(router, {
    get(target, name) {
      const member: unknown = name === 'authorize' ? undefined : Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

async function openInMemory(router: Router, options: ConnectOptions): Promise<OpenedPlace> {
  const connection = connect(router, options)
  return { connection, stats: () => connection.stats() }
}

export const mutants: readonly Mutant[] = [
  mutant('loses processed', ['is said where the handler threw a declared error'], () =>
    failing((error) => (error.processed === 'yes' ? copyOf(error, { processed: 'maybe' }) : undefined)),
  ),
  mutant(
    'runs a call after its deadline',
    ['runs none whose time has passed while it waited, also of the first burst'],
    () => (call, next) =>
      next(call).catch((error: unknown) => {
        if (error instanceof NanowireError && error.code === 'deadline_exceeded')
          next({ ...call, options: { timeoutMs: Number.POSITIVE_INFINITY } }).catch(() => {})
        throw error
      }),
  ),
  mutant(
    'counts each end twice',
    ['counts at the handlers what callers count'],
    () => pass,
    (connection) => ({
      stats() {
        const { inFlight, calls } = connection.stats()
        const twice = (ends: object) =>
          Object.fromEntries(Object.entries(ends).map(([code, count]) => [code, 2 * count]))
        return {
          inFlight,
          calls: Object.fromEntries(Object.entries(calls).map(([method, ends]) => [method, twice(ends)])),
        }
      },
    }),
  ),
  otherwise(
    'forgets who calls',
    ['shows the handler who calls', 'shows it to middleware', 'decides by the request and by who calls'],
    (router, { local }) => openInMemory(router, { ...local, principal: undefined }),
  ),
  otherwise(
    'asks nobody for permission',
    ['refuses one method, and the others go on', 'refuses a call where authorize says false: its handler never runs'],
    (router, { local }) => openInMemory(withoutAuthorize(router), local),
  ),
  mutant('drops every seventh reply', ['answers many calls at once, each with its own'], () => {
    let calls = 0
    return async (call, next) => {
      const reply = await next(call)
      return ++calls % 7 === 0 ? new Promise(() => {}) : reply
    }
  }),
  mutant(
    'gives another code',
    ['keeps a status and message that a handler makes, and says that it ran: not_found'],
    () => failing((error) => (error.code === 'not_found' ? copyOf(error, { code: 'unknown' }) : undefined)),
  ),
  mutant('says no where the handler may have run', ['is said where the deadline passed while the handler ran'], () =>
    failing((error) => (error.processed === 'maybe' ? copyOf(error, { processed: 'no' }) : undefined)),
  ),
  mutant('loses the data of declared errors', ['keeps the code and data of a declared error'], () =>
    failing((error) => (error.code === 'Banned' ? copyOf(error, { data: undefined }) : undefined)),
  ),
  mutant(
    'begins calls in another order',
    ['begins calls in the order in which they are made, notifies among them'],
    () => {
      let calls = 0
      return async (call, next) => {
        if (calls++ % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
        return next(call)
      }
    },
  ),
  mutant('answers one call with the reply of another', ['answers many calls at once, each with its own'], () => {
    let before: unknown
    return async (call, next) => {
      const reply = await next(call)
      const given = before ?? reply
      before = reply
      return given
    }
  }),
  mutant('runs a handler twice', ['is said where the handler failed in another way'], () => async (call, next) => {
    await next(call).catch(() => {})
    return next(call)
  }),
  mutant(
    'forgets to cancel',
    ['cancels at once: the handler is told, its slot is free when it ends'],
    () =>
      ({ options: { signal: _, ...options }, ...call }, next) =>
        next({ ...call, options }),
  ),
  mutant(
    'forgets deadlines',
    ['settles a call at its own deadline, though the handler never ends; the slot stays taken'],
    () => (call, next) => next({ ...call, options: { ...call.options, timeoutMs: Number.POSITIVE_INFINITY } }),
  ),
  mutant('is early', ['is never early'], () => (call, next) => {
    const { timeoutMs } = call.options
    return next(timeoutMs && timeoutMs > 5 ? { ...call, options: { ...call.options, timeoutMs: timeoutMs - 5 } } : call)
  }),
  mutant(
    'loses metadata of requests',
    ['goes to the handler and back'],
    () =>
      ({ options: { metadata: _, ...options }, ...call }, next) =>
        next({ ...call, options }),
  ),
  mutant(
    'hands on what is not declared',
    ['hands on no undeclared property, in neither direction'],
    () => async (call, next) => {
      const reply = await next(call)
      if (Array.isArray(reply)) return reply.map((row: object) => ({ ...row, passwordHash: 'secret' }))
      return reply
    },
  ),
  mutant('takes -0 for 0', ['carries numbers to the handler and back'], () => async (call, next) => {
    const reply = await next(call)
    return reply === 0 ? 0 : reply
  }),
  mutant(
    'waits for the handler of a notify',
    ['does not wait for its handler'],
    () => (call, next) => (call.method.definition.kind === 'notify' ? new Promise(() => {}) : next(call)),
  ),
  mutant(
    'says that it has closed before it has',
    ['lets calls in flight end, and takes no new ones'],
    () => pass,
    (connection) => ({
      connection: new Proxy(connection, {
        get(target, name) {
          if (name === 'close') return async (options?: CloseOptions) => void target.close(options)
          const member: unknown = Reflect.get(target, name)
          return typeof member === 'function' ? member.bind(target) : member
        },
      }),
    }),
  ),
  mutant(
    'counts nothing',
    ['counts at the handlers what callers count'],
    () => pass,
    () => ({ stats: () => ({ inFlight: 0, calls: {} }) }),
  ),
]
