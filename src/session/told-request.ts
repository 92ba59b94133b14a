/**
 * What handlers' sides are told of a request (spec/architecture.md): one object that is used again for all connections, so
 * that a call costs none, and an idle connection holds none. Invariant: nobody else is told by it until it is given back,
 * and nothing of a request is in it then.
 */
import type { IncomingRequest } from './effects.ts'

export type ToldRequest = { -readonly [K in keyof IncomingRequest]: IncomingRequest[K] }

const NOTHING = new Uint8Array(0)
const NO_METADATA = {}

/** Absent while somebody is told, who may bring another request about. */
let spare: ToldRequest | undefined

/** One to be filled in. */
export function takeRequest(): ToldRequest {
  const request = spare ?? emptyRequest()
  spare = undefined
  return request
}

/** Whoever was told keeps nothing of it. */
export function giveBackRequest(request: ToldRequest): void {
  request.metadata = NO_METADATA
  request.hash = undefined
  request.buffer = NOTHING
  spare = request
}

function emptyRequest(): ToldRequest {
  return {
    tag: 0,
    oneWay: false,
    timeoutMs: 0,
    metadata: NO_METADATA,
    hash: undefined,
    judged: false,
    input: false,
    output: false,
    buffer: NOTHING,
    start: 0,
    end: 0,
  }
}
