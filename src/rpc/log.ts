/** What the library has to say to whoever runs it. Never payloads. */

import { misuse } from '../errors.ts'
import { printLine } from './stderr.ts'

/** Shaped like pino's, so that a pino logger can be passed as it is. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const silent = (): void => {}

/** Warnings and errors go to stderr, one line each. */
export const defaultLog: Logger = Object.freeze({
  debug: silent,
  info: silent,
  warn: (fields: object, message: string) => writeLine('warning', fields, message),
  error: (fields: object, message: string) => writeLine('error', fields, message),
})

function writeLine(level: string, fields: object, message: string): void {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`)
  printLine(['nanowire', `${level}:`, message, ...parts].join(' ').replace(/[\r\n]+\s*/g, ' | '))
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return value.stack ?? String(value)
  return typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : safeJson(value)
}

function safeJson(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? String(value)
    )
  } catch {
    return '(not printable)'
  }
}

/** A logger that adds fields to every line. A broken logger hurts nobody. */
export function childLog(log: Logger, fields: object): Logger {
  const level = (name: keyof Logger) => (more: object, message: string) => {
    try {
      const outcome: unknown = log[name]({ ...fields, ...more }, message)
      if (outcome instanceof Promise) outcome.catch(() => {})
    } catch {
      // There is nowhere left to say it.
    }
  }
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

/** How far apart two lines of one kind are that a peer can cause. */
const QUIET_MS = 1_000

/** Warnings that a peer can cause at will: of each kind one line a second at most, which says how many it stands for. */
export class QuietLog {
  readonly #log: Logger
  readonly #now: () => number
  readonly #kinds = new Map<string, { readonly since: number; repeated: number }>()

  constructor(log: Logger, now: () => number) {
    this.#log = log
    this.#now = now
  }

  /** @param kind one of few, never a peer's word */
  warn(kind: string, fields: object, message: string): void {
    const before = this.#kinds.get(kind)
    const now = this.#now()
    if (before && now - before.since < QUIET_MS) {
      before.repeated++
      return
    }
    this.#kinds.set(kind, { since: now, repeated: 0 })
    this.#log.warn(before && before.repeated > 0 ? { ...fields, repeated: before.repeated } : fields, message)
  }
}

/** @throws NanowireError `invalid_argument` for what is no logger */
export function requireLogger(log: Logger): Logger {
  const missing = (['debug', 'info', 'warn', 'error'] as const).find((name) => typeof log?.[name] !== 'function')
  if (missing) throw misuse(`log has no function ${missing}; it is shaped like a pino logger: debug, info, warn, error`)
  return log
}
