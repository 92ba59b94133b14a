/** `nanowire/testing`: what a user's own tests of a contract need (spec/testing.md). Imports the peer `fast-check`. */
export { type ArbitraryOptions, arbitrary } from './arbitrary.ts'
export { type ContractProblem, checkContract } from './check-contract.ts'
export { type ConformanceCase, type ConformanceOptions, conformance } from './conformance/index.ts'
export type { ConformancePlace, HandlerStats, OpenedPlace, PlaceSetting } from './conformance/place.ts'
export type { FaultyConnection } from './faulty/connection.ts'
export type { ConnectionFaults, DirectionName, FaultPlan, Faults } from './faulty/faults.ts'
export { type FaultyLink, type FaultyLinkOptions, faultyLink } from './faulty-link.ts'
export { type FaultyProxy, type FaultyProxyOptions, faultyProxy } from './faulty-proxy.ts'
export { HandClock } from './hand-clock.ts'
export { checkParity, type ParityOptions, type ParityReport, type ParityWire } from './parity/index.ts'
export type { Override } from './plan.ts'
export { checkRoundTrip, type RoundTripOptions, type RoundTripReport } from './round-trip.ts'
export { type FaultKind, faultKinds } from './simulate/plan.ts'
export { simulate } from './simulate/simulate.ts'
export type {
  Invariant,
  SimulateOptions,
  Simulation,
  SimulationFailure,
  SimulationReport,
} from './simulate/simulation.ts'
