/**
 * Bugs that are none: what Stryker plants and no test can find, because nothing that anybody sees becomes another. By file, and by why;
 * `survivors.ts` lists them apart from those that tests should have found.
 */

/** By file: why they are none, and what became what. */
export type Equivalents = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

export const equivalents: Equivalents = {
  'src/wire/body.ts': {
    'what begins behind the end ends there as well': [
      "'start + 2 > end' became 'false'",
      "'start + 2 > end' became 'start + 2 >= end'",
      "'start + 2' became 'start - 2'",
    ],
    'Number.isSafeInteger takes numbers only': ["'typeof number === 'number'' became 'true'"],
  },
  'src/wire/decode.ts': {
    'it costs a copy, an allocation or a round, and finds the same frames': [
      "'this.unread === 0' became 'false'",
      "'this.#tailIsRead' became 'true'",
      "'this.#tailLength < HEADER_BYTES' became 'this.#tailLength <= HEADER_BYTES'",
      "'length > this.#tail.length' became 'length >= this.#tail.length'",
      "'this.#tail.length <= SMALLEST_TAIL' became 'false'",
      "'this.#tail.length <= SMALLEST_TAIL' became 'this.#tail.length < SMALLEST_TAIL'",
    ],
    'a first frame begins at 0': ["'end - at' became 'end + at'"],
  },
  'src/wire/describe-body.ts': {
    'it is replaced before it is used': ["'[]' became '[\"Stryker was here\"]'"],
    'no other kind may have the flag': ["'kind === kinds.REQUEST' became 'true'"],
    'a CANCEL has no body': ["'case kinds.CANCEL:' became 'case kinds.CANCEL:'"],
  },
  'src/wire/describe-header.ts': {
    'a kind that is not there has no name either': [
      "'available > 3' became 'true'",
      "'available > 3' became 'available >= 3'",
    ],
    'no flag has that name': ["'[]' became '[\"Stryker was here\"]'"],
  },
  'src/wire/describe.ts': {
    'a kind that is not there has no name either': [
      "'available > 3' became 'true'",
      "'available > 3' became 'available >= 3'",
    ],
    'the first byte was looked at before': ["'offset === 0' became 'true'"],
  },
  'src/wire/encode.ts': {
    'a body begins behind nine bytes of a header at least': [
      "'bodyStart < 0' became 'bodyStart <= 0'",
      "'bodyStart >= 0' became 'bodyStart > 0'",
    ],
    'what is behind the end continues no character, and what begins a text neither': [
      "'end > 0 && end < bytes.length' became 'true'",
      "'end > 0 && end < bytes.length' became 'end > 0 || end < bytes.length'",
      "'end > 0' became 'true'",
      "'end > 0' became 'end >= 0'",
      "'end < bytes.length' became 'true'",
      "'end < bytes.length' became 'end <= bytes.length'",
    ],
    'a rest of all of it writes the same': ["'body instanceof Uint8Array && first === body.length' became 'false'"],
  },
  'src/wire/frame.ts': {
    'no other kind may have these flags': ["'kind !== kinds.REQUEST' became 'false'"],
  },
  'src/wire/hello.ts': {
    'the strict walk has passed it': ["''hello'' became '\"\"'"],
    'from nowhere to nowhere as well': ["'{ start: 0, end: 0 }' became '{}'"],
    'undefined is not above 1': ["'value !== undefined' became 'true'"],
  },
  'src/wire/keys.ts': {
    'it only takes longer': [
      "'sets.length > 0' became 'true'",
      "'sets.length > 0' became 'sets.length >= 0'",
      "'length === 0' became 'true'",
      "'entries <= SMALL_MAP' became 'entries < SMALL_MAP'",
    ],
  },
  'src/wire/map-entries.ts': {
    'a container of none, or a text of none, has as many bytes by either way of counting': [
      "'token >= 0x80' became 'token > 0x80'",
      "'token < 0x90' became 'token <= 0x90'",
      "'token >= 0x90' became 'token > 0x90'",
      "'token < 0xa0' became 'token <= 0xa0'",
      "'token < 0x80' became 'token <= 0x80'",
      "'token < 0xc0' became 'token <= 0xc0'",
    ],
    'what the strict walk passes is no other, or counts 0': [
      "'token >= 0x80' became 'true'",
      "'token >= 0x90' became 'true'",
      "'token >= 0xe0' became 'false'",
      "'token >= 0xe0' became 'token > 0xe0'",
      "'token >= 0xd4' became 'token > 0xd4'",
      "'token <= 0xd8' became 'true'",
      "'token <= 0xd8' became 'token < 0xd8'",
    ],
  },
  'src/wire/octets.ts': {
    'it is another way to the same text or copy': [
      "'union < 0x80' became 'false'",
      "'position < to' became 'position <= to'",
      "'to - from <= SHORT_TEXT' became 'true'",
      "'to - from <= SHORT_TEXT' became 'to - from < SHORT_TEXT'",
      "'to - from' became 'to + from'",
      "'to - position >= 4' became 'false'",
      "'(a | b | c | d) > 0x7f' became 'true'",
      "'unit > 0x7f' became 'unit >= 0x7f'",
      "'Object.getPrototypeOf(bytes) === Uint8Array.prototype' became 'false'",
      "'length >= LONG_COPY' became 'true'",
      "'length >= LONG_COPY' became 'false'",
      "'length >= LONG_COPY' became 'length > LONG_COPY'",
      "'length >= LONG_COPY' became 'length < LONG_COPY'",
    ],
  },
  'src/wire/pieces.ts': {
    'nothing of it is read any more': ["'[]' became '[\"Stryker was here\"]'"],
  },
  'src/wire/reassembly.ts': {
    'it costs a copy, or a buffer of the same length': [
      "'length === bytes.length' became 'false'",
      "'size <= message.size' became 'false'",
      "'size <= message.size' became 'size < message.size'",
      "'size > message.bytes.length' became 'true'",
      "'size > message.bytes.length' became 'size >= message.bytes.length'",
      "'length <= announced' became 'length < announced'",
      "'size > LONG_BYTES' became 'true'",
      "'size > LONG_BYTES' became 'size >= LONG_BYTES'",
    ],
  },
  'src/wire/spare.ts': {
    'two of one length may stand either way round': ["'other.length > length' became 'other.length >= length'"],
    'it is copied either way': [
      "'length < SHORT_BYTES' became 'false'",
      "'length < SHORT_BYTES' became 'length <= SHORT_BYTES'",
    ],
    'what is stored behind an array is void': ["'offset < length' became 'offset <= length'"],
    'there is nothing at -1': ["'place < 0' became 'false'"],
  },
  'src/wire/strict.ts': {
    'fixints were taken before, and an empty container is as empty by either name': [
      "'token >= 0x80' became 'true'",
      "'token <= 0xdf' became 'true'",
      "'token < 0x90' became 'token <= 0x90'",
    ],
    'something stands before every text': [
      "'text >= 0' became 'text > 0'",
      "'bad >= 0' became 'bad > 0'",
      "'from < 0' became 'from <= 0'",
    ],
  },
  'src/wire/unpack.ts': {
    'a key that is not remembered, or in another slot, is read all the same': [
      "'length <= MAX_KNOWN_KEY' became 'length > MAX_KNOWN_KEY'",
      "'slot >= 0 && key.length === length && !keyIsInherited' became 'false'",
      "'slot >= 0' became 'slot < 0'",
      "'length === 0' became 'false'",
      "'-1' became '+1'",
      "'from + length' became 'from - length'",
    ],
    'c0 begins no key': ["'token < 0xc0' became 'token <= 0xc0'"],
  },
  'src/wire/writer.ts': {
    'a value ends behind a header at least': ["'end < 0' became 'end <= 0'", "'end >= 0' became 'end > 0'"],
  },
}
