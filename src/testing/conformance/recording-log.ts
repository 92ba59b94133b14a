/** A logger that keeps what it is told, for cases to read. */
import type { Logger } from '../../rpc/index.ts'

export interface Line {
  readonly level: keyof Logger
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export class RecordingLog implements Logger {
  readonly lines: Line[] = []

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#add('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#add('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#add('error', fields, message)
  }

  /** What stands at this level. */
  at(level: keyof Logger): Line[] {
    return this.lines.filter((line) => line.level === level)
  }

  /** All of it as text, errors with their stacks and causes. */
  get text(): string {
    return this.lines.map(({ level, message, fields }) => `${level} ${message} ${textOf(fields)}`).join('\n')
  }

  #add(level: keyof Logger, fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...fields } })
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error)
    return `${value.stack} ${Object.entries(value).map(textOf).join(' ')} ${textOf(value.cause)}`
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${textOf(inner)}`)
    .join(' ')
}
