/** When each side closes: by chance in the midst of things, where the plan says so, and both at the end. */
import type { Chance } from './chance.ts'
import type { Driver } from './driver.ts'
import type { World } from './world.ts'

const DRAIN_MS = 2_000

export class Endings {
  readonly #world: World
  readonly #driver: Driver
  readonly #closings: Promise<void>[] = []
  #open = 0
  /** Sides that have closed, and come again soon. */
  #away = 0
  /** Nothing that was planned begins any more. */
  #isOver = false

  constructor(world: World, driver: Driver) {
    this.#world = world
    this.#driver = driver
  }

  plan(): void {
    const chance = this.#world.chance.fork('sides')
    if (this.#world.isOn('clientClose')) this.#planClient(chance)
    if (this.#world.isOn('serverClose')) this.#planServer(chance)
  }

  /** The end of a run: both sides close, one first or both at once. */
  async closeBoth(): Promise<void> {
    const { chance: chances, clientSide, serverSide, story } = this.#world
    this.#isOver = true
    await this.#driver.until(() => this.#away === 0)
    const chance = chances.fork('close')
    const sides = [clientSide.current, serverSide.current]
    if (chance.happens(0.5)) sides.reverse()
    story.tell('both sides close')
    for (const side of sides) {
      this.#add(side?.close({ drainMs: DRAIN_MS }))
      if (chance.happens(0.5)) await this.#driver.until(() => this.#open === 0)
    }
    await this.#driver.require(() => this.#open === 0, 'closing never ended')
    await this.#driver.wait(Promise.all(this.#closings), 'closing')
  }

  #planClient(chance: Chance): void {
    const { clientSide, clock, injected, plan, story } = this.#world
    const drainMs = chance.between(0, 500)
    const reopenMs = chance.between(0, 100)
    clock.after(chance.between(0, plan.faultMs), () => {
      if (this.#isOver) return
      injected('clientClose')
      story.tell(`the client closes its connection within ${drainMs} ms`)
      this.#add(clientSide.current.close({ drainMs }))
      this.#again(reopenMs, () => clientSide.reopen())
    })
  }

  #planServer(chance: Chance): void {
    const { clock, injected, plan, serverSide, story } = this.#world
    const drainMs = chance.between(0, 500)
    const againMs = chance.between(0, 200)
    clock.after(chance.between(0, plan.faultMs), () => {
      if (this.#isOver) return
      injected('serverClose')
      story.tell(`the server closes within ${drainMs} ms`)
      this.#add(serverSide.current?.close({ drainMs }))
      this.#again(againMs, () => {
        story.tell('another server listens')
        this.#add(serverSide.serve())
      })
    })
  }

  #again(ms: number, act: () => void): void {
    this.#away++
    this.#world.clock.after(ms, () => {
      this.#away--
      act()
    })
  }

  #add(closing: Promise<void> | undefined): void {
    if (!closing) return
    this.#open++
    const ended = closing.finally(() => {
      this.#open--
    })
    ended.catch(() => {}) // it is waited for at the end of the run
    this.#closings.push(ended)
  }
}
