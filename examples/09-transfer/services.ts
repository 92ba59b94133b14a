// Two accounts, each a service of its own, and a bank that moves money from one to the other. In two versions.
import { contract, type Service, service, unary } from 'nanowire'
import Type from 'typebox'

const Move = Type.Object({ id: Type.String(), cents: Type.Integer() })
const Balance = Type.Object({ cents: Type.Integer() })

const methods = { move: unary(Move, Balance) }
export const Savings = contract('savings', methods)
export const Checking = contract('checking', methods)

const Transfer = Type.Object({ id: Type.String(), cents: Type.Integer() })

export const Bank = contract('bank', {
  transfer: unary(Transfer, Type.Null(), { timeoutMs: 1_000 }),
  finish: unary(Type.Object({}), Type.Object({ finished: Type.Integer() })),
})

/** What is written to a disk, and there again when a process has crashed. */
export interface Disk {
  readonly cents: { savings: number; checking: number }
  /** Moves that were made. */
  readonly moves: Set<string>
  /** Transfers that have begun, and may not have ended. */
  readonly journal: Map<string, Type.Static<typeof Transfer>>
}

export const newDisk = (): Disk => ({ cents: { savings: 100, checking: 100 }, moves: new Set(), journal: new Map() })

/** Whoever asks twice, because the first answer was lost, moves twice. */
export function naive({ cents }: Disk): readonly Service[] {
  const moveIn = (account: 'savings' | 'checking', move: Type.Static<typeof Move>) => {
    cents[account] += move.cents
    return { cents: cents[account] }
  }
  const savings = service(Savings, { move: (move) => moveIn('savings', move) })
  const checking = service(Checking, { move: (move) => moveIn('checking', move) })
  const bank = service(
    Bank,
    {
      async transfer({ id, cents }, ctx) {
        await ctx.uses.savings.move({ id, cents: -cents })
        await ctx.uses.checking.move({ id, cents }) // and if it is not reached, the money is gone
        return null
      },
      finish: () => ({ finished: 0 }),
    },
    { uses: { savings: Savings, checking: Checking } },
  )
  return [savings, checking, bank]
}

/** A move has a name, and is made once; a transfer is written down before its first move, and crossed out after its last. */
export function idempotent({ cents, moves, journal }: Disk): readonly Service[] {
  const moveOnce = (account: 'savings' | 'checking', move: Type.Static<typeof Move>) => {
    const name = `${account} ${move.id}`
    if (!moves.has(name)) cents[account] += move.cents
    moves.add(name)
    return { cents: cents[account] }
  }
  const savings = service(Savings, { move: (move) => moveOnce('savings', move) })
  const checking = service(Checking, { move: (move) => moveOnce('checking', move) })
  const bank = service(
    Bank,
    {
      async transfer(transfer, ctx) {
        journal.set(transfer.id, transfer)
        const { id, cents } = transfer
        await ctx.uses.savings.move({ id, cents: -cents })
        await ctx.uses.checking.move({ id, cents })
        journal.delete(id)
        return null
      },
      async finish(_, ctx) {
        let finished = 0
        for (const { id, cents } of [...journal.values()]) {
          await ctx.uses.savings.move({ id, cents: -cents })
          await ctx.uses.checking.move({ id, cents })
          journal.delete(id)
          finished++
        }
        return { finished }
      },
    },
    { uses: { savings: Savings, checking: Checking } },
  )
  return [savings, checking, bank]
}
