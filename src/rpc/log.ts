/** What the library has to say to whoever runs it. Never payloads. */

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
  console.error(['nanowire', `${level}:`, message, ...parts].join(' ').replace(/[\r\n]+\s*/g, ' | '))
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
      log[name]({ ...fields, ...more }, message)
    } catch {
      // There is nowhere left to say it.
    }
  }
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}
