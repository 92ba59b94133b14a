/** What the library says when it refuses what a user wrote. */
import Type from 'typebox'
import { NanowireError } from '../../src/errors.ts'

/** The request or reply of methods that say nothing. */
export const NOTHING = Type.Null()

/** The message of the `invalid_argument` that `act` throws; nothing else may be thrown. */
export function refusalOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (!(error instanceof NanowireError)) throw error
    if (error.code !== 'invalid_argument' || error.processed !== 'no')
      throw new Error(`${error.code} ${error.processed}`)
    return error.message
  }
  throw new Error('it was not refused')
}
