/** `nanowire/testing`: what a user's own tests of a contract need (spec/testing.md). Imports the peer `fast-check`. */
export { type ArbitraryOptions, arbitrary } from './arbitrary.ts'
export { type ContractProblem, checkContract } from './check-contract.ts'
export type { Override } from './plan.ts'
export { checkRoundTrip, type RoundTripOptions, type RoundTripReport } from './round-trip.ts'
