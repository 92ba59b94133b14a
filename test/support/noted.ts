/** Services that write down their starts, stops and calls. */
import Type from 'typebox'
import { type Connection, contract, type Service, service, unary } from '../../src/index.ts'

const text = Type.String()
export const contractOf = (name: string) => contract(name, { say: unary(text, text) })

/** A service that writes down its start, its stop and its calls, and uses others. */
export function noted(
  name: string,
  log: string[],
  uses: readonly Service[] = [],
  hooks: { start?: (signal: AbortSignal) => unknown; stop?: () => unknown } = {},
): Service {
  const say = async (request: string, ctx: { uses: Record<string, { say: (text: string) => Promise<string> }> }) => {
    const said = await Promise.all(Object.values(ctx.uses).map((one) => one.say(request)))
    log.push(`call ${name}`)
    return [name, ...said].join('+')
  }
  return service(
    contractOf(name),
    { say: say as never }, // how many others there are is known only when it runs
    {
      uses: Object.fromEntries(uses.map((one) => [one.contract.name, one.contract])),
      async start({ uses: clients, signal }) {
        for (const client of Object.values(clients)) await client['say']?.('start')
        await hooks.start?.(signal)
        log.push(`start ${name}`)
      },
      async stop() {
        await hooks.stop?.()
        log.push(`stop ${name}`)
      },
    },
  )
}

export const sayOf = (wire: Connection, { contract }: Service) =>
  (wire.client(contract) as unknown as { say: (text: string, options?: object) => Promise<string> }).say // each contract here has it

export const lifecycleOf = (log: readonly string[]) => log.filter((line) => !line.startsWith('call'))
