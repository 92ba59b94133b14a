/** What both sides of the comparison carry: a small request and reply, and how a load of them is measured. */
import { contract, service, unary } from 'nanowire'
import Type from 'typebox'

const Request = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  tags: Type.Array(Type.String()),
  score: Type.Number(),
})
const Reply = Type.Object({ id: Type.Integer(), text: Type.String(), ok: Type.Boolean() })

export const Bench = contract('bench', { small: unary(Request, Reply) })

export interface SmallRequest {
  id: number
  name: string
  tags: string[]
  score: number
}

export const answer = ({ id, name }: SmallRequest) => ({ id, text: `Hello, ${name}`, ok: true })
export const bench = service(Bench, { small: answer })

export const requestOf = (id: number): SmallRequest => ({
  id,
  name: 'Ada Lovelace',
  tags: ['first', 'second'],
  score: 0.5,
})

export interface Load {
  readonly inFlight: number
  readonly calls: number
}

export interface Measured {
  readonly callsPerSecond: number
  readonly p50Micros: number
  readonly p99Micros: number
}

/** Keeps `inFlight` calls going until `calls` have ended. */
export async function measure(call: (request: SmallRequest) => Promise<{ id: number }>, load: Load): Promise<Measured> {
  const micros = new Float64Array(load.calls)
  let next = 0
  const worker = async () => {
    while (next < load.calls) {
      const id = next++
      const before = performance.now()
      const reply = await call(requestOf(id))
      micros[id] = 1_000 * (performance.now() - before)
      if (reply.id !== id) throw new Error(`call ${id} got the reply of ${reply.id}`)
    }
  }
  const before = performance.now()
  await Promise.all(Array.from({ length: load.inFlight }, worker))
  const seconds = (performance.now() - before) / 1_000
  micros.sort()
  const at = (share: number) => micros[Math.floor(share * (load.calls - 1))] ?? 0
  return { callsPerSecond: load.calls / seconds, p50Micros: at(0.5), p99Micros: at(0.99) }
}
