/**
 * Credentials of simulated clients (spec/testing.md). Invariant: what are none is told as a mistake, by the check of the library's
 * own `connect`, and does not pass as a run in which nobody gets in.
 */
import { misuse, NanowireError } from '../../errors.ts'
import { type CredentialsSource, connectWith, type Place } from '../../rpc/index.ts'
import { memoryPair } from '../../transport/index.ts'
import { never } from './process.ts'

/** A place to which nobody ever connects. */
const nowhere: Place = { url: 'nowhere', dial: never }

/** @throws NanowireError `invalid_argument` for what are none; of a function, what it gives is looked at when it is asked */
export async function requireCredentials(source: CredentialsSource | undefined): Promise<void> {
  if (source === undefined || typeof source === 'function') return
  const what = await findWrong(source)
  if (what !== undefined) throw misuse(`simulate: connect: ${what}`)
}

/** The same source, of which is told what it gives that are none. */
export function watchCredentials(
  source: CredentialsSource | undefined,
  broken: (what: string) => void,
): CredentialsSource | undefined {
  if (typeof source !== 'function') return source
  const judge = async (given: unknown): Promise<void> => {
    const what = await findWrong(given)
    if (what !== undefined) broken(`the function connect.credentials gave what are none: ${what}`)
  }
  return () => {
    const given = source()
    Promise.resolve(given).then(judge, () => {}) // of what it throws its calls are told
    return given
  }
}

/** What is wrong with credentials, if anything: a connection that is never made is told them. */
async function findWrong(given: unknown): Promise<string | undefined> {
  const credentials = given ?? null // undefined would be the ones that it has
  try {
    await connectWith({}, memoryPair)(nowhere).renewCredentials(credentials as string) // whatever it is, it is judged there
    return undefined
  } catch (error) {
    return error instanceof NanowireError ? error.message : String(error)
  }
}
