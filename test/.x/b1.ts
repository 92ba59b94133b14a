import { connect, contract, event, serverStream, service } from 'nanowire'
import Type from 'typebox'

const Numbers = contract('numbers', {
  from: serverStream(Type.Object({ start: Type.Integer() }), Type.Integer()),
  drawn: event(Type.Object({ wheel: Type.String(), n: Type.Integer() }), { key: 'wheel' }),
})
const numbers = service(Numbers, {
  *from({ start }) {
    for (let n = start; ; n++) yield n // no further than its caller has room for
  },
})
const { from, drawn } = connect(numbers).client(Numbers) // or connect('tcp://…'), as ever
for await (const n of from({ start: 7 })) if (n === 9) break // leaving cancels: `finally` of the generator runs
const draws = drawn({ wheel: 'red' })
await draws.ready
numbers.publish.drawn({ wheel: 'red', n: 32 })
console.log((await draws.next()).value) // { wheel: 'red', n: 32 }
