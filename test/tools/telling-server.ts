/** A server that is none of ours, and tells of its contracts whatever a test wants. */
import { type ContractDescription, hashOf, hashOfDescription, Reflection } from '../../src/contract/index.ts'
import { defaultLimits } from '../../src/limits.ts'
import { kinds, pack, packError, packHello, type WireError } from '../../src/wire/index.ts'
import { fakeServer, frame, moreFlag } from '../support/raw-peer.ts'

export type Answer = { readonly value: unknown } | { readonly bytes: Uint8Array } | { readonly error: WireError }

export interface Tells {
  /** Names in its HELLO. Default: it says nothing of them. */
  readonly contracts?: readonly string[]
  /** Of what its HELLO gives the true hash. Default: of none. */
  readonly described?: ContractDescription
  /** The answer to the first request, the second and so on. Default: none. */
  readonly answer?: (index: number) => Answer | undefined
}

/** What its HELLO says of each contract, unless it is told better. */
export const TOLD_HASH = '07'.repeat(16)

const HASH: Uint8Array = Buffer.from(TOLD_HASH, 'hex')

/** Its address. */
export function tellingServer({ contracts, described, answer = () => undefined }: Tells): Promise<string> {
  const hashes = contracts && new Map(contracts.map((name) => [name, HASH]))
  if (hashes?.has(Reflection.name)) hashes.set(Reflection.name, hashOf(Reflection))
  if (described) hashes?.set(described.name, hashOfDescription(described))
  const said = { major: 1, limits: defaultLimits, features: [], incarnation: new Uint8Array(16), contracts: hashes }
  let requests = 0
  return fakeServer((peer) => {
    peer.send(frame(kinds.HELLO, 0, packHello(said)))
    peer.onFrame = ({ kind, id }) => {
      const answered = kind === kinds.REQUEST ? answer(requests++) : undefined
      if (!answered) return
      if ('error' in answered) peer.send(frame(kinds.ERROR, id, packError(answered.error)))
      else peer.send(...inFrames(id, 'bytes' in answered ? answered.bytes : pack(answered.value)))
    }
  })
}

const FRAGMENT_BYTES = 60_000

function inFrames(id: number, body: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at === 0 || at < body.length; at += FRAGMENT_BYTES) {
    const isLast = at + FRAGMENT_BYTES >= body.length
    frames.push(frame(kinds.RESPONSE, id, body.subarray(at, at + FRAGMENT_BYTES), isLast ? 0 : moreFlag))
  }
  return frames
}

/** A description with one method, whose parts a test may exchange. */
export function descriptionOf(name: string, method: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const whole = { kind: 'unary', tag: 7, request: { type: 'null' }, reply: { type: 'string' }, errors: {}, ...method }
  return { nanowire: 1, name, methods: { hello: whole } }
}
