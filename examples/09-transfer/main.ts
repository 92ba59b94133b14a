// A test that a user writes for services of their own: whatever breaks on the way, money is neither made nor lost.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/09-transfer/main.ts
import { NanowireError, type Service } from 'nanowire'
import { type SimulateOptions, type Simulation, simulate } from 'nanowire/testing'
import { Bank, type Disk, idempotent, naive, newDisk } from './services.ts'

/** Each service in a process of its own, two clients, and a world in which all of them may crash. */
function testOf(services: (disk: Disk) => readonly Service[]): SimulateOptions {
  let disk: Disk
  return {
    services({ index, restarts }: Simulation) {
      if (index === 0 && restarts === 0) disk = newDisk() // of each run; every server is given the same
      return services(disk)
    },
    servers: { bank: ['bank'], north: ['savings'], south: ['checking'] },
    clients: 2,
    faults: ['delay', 'reorder', 'cut', 'halfOpen', 'serverCrash', 'clientCrash'],
    seeds: 300,
    async workload(sim) {
      const { transfer } = sim.client(Bank)
      for (let count = 0; count < 2; count++) {
        const id = `${sim.process}, life ${sim.restarts}, transfer ${count}`
        while (!(await transfer.try({ id, cents: 5 })).ok) await sim.sleep(100) // it asks until it is told
      }
    },
    invariants: {
      async 'money is neither made nor lost'(sim) {
        while (!(await sim.client(Bank).finish.try({})).ok) await sim.sleep(100)
        return disk.cents.savings + disk.cents.checking === 200
      },
    },
  }
}

// After a seed or two it says what little it takes to lose money, and tells the story of it, such as:
//
//     seed 2: the invariant "money is neither made nor lost" does not hold
//       again: simulate({ ...options, seed: 2, seeds: 1, faults: ['reorder', 'serverCrash'], faultMs: 269, clients: 2 })
//       its faults: reorder, serverCrash, as short as 37 runs could make it
//       its events:
//         0 ms  call 1 of client2: bank/transfer within 1000 ms
//         3 ms  handler of 1 begins at bank, from client2:2
//         3 ms  call 2 of bank: savings/move within 1000 ms
//         145 ms  handler of 2 begins at north, from bank:3
//         145 ms  handler of 2 ends: ok
//         146 ms  the bank crashes
//         146 ms  call 1 ends: unavailable, maybe
//         236 ms  the bank begins anew
//         246 ms  call 4 of client2: bank/transfer within 1000 ms
//         …
console.log('naive')
try {
  await simulate(testOf(naive))
} catch (error) {
  if (!(error instanceof NanowireError)) throw error
  console.log(error.message)
}

console.log('idempotent')
const { seeds, calls, faults } = await simulate(testOf(idempotent))
const crashes = faults.serverCrash + faults.clientCrash
console.log(`holds in ${seeds} seeds, with ${calls} calls and ${crashes} crashes`)
