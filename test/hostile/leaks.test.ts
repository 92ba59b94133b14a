/** What may never be sent, whatever goes wrong in a handler: looked for in all bytes that a peer gets. */
import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../support/runs.ts'
import { eachOf, hello, join, methods, open } from './attacks/attack.ts'
import { FAILURES } from './world/handlers.ts'
import { LeakScan } from './world/leaks.ts'
import { HONEST, POISON, SECRET, UNDECLARED } from './world/poison.ts'
import { inWorld } from './world/threats.ts'

const world = inWorld()

/** The code that each failure of a handler has for its caller. */
const codes: Readonly<Record<string, string>> = { ours: 'not_found', undeclared: 'ok', toJSON: 'ok' }

describe('a handler that goes wrong', { timeout: PATIENCE_MS }, () => {
  it.each(FAILURES)('by %s tells its caller nothing but what is meant for it', async (how) => {
    const asked = open(1, methods.fails, { how })
    const assault = await world().attack('open', 1, () => ({ writes: [join(hello(), asked)] }))
    const [peer] = assault.peers
    await assault.until(({ answers }) => Object.keys(answers).length > 0)
    expect(peer?.answers).toEqual({ [codes[how] ?? 'internal']: 1 })
    await world().expectUnharmed(assault, true)
  })
})

describe('memory that is used again', { timeout: PATIENCE_MS }, () => {
  it('shows nothing of other clients, in replies and items of any length', async () => {
    const writes = () =>
      join(
        hello(),
        ...eachOf(300, (id) =>
          id % 2 === 0
            ? open(id, methods.large, 1 + ((id * 977) % 60_000))
            : open(id, methods.count, { count: 1 + (id % 7), bytes: (id * 37) % 1_000 }),
        ),
      )
    const assault = await world().attack('open', 8, () => ({ writes: [writes()], acknowledges: true }))
    await assault.until(({ answers }) => (answers['ok'] ?? 0) + (answers['end'] ?? 0) === 300)
    await world().expectUnharmed(assault)
  })
})

describe('the search itself', () => {
  const found = (...chunks: readonly string[]) => {
    const scan = new LeakScan()
    for (const chunk of chunks) scan.take(Buffer.from(chunk))
    return scan.found
  }

  it.each([
    [SECRET, "the server's secret"],
    [HONEST, "another client's words"],
    [UNDECLARED, 'what nobody declared'],
    [POISON.toString(), 'memory that was never written'],
    ['Error: x\n    at run', 'a stack'],
    [`in ${process.cwd()}/src`, 'the path of a source'],
  ])('finds %s in one piece, and cut anywhere', (text, what) => {
    expect(found(`before ${text} behind`)).toBe(what)
    for (let at = 1; at < text.length; at++)
      expect(found(`before ${text.slice(0, at)}`, `${text.slice(at)} behind`)).toBe(what)
    expect(found(...text)).toBe(what)
  })

  it('finds nothing in what is fine', () => {
    expect(found('the handler failed', ' at once')).toBeUndefined()
  })
})
