/** One side of one system, in a process of its own: `server`, which prints its port, or `client`, which takes loads. */
import { createInterface } from 'node:readline'
import { connect, serve } from 'nanowire'
import { connectByHand, serveByHand } from './by-hand.ts'
import { Bench, bench, type Load, measure } from './work.ts'

const [side, system, port] = process.argv.slice(2)

if (side === 'server') {
  const taken =
    system === 'by hand' ? await serveByHand() : Number(new URL((await serve(bench, 'tcp://127.0.0.1:0')).url).port)
  console.log(taken)
} else {
  const small =
    system === 'by hand' ? connectByHand(Number(port)) : connect(`tcp://127.0.0.1:${port}`).client(Bench).small
  console.log('ready')
  for await (const line of createInterface(process.stdin)) {
    const load = JSON.parse(line) as Load // the other process is ours
    console.log(JSON.stringify(await measure(small, load)))
  }
  process.exit()
}
