/** Metadata: names and text beside a request, a reply or an error, within a bound and never a surprise. */
import { expect } from 'vitest'
import { NanowireError } from '../../../src/index.ts'
import { casesOf, type TestPlace } from '../../support/places.ts'
import { failureOf, Lab, lab, untyped } from '../lab.ts'

/** Answers with what it sees under the name, and sets metadata of the reply. */
const reader = lab({
  echo({ text }, ctx) {
    ctx.reply.set('seen', String(ctx.metadata.get(text)))
    ctx.reply.set('é', '\ud83d\ude00')
    if (text === 'fail') throw ctx.error('Banned', { until: 'x' })
    if (text === 'abort') throw new NanowireError('aborted', 'x')
    return { text: String(ctx.metadata.get(text)) }
  },
})

export function metadataSuite(place: TestPlace): void {
  const its = casesOf(place)

  its('goes to the handler and back', async () => {
    const { wire } = await place.open(reader)
    const got: unknown[] = []
    const metadata = { tenant: 'blue', é: 'ü', '': undefined } as unknown as Record<string, string>
    delete metadata['']
    const reply = await wire.client(Lab).echo({ text: 'tenant' }, { metadata, onMetadata: (m) => got.push({ ...m }) })
    expect(reply).toEqual({ text: 'blue' })
    expect(got).toEqual([{ seen: 'blue', é: '\ud83d\ude00' }])
    expect((await wire.client(Lab).echo({ text: 'é' }, { metadata })).text).toBe('ü')
  })

  its('comes back with errors too, before the call settles', async () => {
    const { wire } = await place.open(reader)
    for (const [text, code] of [
      ['fail', 'Banned'],
      ['abort', 'aborted'],
    ] as const) {
      const order: unknown[] = []
      const call = wire.client(Lab).echo({ text }, { onMetadata: (m) => order.push(m['seen']) })
      const error = await failureOf(call).finally(() => order.push('settled'))
      expect(error.code).toBe(code)
      expect(order).toEqual(['undefined', 'settled'])
    }
  })

  its('is empty where nobody set any', async () => {
    const { wire } = await place.open(lab({ echo: (request) => request }))
    const got: unknown[] = []
    await wire.client(Lab).echo({ text: 'x' }, { metadata: {}, onMetadata: (m) => got.push({ ...m }) })
    expect(got).toEqual([{}])
  })

  its('has no names that every object has', async () => {
    const { wire } = await place.open(reader)
    const { echo } = wire.client(Lab)
    for (const text of ['toString', 'constructor', '__proto__', 'hasOwnProperty', '']) {
      expect((await echo({ text }, { metadata: { tenant: 'blue' } })).text).toBe('undefined')
    }
    expect((await echo({ text: 'constructor' }, { metadata: { constructor: 'mine' } as never })).text).toBe('mine')
  })

  for (const [name, metadata] of [
    ['a number', { tenant: 7 }],
    ['undefined', { tenant: undefined }],
    ['an object', { tenant: {} }],
    ['half a surrogate pair', { tenant: '\ud800' }],
    ['an empty name', { '': 'x' }],
    ['the name __proto__', JSON.parse('{"__proto__":"x"}')],
    ['half a pair as a name', { '\udc00': 'x' }],
  ] as const) {
    its(`is refused before anything is sent: ${name}`, async () => {
      let runs = 0
      const { wire } = await place.open(
        lab({
          quick() {
            runs++
          },
        }),
      )
      const error = await failureOf(wire.client(Lab).quick(undefined, untyped({ metadata })))
      expect(error).toMatchObject({ code: 'invalid_argument', processed: 'no' })
      expect(error.message).toMatch(/^(the metadata ".*" must be text|metadata cannot be named )/)
      expect(runs).toBe(0)
    })
  }

  its('is refused in a reply by the handler that sets it', async () => {
    const { wire } = await place.open(
      lab({
        echo({ text }, ctx) {
          ctx.reply.set(text, 7 as never) // as a program without types may
          return { text }
        },
      }),
    )
    const error = await failureOf(wire.client(Lab).echo({ text: 'n' }))
    expect(error.processed).toBe('yes')
  })

  its('of a request is bounded, just below and just above', async () => {
    const service = lab({ echo: ({ text }, ctx) => ({ text: String(ctx.metadata.get(text)) }) })
    const { wire } = await place.open(service, { limits: { maxMetadataBytes: 100 } })
    const { echo } = wire.client(Lab)
    // A map of one entry: 1 + (1 + 1) + (2 + length) bytes.
    const fits = 'x'.repeat(95)
    expect((await echo({ text: 'k' }, { metadata: { k: fits } })).text).toBe(fits)
    const error = await failureOf(echo({ text: 'k' }, { metadata: { k: `${fits}x` } }))
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'no' })
    expect(error.message).toMatch(
      /^metadata of 101 bytes: maxMetadataBytes is 100 \(peer .+; option limits\.maxMetadataBytes\)$/,
    )
    expect((await echo({ text: 'k' })).text).toBe('undefined')
  })

  its('of a reply is bounded likewise, and the handler has run', async () => {
    const { wire } = await place.open(
      lab({
        echo({ text }, ctx) {
          ctx.reply.set('k', text)
          return { text: '' }
        },
      }),
      { limits: { maxMetadataBytes: 100 } },
    )
    const { echo } = wire.client(Lab)
    const got: unknown[] = []
    await echo({ text: 'x'.repeat(95) }, { onMetadata: (m) => got.push(m['k']?.length) })
    expect(got).toEqual([95])
    const error = await failureOf(echo({ text: 'x'.repeat(96) }))
    expect(error).toMatchObject({ code: 'resource_exhausted', processed: 'yes' })
    expect(error.message).toContain('maxMetadataBytes is 100')
    expect(await echo({ text: '' })).toEqual({ text: '' })
  })

  its('of an error is bounded likewise, and what is too large never arrives', async () => {
    const { wire } = await place.open(
      lab({
        echo({ text }, ctx) {
          ctx.reply.set('k', text)
          throw ctx.error('Banned', { until: 'x' })
        },
      }),
      { limits: { maxMetadataBytes: 100 } },
    )
    const got: unknown[] = []
    const { echo } = wire.client(Lab)
    const onMetadata = (m: Readonly<Record<string, string>>) => got.push(m['k']?.length)
    expect(await failureOf(echo({ text: 'x'.repeat(95) }, { onMetadata }))).toMatchObject({ code: 'Banned' })
    const error = await failureOf(echo({ text: 'x'.repeat(96) }, { onMetadata }))
    expect(['Banned', 'resource_exhausted']).toContain(error.code)
    expect(got).toEqual([95, undefined])
  })

  its('is told to a listener that throws: the call ends with that, and nothing else breaks', async () => {
    const { wire } = await place.open(reader)
    const onMetadata = () => {
      throw new RangeError('mine')
    }
    const { echo } = wire.client(Lab)
    await expect(echo({ text: 'x' }, { onMetadata })).rejects.toThrow(new RangeError('mine'))
    await expect(echo({ text: 'fail' }, { onMetadata })).rejects.toThrow(new RangeError('mine'))
    expect((await echo({ text: 'x' })).text).toBe('undefined')
  })
}
