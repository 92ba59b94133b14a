/** The contract by which a server tells what its contracts are (spec/compatibility.md, chapter "Reflection"). */
import Type from 'typebox'
import { defineContract } from './contract.ts'
import { unary } from './make-method.ts'

/** Listed in a server's HELLO where the server tells. A reply is what `readDescription` takes. */
export const Reflection = defineContract('nanowire', {
  describe: unary(Type.Object({ contract: Type.String({ maxLength: 64 }) }), Type.Unknown(), {
    description: 'The description of a contract by its name; not_found where there is none.',
    idempotent: true,
  }),
})
