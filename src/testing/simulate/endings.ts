/** When sides close, crash and begin anew: by chance in the midst of things, where the plan says so, and all at the end. */
import type { Chance } from './chance.ts'
import type { Driver } from './driver.ts'
import type { VirtualProcess } from './process.ts'
import { NotServed } from './sides.ts'
import type { ClientSlot, ServerSlot } from './slots.ts'
import { textOf } from './story.ts'
import type { World } from './world.ts'

const DRAIN_MS = 2_000

/** How fast the clock of a process may run. Powers of two, by which times stay exact. */
const RATES = [0.5, 2, 4]

export class Endings {
  readonly #world: World
  readonly #driver: Driver
  readonly #closings: Promise<void>[] = []
  #open = 0
  /** Sides that have closed or crashed, and come again soon. */
  #away = 0
  /** Nothing that was planned begins any more. */
  #isOver = false

  constructor(world: World, driver: Driver) {
    this.#world = world
    this.#driver = driver
  }

  plan(): void {
    const { chance: chances, clients, servers } = this.#world
    const chance = chances.fork('sides')
    if (this.#world.isOn('clientClose')) this.#planClientClose(chance.fork('clientClose'))
    if (this.#world.isOn('serverClose')) this.#planServerClose(chance.fork('serverClose'))
    if (this.#world.isOn('clientCrash')) this.#planClientCrash(chance.fork('clientCrash'))
    if (this.#world.isOn('serverCrash')) this.#planServerCrash(chance.fork('serverCrash'))
    const pauses = chance.fork('pause')
    if (this.#world.isOn('pause')) for (const slot of [...clients, ...servers]) this.#planPause(pauses, slot)
    const jumps = chance.fork('clockJump')
    if (this.#world.isOn('clockJump')) for (const slot of [...clients, ...servers]) this.#planClock(jumps, slot)
  }

  /** The end of a run: all sides close, one after the other or at once. */
  async closeAll(): Promise<void> {
    const { chance: chances, clients, servers, story } = this.#world
    this.#isOver = true
    await this.#driver.until(() => this.#away === 0)
    const chance = chances.fork('close')
    const sides = [...clients, ...servers].map(({ process }) => process)
    if (chance.happens(0.5)) sides.reverse()
    story.tell('both sides close')
    for (const side of sides) {
      this.#add(side, closed(side))
      if (chance.happens(0.5)) await this.#driver.until(() => this.#open === 0)
    }
    await this.#driver.require(() => this.#open === 0, 'closing never ended')
    await this.#driver.wait(Promise.all(this.#closings), 'closing')
  }

  #planClientClose(chance: Chance): void {
    const { clients, story } = this.#world
    const drainMs = chance.between(0, 500)
    const reopenMs = chance.between(0, 100)
    const slot = chance.pick(clients)
    const atMs = this.#drawMoment(chance)
    this.#at(atMs, () => {
      const { outgoing, process } = slot.life
      const host = chance.pick(outgoing.hosts)
      this.#world.injected('clientClose')
      story.tell(`the ${slot.name} closes its connection within ${drainMs} ms`)
      this.#world.drains(drainMs)
      this.#add(process, outgoing.to(host).close({ drainMs }))
      this.#again(reopenMs, () => {
        if (!process.isDead) outgoing.reopen(host)
      })
    })
  }

  #planServerClose(chance: Chance): void {
    const { servers, story } = this.#world
    const drainMs = chance.between(0, 500)
    const againMs = chance.between(0, 200)
    const slot = chance.pick(servers)
    const atMs = this.#drawMoment(chance)
    this.#at(atMs, () => {
      const { process } = slot
      const server = process.servers.at(-1)
      if (!server) return
      this.#world.injected('serverClose')
      story.tell(`the ${slot.name} closes within ${drainMs} ms`)
      this.#world.drains(drainMs)
      this.#add(process, server.close({ drainMs }))
      this.#again(againMs, () => {
        if (process.isDead) return
        story.tell(`another ${slot.name} listens`)
        this.#add(process, slot.serve())
      })
    })
  }

  #planServerCrash(chance: Chance): void {
    const slot = chance.pick(this.#world.servers)
    this.#planCrash(chance, slot, 'serverCrash', () => this.#add(slot.process, slot.serve()))
  }

  #planClientCrash(chance: Chance): void {
    this.#planCrash(chance, chance.pick(this.#world.clients), 'clientCrash', () => {})
  }

  /** Those that it was connected to hear of it at once, soon, or never. */
  #planCrash(
    chance: Chance,
    slot: ClientSlot | ServerSlot,
    kind: 'serverCrash' | 'clientCrash',
    act: () => void,
  ): void {
    const { story } = this.#world
    const toldMs = chance.pick([0, 0, chance.between(0, 1_000), Number.POSITIVE_INFINITY])
    const againMs = chance.between(0, 400)
    const atMs = this.#drawMoment(chance)
    this.#at(atMs, () => {
      if ('isDone' in slot && slot.isDone) return
      this.#world.injected(kind)
      story.tell(`the ${slot.name} crashes`)
      this.#world.kill(slot.process, toldMs)
      this.#again(againMs, () => {
        story.tell(`the ${slot.name} begins anew`)
        startAgain(slot)
        act()
      })
    })
  }

  #planPause(chance: Chance, slot: ClientSlot | ServerSlot): void {
    const { clock, injected, story } = this.#world
    const happens = chance.happens(0.5)
    const pauseMs = Math.floor(chance.random() ** 2 * 2_000)
    const atMs = this.#drawMoment(chance)
    if (!happens) return
    this.#at(atMs, () => {
      const { process } = slot
      if (process.isDead) return
      injected('pause')
      story.tell(`the ${slot.name} is stopped for ${pauseMs} ms`)
      this.#world.pause(process)
      clock.after(pauseMs, () => this.#world.resume(process))
    })
  }

  #planClock(chance: Chance, slot: ClientSlot | ServerSlot): void {
    const { injected, story } = this.#world
    const happens = chance.happens(0.6)
    const leapMs = chance.happens(0.5) ? Math.floor(chance.random() ** 3 * 60_000) : 0
    const rate = chance.happens(0.5) ? chance.pick(RATES) : 1
    const dayMs = chance.between(-86_400_000, 86_400_000)
    const atMs = this.#drawMoment(chance)
    if (!happens) return
    this.#at(atMs, () => {
      const { process } = slot
      if (process.isDead) return
      injected('clockJump')
      story.tell(
        `the clock of the ${slot.name} leaps by ${leapMs} ms, its day by ${dayMs} ms, and runs ${rate} times as fast`,
      )
      process.dayMs += dayMs
      process.clock.leap(leapMs)
      process.clock.run(rate)
    })
  }

  #drawMoment(chance: Chance): number {
    return chance.between(0, this.#world.plan.faultMs)
  }

  /** While things go wrong. */
  #at(atMs: number, act: () => void): void {
    this.#world.clock.after(atMs, () => {
      if (!this.#isOver && this.#world.isFaulty) act()
    })
  }

  #again(ms: number, act: () => void): void {
    this.#away++
    this.#world.clock.after(ms, () => {
      this.#away--
      act()
    })
  }

  /** Something that ends, or its process does. */
  #add(process: VirtualProcess, closing: Promise<void>): void {
    this.#open++
    const ended = Promise.race([closing, process.death]).finally(() => {
      this.#open--
    })
    ended.catch(() => {}) // it is waited for at the end of the run
    this.#closings.push(ended)
  }
}

/** @throws NotServed with what the services threw that were to be made anew */
function startAgain(slot: ClientSlot | ServerSlot): void {
  try {
    slot.start()
  } catch (cause) {
    throw new NotServed(`making the services anew failed: ${textOf(cause)}`, { cause })
  }
}

/** A process ends by itself: what it serves first, then what it calls. */
async function closed({ connections, servers }: VirtualProcess): Promise<void> {
  await Promise.all(servers.map((server) => server.close({ drainMs: DRAIN_MS })))
  await Promise.all(connections.map((connection) => connection.close({ drainMs: DRAIN_MS })))
}
