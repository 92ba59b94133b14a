/** The contract that the conformance suite calls, for tests of what only some places have. */
export { failureOf } from '../../src/testing/conformance/assert.ts'
export { Gate, Lab, lab, never, untyped } from '../../src/testing/conformance/lab.ts'
