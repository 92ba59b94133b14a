/** How an error of the library is shown: code, processed, message, id and data (spec/cli.md, "Errors"). */
import type { Io } from './io.ts'
import { escapeControls, jsonText, toJson } from './print.ts'

/** A `NanowireError`, of whichever copy of the library. */
export interface Failure extends Error {
  readonly code: string
  readonly processed: string
  readonly data?: unknown
  readonly id?: string | undefined
}

export function isFailure(error: unknown): error is Failure {
  return error instanceof Error && error.name === 'NanowireError' && 'code' in error && 'processed' in error
}

/** For people on stderr; for machines as one line of JSON on stdout, where the reply would have been. */
export function showFailure(
  { code, processed, message, id, data }: Omit<Failure, 'name'>,
  io: Io,
  json: boolean,
): void {
  if (json) {
    io.out(jsonText({ error: { code, processed, message, id, data: data === undefined ? undefined : toJson(data) } }))
    return
  }
  io.err(escapeControls(`${code} (processed: ${processed}): ${message}`))
  if (id !== undefined) io.err(escapeControls(`  id: ${id}`))
  if (data !== undefined) io.err(`  data: ${jsonText(toJson(data))}`)
}
