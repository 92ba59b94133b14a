export { type ContractDiff, diffContracts, type Finding, judgeMethods, type MethodVerdict } from './compare.ts'
export {
  type AnyContract,
  type Contract,
  contract,
  contractOf,
  type ErrorOf,
  type MessageOf,
  type MethodErrorOf,
  type MethodRef,
  type Methods,
  type ReplyOf,
} from './contract.ts'
export { type ContractDescription, describeContract, type MethodDescription } from './describe.ts'
export { hashOf, hashOfDescription } from './fingerprint.ts'
export { type Gate, gateOf } from './gate.ts'
export { annotations, type JsonSchema, type JsonValue } from './json-schema.ts'
export { childrenOf } from './judge-shape.ts'
export { NegativeZero } from './leaf.ts'
export { learnContract } from './learn.ts'
export { bidiStream, clientStream, event, notify, serverStream, unary } from './make-method.ts'
export {
  type BidiStreamMethod,
  type ClientStreamMethod,
  type ErrorDataOf,
  type EventMethod,
  type EventOptions,
  isMethodKind,
  type Method,
  type MethodKind,
  type MethodOptions,
  type NotifyMethod,
  type RequestOf,
  type ResultOf,
  type ServerStreamMethod,
  type StreamOptions,
  type UnaryMethod,
  type UnaryOptions,
} from './method.ts'
export { Misfit } from './misfit.ts'
export { readDescription } from './read-description.ts'
export { shapeOf } from './read-shape.ts'
export { Reflection } from './reflection.ts'
export type { Shape } from './shape.ts'
export { type EventSlowPolicy, readSlow, type SlowOption, type SlowPolicy, type SlowRule } from './slow.ts'
export { isContractName, requireDistinctTags, tagOf } from './tag.ts'
export { Bytes, type BytesOptions, isOwnRefinement, Timestamp, type TimestampOptions } from './types.ts'
export { checkOf, isLearned } from './validator.ts'
