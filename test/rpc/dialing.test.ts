/** A connection that is closed while it is being made: `drainMs` bounds that too (spec/places.md). */
import { describe, expect, it } from 'vitest'
import { connect, type Place } from '../../src/index.ts'
import { resolveLimits } from '../../src/limits.ts'
import { memoryPair } from '../../src/transport/index.ts'
import { HandClock, nextTurn } from '../support/hand-clock.ts'
import { Users } from '../support/shop.ts'

/** A place whose dial ends when the test says so. */
function slowPlace() {
  const clock = new HandClock()
  const limits = resolveLimits({})
  const { client: link } = memoryPair({ clock, limits: { client: limits, server: limits } })
  let arrive = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const destroyed: string[] = []
  const place: Place = {
    url: 'slow:',
    async dial() {
      await arrived
      link.destroy = () => void destroyed.push('link')
      return link
    },
  }
  return { clock, place, arrive, destroyed }
}

describe('a connection that is closed while it dials', () => {
  it('waits for the dial as long as it drains, then loses the calls that wait', async () => {
    const { clock, place, arrive, destroyed } = slowPlace()
    const wire = connect(place, { clock })
    const call = wire.client(Users).get.try({ id: '1' }, { timeoutMs: Number.POSITIVE_INFINITY })
    let isClosed = false
    const closing = wire.close({ drainMs: 100 }).then(() => {
      isClosed = true
    })
    await nextTurn()
    clock.advance(99)
    await nextTurn()
    expect([isClosed, wire.stats().waiting, clock.timers]).toEqual([false, 1, 1])
    clock.advance(1)
    await closing
    expect(await call).toMatchObject({ ok: false, error: { code: 'unavailable', processed: 'no' } })
    arrive()
    await nextTurn()
    expect([destroyed, wire.stats().connections, clock.timers]).toEqual([['link'], 0, 0])
  })

  it('dials no more where its credentials come too late', async () => {
    const { clock, place, destroyed } = slowPlace()
    let dials = 0
    let tell = (_: string): void => {}
    const credentials = () => new Promise<string>((resolve) => (tell = resolve))
    const counting: Place = {
      url: place.url,
      dial(context) {
        dials++
        return place.dial(context)
      },
    }
    const wire = connect(counting, { clock, credentials })
    const call = wire.client(Users).get.try({ id: '1' })
    await nextTurn()
    const closing = wire.close({ drainMs: 50 })
    clock.advance(50)
    await closing
    expect(await call).toMatchObject({ ok: false, error: { code: 'unavailable', processed: 'no' } })
    await nextTurn()
    expect(clock.timers).toBe(0)
    tell('late')
    await nextTurn()
    expect([dials, destroyed]).toEqual([0, []])
  })
})
