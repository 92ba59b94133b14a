// One service in two places. Only the line with `connect` differs.
import { connect, serve } from 'nanowire'
import { Greeter, greeter } from './greeter.ts'

const server = await serve(greeter, 'tcp://127.0.0.1:0')
process.once('SIGTERM', () => void server.close())

for (const wire of [connect(greeter), connect(server.url)]) {
  const { hello, log } = wire.client(Greeter)
  console.log(await hello({ name: 'Ada' }))
  const refused = await hello.try({ name: 'Mallory' })
  if (!refused.ok && refused.error.code === 'Banned') console.log('banned until', refused.error.data.until)
  await log({ line: 'said hello' })
  await wire.close()
}
await server.close()
