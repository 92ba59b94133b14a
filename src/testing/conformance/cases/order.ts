/** Many calls at once: each has its own reply, and nobody waits for somebody else. */
import { equal, holds, quiet } from '../assert.ts'
import { feed, listOf } from '../feed.ts'
import { Gate, lab } from '../lab.ts'
import type { Cases } from '../suite.ts'

export const order: Cases = {
  async 'answers many calls at once, each with its own'(t) {
    const { client, counts } = await t.open(
      lab({
        async echo({ text }) {
          if (Number(text) % 3 === 0) await t.turns()
          return { text }
        },
      }),
    )
    const texts = Array.from({ length: 500 }, (_, n) => String(n))
    const got = await Promise.all(texts.map((text) => client.echo({ text })))
    equal(
      got.map(({ text }) => text),
      texts,
      'the replies',
    )
    equal(counts().calls, { 'lab/echo': { ok: 500 } }, 'how the calls ended')
  },

  async 'lets a quick call pass a slow one'(t) {
    const gate = new Gate()
    const { client } = await t.open(
      lab({
        async echo({ text }) {
          if (text === 'slow') await gate.promise
          return { text }
        },
      }),
    )
    const settled: string[] = []
    const slow = quiet(client.echo({ text: 'slow' }).then(({ text }) => settled.push(text)))
    await client.echo({ text: 'quick' }).then(({ text }) => settled.push(text))
    gate.open()
    await slow
    equal(settled, ['quick', 'slow'], 'the order of the replies')
  },

  async 'begins calls in the order in which they are made, notifies among them'(t) {
    const begun: string[] = []
    const { client } = await t.open(
      lab({
        echo(request) {
          begun.push(request.text)
          return request
        },
        note({ line }) {
          begun.push(line)
        },
      }),
    )
    const names = Array.from({ length: 60 }, (_, n) => `${n}`)
    const calls = names.map((name, n): Promise<unknown> => {
      return n % 3 === 1 ? client.note({ line: name }) : client.echo({ text: name })
    })
    await Promise.all(calls)
    await t.until(() => begun.length === names.length, 'all handlers to begin')
    equal(begun, names, 'the order in which handlers began')
  },

  async 'settles calls in the order in which their handlers end'(t) {
    const gates = new Map(['a', 'b', 'c', 'd'].map((name) => [name, new Gate()] as const))
    let begun = 0
    const { client } = await t.open(
      lab({
        async echo({ text }, ctx) {
          begun++
          await gates.get(text)?.promise
          if (text === 'b') throw ctx.error('Banned', { until: 'x' })
          return { text }
        },
      }),
    )
    const settled: string[] = []
    const calls = [...gates.keys()].map((text) => {
      const note = () => settled.push(text)
      return client.echo({ text }).then(note, note)
    })
    await t.until(() => begun === 4, 'all handlers to begin')
    const ends = ['c', 'b', 'd', 'a']
    for (const name of ends) {
      gates.get(name)?.open()
      await t.until(() => settled.includes(name), `the call ${name} to settle`)
    }
    await Promise.all(calls)
    equal(settled, ends, 'the order in which calls settled')
  },

  async 'answers one after the other what is asked one after the other'(t) {
    let sum = 0
    const { client } = await t.open(
      lab({
        async echo({ text }) {
          sum += Number(text)
          await t.turns(sum % 2)
          return { text: `${sum}` }
        },
      }),
    )
    const got: string[] = []
    for (let n = 1; n <= 20; n++) got.push((await client.echo({ text: `${n}` })).text)
    equal(
      got,
      Array.from({ length: 20 }, (_, n) => `${((n + 1) * (n + 2)) / 2}`),
      'the sums',
    )
  },

  async 'does not mix the messages of large calls that are made together'(t) {
    const { client } = await t.open(lab({ echo: ({ text }) => ({ text: `${text}${text[0]}` }) }))
    const letters = ['a', 'b', 'c', 'd', 'e']
    const got = await Promise.all(letters.map((letter) => client.echo({ text: letter.repeat(200_000) })))
    for (const [index, letter] of letters.entries()) {
      holds(got[index]?.text === letter.repeat(200_001), `200,001 times ${letter}, and nothing else`)
    }
  },

  async 'lets a handler call its own place again'(t) {
    const opened = await t.open(
      lab({
        async echo({ text }): Promise<{ text: string }> {
          if (text.length >= 8) return { text }
          return opened.client.echo({ text: `${text}${text.length}` })
        },
      }),
    )
    equal(await opened.client.echo({ text: '' }), { text: '01234567' })
  },

  async 'begins streams and calls in the order in which they are made, also before there is a connection'(t) {
    const begun: string[] = []
    const { client, feed: streams } = await t.open([
      lab({
        echo(request) {
          begun.push(request.text)
          return request
        },
      }),
      feed({
        texts(texts) {
          begun.push(...texts)
          return texts
        },
        async sum(items) {
          begun.push('sum')
          return (await listOf(items)).length
        },
        chat(items) {
          begun.push('chat')
          return items
        },
      }),
    ])
    for (let round = 0; round < 2; round++) {
      begun.length = 0
      const ends: Promise<unknown>[] = [
        client.echo({ text: 'a' }),
        streams.sum([{ n: 1 }]),
        client.echo({ text: 'b' }),
        listOf(streams.texts(['c'])),
        listOf(streams.chat([{ n: 1 }])),
        client.echo({ text: 'd' }),
      ]
      await Promise.all(ends)
      equal(begun, ['a', 'sum', 'b', 'c', 'chat', 'd'], 'the order in which handlers began')
    }
  },
}
