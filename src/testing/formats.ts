/**
 * Strings for each format that TypeBox checks (spec/testing.md). What comes out may still not pass the check of the
 * format; the caller filters.
 */
import fc from 'fast-check'
import { Format } from 'typebox/format'
import { misuse } from '../errors.ts'

const twoDigits = (max: number) => fc.nat({ max }).map((n) => String(n).padStart(2, '0'))

const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10))

const offset = fc.oneof(
  fc.constantFrom('Z', 'z'),
  fc
    .tuple(fc.constantFrom('+', '-'), twoDigits(23), twoDigits(59))
    .map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
)

const time = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(twoDigits(23), twoDigits(59), twoDigits(59), fc.option(fc.nat(), { nil: undefined }), offset)
      .map(timeText),
  },
  { weight: 1, arbitrary: fc.constantFrom('23:59:60Z', '00:59:60.5+01:00') }, // leap seconds
)

function timeText([hours, minutes, seconds, fraction, zone]: readonly [
  string,
  string,
  string,
  number | undefined,
  string,
]): string {
  return `${hours}:${minutes}:${seconds}${fraction === undefined ? '' : `.${fraction}`}${zone}`
}

const duration = fc
  .tuple(
    fc.constantFrom(
      'P#Y',
      'P#Y#M',
      'P#Y#M#D',
      'P#D',
      'P#M#D',
      'P#W',
      'PT#H',
      'PT#H#M',
      'PT#H#M#S',
      'PT#S',
      'P#DT#H#M',
      'P#Y#M#DT#M#S',
    ),
    fc.array(fc.nat({ max: 9_999 }), { minLength: 6, maxLength: 6 }),
  )
  .map(([form, numbers]) => numbers.reduce<string>((text, n) => text.replace('#', String(n)), form))

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,7}$/)
const segment = fc.string({ unit: 'binary', maxLength: 6 })
const pointerSegment = segment.map((text) => `/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`)
const jsonPointer = fc.array(pointerSegment, { maxLength: 4 }).map((parts) => parts.join(''))
const jsonPointerUriFragment = fc
  .array(pointerSegment, { maxLength: 4 })
  .map((parts) => `#${parts.map((part) => `/${encodeURIComponent(part.slice(1))}`).join('')}`)

const label = fc.constantFrom('bücher', '例え', 'παράδειγμα', 'пример', 'straße')
const hostname = fc.domain()
const idnHostname = fc.oneof(
  hostname,
  fc.tuple(label, hostname).map(([first, rest]) => `${first}.${rest}`),
)
const email = fc.emailAddress()
const idnEmail = fc.oneof(
  email,
  fc.tuple(fc.constantFrom('jürgen', '用户', 'x'), idnHostname).map(([user, host]) => `${user}@${host}`),
)

const webUrl = fc.webUrl({ withQueryParameters: true, withFragments: true })
const uri = fc.oneof(
  webUrl,
  name.map((text) => `urn:example:${text}`),
  email.map((address) => `mailto:${address}`),
  fc.constantFrom('ftp://[::1]:21/a', 'file:///etc/hosts'),
)
const relative = fc
  .tuple(fc.constantFrom('', '/', '../', './', '?', '#', '//host/'), name)
  .map(([start, rest]) => start + rest)
const odd = fc.constantFrom('ü', '漢', '😀', 'a')
const iri = fc
  .tuple(webUrl, odd)
  .map(([url, character]) => `${url}${url.includes('?') || url.includes('#') ? '' : '/'}${character}`)

const uriTemplate = fc
  .array(
    fc.oneof(
      name,
      name.map((text) => `{${text}}`),
      fc
        .tuple(fc.constantFrom('+', '#', '.', '/', ';', '?', '&'), name, name)
        .map(([operator, one, other]) => `{${operator}${one},${other}*}`),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join('/'))

const regex = fc.oneof(
  fc.constantFrom('^a+$', '[a-z]{2,3}', '(?<year>\\d{4})', '\\p{L}', 'a|b', ''),
  fc.string().map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')),
)

const known: ReadonlyMap<string, fc.Arbitrary<string>> = new Map<string, fc.Arbitrary<string>>([
  ['date', date],
  ['time', time],
  ['date-time', fc.tuple(date, fc.constantFrom('T', 't'), time).map((parts) => parts.join(''))],
  ['duration', duration],
  ['email', email],
  ['idn-email', idnEmail],
  ['hostname', hostname],
  ['idn-hostname', idnHostname],
  ['ipv4', fc.ipV4()],
  ['ipv6', fc.ipV6()],
  ['uri', uri],
  ['uri-reference', fc.oneof(uri, relative)],
  ['iri', fc.oneof(uri, iri)],
  ['iri-reference', fc.oneof(iri, relative, odd)],
  ['url', webUrl],
  ['uri-template', uriTemplate],
  ['uuid', fc.uuid()],
  ['json-pointer', jsonPointer],
  ['json-pointer-uri-fragment', jsonPointerUriFragment],
  [
    'relative-json-pointer',
    fc.tuple(fc.nat(), fc.oneof(jsonPointer, fc.constant('#'))).map(([up, rest]) => `${up}${rest}`),
  ],
  ['regex', regex],
])

/**
 * Strings of a format; `undefined` for a name that nobody registered, which TypeBox takes to mean nothing.
 * @throws NanowireError `invalid_argument` for a format that the user registered: only they know what it looks like.
 */
export function formatted(format: string): fc.Arbitrary<string> | undefined {
  const strings = known.get(format)
  if (strings || !Format.Has(format)) return strings
  throw misuse(
    `no strings can be generated for the format ${JSON.stringify(format)}, which this program registered: ` +
      'pass { override: (schema) => schema.format === … ? fc.constantFrom(…) : undefined } to arbitrary()',
  )
}
