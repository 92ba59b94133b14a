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
export { type Gate, gateOf } from './gate.ts'
export { childrenOf } from './judge-shape.ts'
export { NegativeZero } from './leaf.ts'
export {
  type ErrorDataOf,
  type Method,
  type MethodOptions,
  type NotifyMethod,
  notify,
  type RequestOf,
  type ResultOf,
  type UnaryMethod,
  type UnaryOptions,
  unary,
} from './method.ts'
export { Misfit } from './misfit.ts'
export { shapeOf } from './read-shape.ts'
export type { Shape } from './shape.ts'
export { requireDistinctTags, tagOf } from './tag.ts'
export { Bytes, type BytesOptions, Timestamp, type TimestampOptions } from './types.ts'
export { checkOf } from './validator.ts'
export { type ContractDescription, describeContract, hashOf, judgeMethods, type MethodVerdict, Reflection, readDescription } from './interim.ts'
