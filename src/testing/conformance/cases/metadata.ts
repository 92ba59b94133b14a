/** Metadata: names and text beside a request, a reply or an error, within a bound and never a surprise. */
import { NanowireError } from '../../../errors.ts'
import { equal, fails, holds, rejectsWith } from '../assert.ts'
import { lab, untyped } from '../lab.ts'
import { type Cases, each } from '../suite.ts'

/** Answers with what it sees under the name, and sets metadata of the reply. */
const reader = lab({
  echo({ text }, ctx) {
    ctx.reply.set('seen', String(ctx.metadata.get(text)))
    ctx.reply.set('é', '\u{1f600}')
    if (text === 'fail') throw ctx.error('Banned', { until: 'x' })
    if (text === 'abort') throw new NanowireError('aborted', 'x')
    return { text: String(ctx.metadata.get(text)) }
  },
})

const bothWays: Cases = {
  async 'goes to the handler and back'(t) {
    const { client } = await t.open(reader)
    const got: unknown[] = []
    const metadata = { tenant: 'blue', é: 'ü' }
    const reply = await client.echo({ text: 'tenant' }, { metadata, onMetadata: (m) => got.push({ ...m }) })
    equal(reply, { text: 'blue' })
    equal(got, [{ seen: 'blue', é: '\u{1f600}' }], 'the metadata of the reply')
    equal(await client.echo({ text: 'é' }, { metadata }), { text: 'ü' })
  },

  ...each(
    { 'a declared error': ['fail', 'Banned'], 'a status': ['abort', 'aborted'] } as const,
    (kind) => {
      return `comes back with ${kind} too, before the call settles`
    },
    async (t, [text, code]) => {
      const { client } = await t.open(reader)
      const order: unknown[] = []
      const call = client.echo({ text }, { onMetadata: (m) => order.push(m['seen']) })
      await fails(call, { code }).finally(() => order.push('settled'))
      equal(order, ['undefined', 'settled'], 'the order')
    },
  ),

  async 'is empty where nobody set any'(t) {
    const { client } = await t.open(lab({ echo: (request) => request }))
    const got: unknown[] = []
    await client.echo({ text: 'x' }, { metadata: {}, onMetadata: (m) => got.push({ ...m }) })
    equal(got, [{}])
  },

  async 'is that of its own call, also among many'(t) {
    const { client } = await t.open(
      lab({
        async echo({ text }, ctx) {
          if (Number(text) % 2 === 0) await t.turns()
          ctx.reply.set('n', `${text} ${ctx.metadata.get('n')}`)
          return { text }
        },
      }),
    )
    const got: string[] = []
    const calls = Array.from({ length: 50 }, (_, n) =>
      client.echo({ text: `${n}` }, { metadata: { n: `${n}` }, onMetadata: (m) => (got[n] = m['n'] ?? '') }),
    )
    await Promise.all(calls)
    const expected = Array.from({ length: 50 }, (_, n) => `${n} ${n}`)
    equal(got, expected, 'the metadata of the replies')
  },

  async 'has no names that every object has'(t) {
    const { client } = await t.open(reader)
    for (const text of ['toString', 'constructor', '__proto__', 'hasOwnProperty', '']) {
      equal(await client.echo({ text }, { metadata: { tenant: 'blue' } }), { text: 'undefined' }, `metadata ${text}`)
    }
    const metadata = { constructor: 'mine' } as never // which the compiler takes for the object's own
    equal(await client.echo({ text: 'constructor' }, { metadata }), { text: 'mine' })
  },

  async 'may be changed by its caller after the call was made'(t) {
    const { client } = await t.open(
      lab({
        async echo({ text }, ctx) {
          await t.turns(2)
          return { text: String(ctx.metadata.get(text)) }
        },
      }),
    )
    const metadata: Record<string, string> = { tenant: 'blue' }
    const call = client.echo({ text: 'tenant' }, { metadata })
    metadata['tenant'] = 'red'
    equal(await call, { text: 'blue' })
  },
}

const refused: Cases = {
  ...each(
    {
      'a number': { tenant: 7 },
      undefined: { tenant: undefined },
      'an object': { tenant: {} },
      'half a surrogate pair': { tenant: '\ud800' },
      'an empty name': { '': 'x' },
      'the name __proto__': JSON.parse('{"__proto__":"x"}'),
      'half a pair as a name': { '\udc00': 'x' },
    },
    (value) => `is refused before anything is sent: ${value}`,
    async (t, metadata) => {
      let runs = 0
      const { client } = await t.open(
        lab({
          quick() {
            runs++
          },
        }),
      )
      await fails(client.quick(undefined, untyped({ metadata })), {
        code: 'invalid_argument',
        processed: 'no',
        message: /^(the metadata ".*" must be text|metadata cannot be named )/,
      })
      await client.quick()
      equal(runs, 1, 'runs of the handler, that of the next call among them')
    },
  ),

  async 'is refused in a reply by the handler that sets it'(t) {
    const { client } = await t.open(
      lab({
        echo({ text }, ctx) {
          ctx.reply.set(text, 7 as never) // as a program without types may
          return { text }
        },
      }),
    )
    await fails(client.echo({ text: 'n' }), { code: 'internal', processed: 'yes' })
  },

  async 'is told to a listener that throws: the call ends with that, and nothing else breaks'(t) {
    const { client } = await t.open(reader)
    const mine = new RangeError('mine')
    const onMetadata = () => {
      throw mine
    }
    await rejectsWith(client.echo({ text: 'x' }, { onMetadata }), mine)
    await rejectsWith(client.echo({ text: 'fail' }, { onMetadata }), mine)
    equal(await client.echo({ text: 'x' }), { text: 'undefined' })
  },
}

/** In a map of one entry `k`: 1 + (1 + 1) + (2 + length) bytes. */
const FITS = 'x'.repeat(95)
const limits = { maxMetadataBytes: 100 }

const bounded: Cases = {
  async 'of a request is bounded, just below and just above'(t) {
    const service = lab({ echo: ({ text }, ctx) => ({ text: String(ctx.metadata.get(text)) }) })
    const { client } = await t.open(service, { limits })
    equal(await client.echo({ text: 'k' }, { metadata: { k: FITS } }), { text: FITS })
    await fails(client.echo({ text: 'k' }, { metadata: { k: `${FITS}x` } }), {
      code: 'resource_exhausted',
      processed: 'no',
      message: /^metadata of 101 bytes: maxMetadataBytes is 100 \(peer .+; option limits\.maxMetadataBytes\)$/,
    })
    equal(await client.echo({ text: 'k' }), { text: 'undefined' })
  },

  async 'of a reply is bounded likewise, and the handler has run'(t) {
    const service = lab({
      echo({ text }, ctx) {
        ctx.reply.set('k', text)
        return { text: '' }
      },
    })
    const { client } = await t.open(service, { limits })
    const got: unknown[] = []
    await client.echo({ text: FITS }, { onMetadata: (m) => got.push(m['k']?.length) })
    equal(got, [95], 'the length of what came')
    const pattern = { code: 'resource_exhausted', processed: 'yes', message: /maxMetadataBytes is 100/ }
    await fails(client.echo({ text: `${FITS}x` }), pattern)
    equal(await client.echo({ text: '' }), { text: '' })
  },

  async 'of an error is bounded likewise, and what is too large never arrives'(t) {
    const service = lab({
      echo({ text }, ctx) {
        ctx.reply.set('k', text)
        throw ctx.error('Banned', { until: 'x' })
      },
    })
    const { client } = await t.open(service, { limits })
    const got: unknown[] = []
    const onMetadata = (m: Readonly<Record<string, string>>) => got.push(m['k']?.length)
    await fails(client.echo({ text: FITS }, { onMetadata }), { code: 'Banned' })
    const { code } = await fails(client.echo({ text: `${FITS}x` }, { onMetadata }), { processed: 'yes' })
    holds(code === 'Banned' || code === 'resource_exhausted', 'the declared error, or that it was too large')
    equal(got, [95, undefined], 'the lengths of what came')
  },
}

export const metadata: Cases = { ...bothWays, ...refused, ...bounded }
