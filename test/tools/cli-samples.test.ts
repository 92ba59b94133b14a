/** What spec/cli.md shows of `describe`, `diff` and `decode` is what they print. */
import { readFileSync } from 'node:fs'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract, notify, Timestamp, unary } from '../../src/index.ts'
import { FakeIo, runCommand } from './fake-io.ts'

const Item = Type.Object({ item: Type.String() })
const Price = Type.Object({ amount: Type.Integer(), currency: Type.Enum(['EUR', 'USD']) })

/** The sample of `describe`. */
const Shop = contract('shop', {
  price: unary(Type.Object({ item: Type.String({ minLength: 1 }), discount: Type.Optional(Type.Number()) }), Price, {
    errors: { Gone: Type.Object({ since: Timestamp() }) },
    idempotent: true,
    timeoutMs: 500,
  }),
  ring: notify(Type.Object({ times: Type.Integer() }), { deprecated: 'use price' }),
})

/** The samples of `diff`. */
const Nothing = Type.Null()
const Before = contract('shop', { order: unary(Item, Type.Boolean()), ping: unary(Nothing, Nothing) })
const After = contract('shop', {
  order: unary(Type.Object({ item: Type.String(), pieces: Type.Integer() }), Type.Boolean()),
  ping: unary(Nothing, Nothing),
  later: unary(Nothing, Nothing),
})

/** The output under a command in the chapter. */
function sampleOf(command: string): string {
  const chapter = readFileSync('spec/cli.md', 'utf8')
  const begin = chapter.indexOf(`$ nanowire ${command}`)
  expect(begin).toBeGreaterThan(0)
  return chapter.slice(chapter.indexOf('\n', begin) + 1, chapter.indexOf('\n```', begin))
}

it.each([
  ['describe tcp:', ['describe', './shop.js']],
  ['diff ', ['diff', './before.js', './after.js']],
  ['decode ', ['decode', '00 00 08 0a 00 00000000 0102030405060708']],
])('%s prints what its sample says', async (command, argv) => {
  const io = new FakeIo({ './shop.js': { Shop }, './before.js': { Before }, './after.js': { After } })
  expect((await runCommand(argv, io)).out).toBe(sampleOf(command))
})
