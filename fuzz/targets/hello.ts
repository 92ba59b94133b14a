/** What a peer says of itself, by either side: only a ProtocolError refuses it, and what was read is written and read as the same (P10 to P16). */
import { isDeepStrictEqual } from 'node:util'
import { type Hello, ProtocolError, packHello, readHello, StrictError } from '../../src/wire/index.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { require, requireDeclared, type Target } from '../target.ts'

const HEADER = 9
const PADDING = 3
const senders = [undefined, 'client', 'server'] as const

export const hello: Target = {
  about: 'HELLO from either side, read, written and read again',
  maxBytes: 2_048,
  dictionary: [
    'NWIR\u0001',
    'limits',
    'features',
    'incarnation',
    'contracts',
    'credentials',
    'maxFrameBytes',
    'maxMessageBytes',
    'maxCallsInFlight',
    'maxDepth',
    'maxNodes',
    '__proto__',
    'constructor',
    Uint8Array.of(0xc4, 16),
    Uint8Array.of(0xcf, 0, 0, 0, 0, 0, 1, 0, 0),
  ],
  *seeds() {
    for (const file of ['bodies.json', 'frames.json', 'sessions.json'])
      for (const { hex, steps } of vectorsOf(file)) {
        // As spec/vectors/README.md says of that file.
        const sends = (steps as readonly { readonly send?: typeof hex }[] | undefined)?.map(({ send }) => send) ?? [hex]
        for (const send of sends) if (send !== undefined) yield* helloIn(bytesOf(send))
      }
  },
  judge(input) {
    const from = senders[(input[0] ?? 0) % senders.length]
    const bytes = new Uint8Array(input.length + 2 * PADDING).fill(0xc0)
    bytes.set(input.subarray(1), PADDING)
    const said = readOrRefuse(bytes, PADDING, PADDING + Math.max(0, input.length - 1), from)
    if (!said) return
    requireLawful(said)
    const again = packHello(said)
    const twice = readOrRefuse(again, 0, again.length, from)
    require(isDeepStrictEqual(twice, said), 'a HELLO that is written is read as another')
    bytes.fill(0)
    require(isDeepStrictEqual(twice, said), 'a HELLO changes with the bytes that it was read from')
  },
}

function* helloIn(bytes: Uint8Array): Iterable<Uint8Array> {
  const length = ((bytes[0] ?? 0) << 16) | ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0)
  if (bytes[3] === 1) yield Uint8Array.of(bytes.length % 3, ...bytes.subarray(HEADER, HEADER + length))
}

function readOrRefuse(
  bytes: Uint8Array,
  start: number,
  end: number,
  from: (typeof senders)[number],
): Hello | undefined {
  try {
    return readHello(bytes, start, end, from)
  } catch (error) {
    requireDeclared(error, ProtocolError, StrictError)
    require(['not_nanowire', 'version', 'hello'].includes(error.rule), () => `a HELLO breaks ${error.rule}`)
    return undefined
  }
}

function requireLawful({ limits, features, incarnation, contracts, credentials }: Hello): void {
  for (const [name, value] of Object.entries(limits))
    require(Number.isInteger(value) && value >= 1 && value <= 2 ** 48, () => `${name} is ${value}`)
  require(limits.maxFrameBytes >= 65_536, 'a small maxFrameBytes')
  require(features.length <= 64 && features.every((name) => typeof name === 'string'), 'features that are no names')
  require(incarnation.length === 16, 'an incarnation of another length')
  for (const hash of contracts?.values() ?? []) require(hash.length === 16, 'a hash of another length')
  const texts = typeof credentials === 'object' ? Object.values(credentials) : [credentials ?? '']
  require(texts.every((text) => typeof text === 'string'), 'credentials that are no texts')
}
