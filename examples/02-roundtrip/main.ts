// Property-tests that what a codec encodes comes back as it was.

import fc from 'fast-check'
import { Bytes, contract, Timestamp, unary } from 'nanowire'
import { codec } from 'nanowire/codec'
import { arbitrary, checkRoundTrip } from 'nanowire/testing'
import Type from 'typebox'

const Photo = Type.Object({
  id: Type.String({ format: 'uuid' }),
  taken: Timestamp(),
  pixels: Bytes({ maxBytes: 64 }),
  tags: Type.Array(Type.String(), { uniqueItems: true, maxItems: 5 }),
  place: Type.Optional(Type.Union([Type.Null(), Type.Tuple([Type.Number(), Type.Number()])])),
})
const Photos = contract('photos', { add: unary(Photo, Type.Object({ bytes: Type.BigInt() })) })

// A contract, or any schema, in one line:
console.log(checkRoundTrip(Photos, { numRuns: 200 }))

// The same by hand, with a property of one's own:
const { encode, decode } = codec(Photo)
fc.assert(fc.property(arbitrary(Photo), (photo) => decode(encode(photo)).pixels.length === photo.pixels.length))
console.log('one photo:', fc.sample(arbitrary(Photo), { numRuns: 1, seed: 7 })[0])
