/**
 * MessagePack for property tests: any value in any of its forms, the longer ones included, put together byte by byte
 * and without the code under test. Only what strict MessagePack allows comes out.
 */
import fc from 'fast-check'

type Bytes = readonly number[]

/** `width` bytes of a number, or of a bigint. */
function big(value: number | bigint, width: number): Bytes {
  const bits = BigInt.asUintN(width * 8, BigInt(value))
  return Array.from({ length: width }, (_, index) => Number((bits >> BigInt((width - 1 - index) * 8)) & 0xffn))
}

/** A header with a length: one of the forms that can say it, chosen by `choice`. */
function header(
  length: number,
  forms: readonly (readonly [token: number, width: number, max: number])[],
  choice: number,
): Bytes {
  const able = forms.filter(([, , max]) => length <= max)
  const [token, width] = able[choice % able.length] as (typeof forms)[number] // the last form says any length
  return width === 0 ? [token + length] : [token, ...big(length, width)]
}

const choice = fc.nat({ max: 11 })
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 80 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }).map((rest) => `\ufeff${rest}`) },
)
const textForms = [
  [0xa0, 0, 31],
  [0xd9, 1, 0xff],
  [0xda, 2, 0xffff],
  [0xdb, 4, 0xffff_ffff],
] as const

function encodeText(value: string, form: number): Bytes {
  const utf8 = new TextEncoder().encode(value)
  return [...header(utf8.length, textForms, form), ...utf8]
}

const integer = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -200n, max: 300n }),
    fc.bigInt({ min: -70_000n, max: 70_000n }),
  )
  .chain((value) => {
    const forms: Bytes[] = []
    if (value >= 0n) {
      if (value < 128n) forms.push([Number(value)])
      for (const [token, width] of [
        [0xcc, 1],
        [0xcd, 2],
        [0xce, 4],
        [0xcf, 8],
      ] as const) {
        if (BigInt.asUintN(width * 8, value) === value) forms.push([token, ...big(value, width)])
      }
    } else if (value >= -32n) {
      forms.push([Number(value) + 256])
    }
    for (const [token, width] of [
      [0xd0, 1],
      [0xd1, 2],
      [0xd2, 4],
      [0xd3, 8],
    ] as const) {
      if (BigInt.asIntN(width * 8, value) === value) forms.push([token, ...big(value, width)])
    }
    return fc.constantFrom(...forms)
  })

const float = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bits) => [0xca, ...bits]),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bits) => [0xcb, ...bits]),
)
const bytes = fc.tuple(fc.uint8Array({ maxLength: 40 }), choice).map(([value, form]) => [
  ...header(
    value.length,
    [
      [0xc4, 1, 0xff],
      [0xc5, 2, 0xffff],
      [0xc6, 4, 0xffff_ffff],
    ],
    form,
  ),
  ...value,
])

const nanoseconds = fc.oneof(fc.nat({ max: 999_999_999 }), fc.constantFrom(0, 1, 999_999, 1_000_000, 999_999_999))
const payload = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((seconds) => big(seconds, 4)),
  fc
    .tuple(nanoseconds, fc.bigInt({ min: 0n, max: 2n ** 34n - 1n }))
    .map(([ns, seconds]) => big((BigInt(ns) << 34n) | seconds, 8)),
  fc
    .tuple(nanoseconds, fc.bigInt({ min: -8_640_000_000_000n, max: 8_639_999_999_999n }))
    .map(([ns, seconds]) => [...big(ns, 4), ...big(seconds, 8)]),
)
const timestamp = fc.tuple(payload, choice).map(([value, form]) => {
  const fixed = { 4: [0xd6], 8: [0xd7], 12: [0xc7, 12] }[value.length] ?? []
  const headers = [
    fixed,
    [0xc7, ...big(value.length, 1)],
    [0xc8, ...big(value.length, 2)],
    [0xc9, ...big(value.length, 4)],
  ]
  return [...(headers[form % 4] ?? []), 0xff, ...value]
})

const scalar = fc.oneof(
  fc.constantFrom<Bytes[]>([0xc0], [0xc2], [0xc3]),
  integer,
  float,
  fc.tuple(text, choice).map(([string, form]) => encodeText(string, form)),
  bytes,
  timestamp,
)

function arrayOf(item: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> {
  return fc.tuple(fc.array(item, { maxLength: 18 }), choice).map(([items, form]) => [
    ...header(
      items.length,
      [
        [0x90, 0, 15],
        [0xdc, 2, 0xffff],
        [0xdd, 4, 0xffff_ffff],
      ],
      form,
    ),
    ...items.flat(),
  ])
}

function mapOf(
  item: fc.Arbitrary<Bytes>,
  sizes: { readonly minLength?: number; readonly maxLength: number },
): fc.Arbitrary<Bytes> {
  return fc
    .tuple(fc.uniqueArray(fc.tuple(key, choice, item), { ...sizes, selector: ([name]) => name }), choice)
    .map(([entries, form]) => [
      ...header(
        entries.length,
        [
          [0x80, 0, 15],
          [0xde, 2, 0xffff],
          [0xdf, 4, 0xffff_ffff],
        ],
        form,
      ),
      ...entries.flatMap(([name, nameForm, inner]) => [...encodeText(name, nameForm), ...inner]),
    ])
}

const inherited = fc.constantFrom('constructor', 'toString', 'toJSON', 'hasOwnProperty', 'valueOf', '', '0', '10', '2')
const key = fc
  .oneof(text, fc.string({ unit: 'grapheme-ascii', maxLength: 2 }), inherited)
  .filter((name) => name !== '__proto__')

const { value } = fc.letrec<{ value: Bytes }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    { weight: 2, arbitrary: scalar },
    { weight: 2, arbitrary: arrayOf(tie('value')) },
    { weight: 2, arbitrary: mapOf(tie('value'), { maxLength: 20 }) },
    { weight: 1, arbitrary: mapOf(scalar, { minLength: 14, maxLength: 20 }) }, // on both sides of what a walk calls large
  ),
}))

/** Whole messages of strict MessagePack, well within the limits. */
export const strictMessage: fc.Arbitrary<Uint8Array> = value.map((message) => Uint8Array.from(message))
