/** What a user wrote as JSON, as a method's schema wants it (spec/cli.md, "Values as JSON"). */
import type { MethodRef } from '../contract/index.ts'
import { fromJson } from './from-json.ts'

export type Converted =
  | { readonly fits: true; readonly value: unknown }
  | { readonly fits: false; readonly misfit: string }

/** A request, or one of the items that a caller sends, judged before it is sent. */
export function convertRequest(method: MethodRef, written: unknown): Converted {
  try {
    const value = written === undefined ? undefined : fromJson(method.request.shape, written)
    method.request.toWire(value)
    return { fits: true, value }
  } catch (error) {
    // By its name, for the module's copy of the library has a class of its own.
    if (
      error instanceof Error &&
      error.name === 'Misfit' &&
      'describe' in error &&
      typeof error.describe === 'function'
    )
      return { fits: false, misfit: String(error.describe()) }
    throw error
  }
}
