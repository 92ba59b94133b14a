export {
  HASH_BYTES,
  MAX_MESSAGE_TEXT,
  metadataEnd,
  ReceivedRequestHead,
  readError,
  readMetadata,
  readRequestHead,
  saidBodyStart,
} from './body.ts'
export { type Codec, codec, decodeBody, decodeItem, encodeBody, encodeInto, itemEnd, passInMemory } from './codec.ts'
export { type Frame, FrameDecoder } from './decode.ts'
export { type DescribedFrame, describeFrames } from './describe.ts'
export type { DescribedField } from './describe-header.ts'
export {
  beginData,
  beginRequest,
  beginResponse,
  type Metadata,
  packError,
  type WireError,
  writeCredit,
  writeEnd,
  writeFragment,
  writeFrame,
  writeGoaway,
  writeItemInPlace,
  writeRequest,
  writeRequestInPlace,
  writeResponse,
  writeResponseInPlace,
} from './encode.ts'
export {
  flags,
  HEADER_BYTES,
  type Kind,
  type KindName,
  kindRules,
  kinds,
  ProtocolError,
  type ProtocolRule,
  weightOf,
} from './frame.ts'
export {
  type Credentials,
  type Hello,
  MAX_CREDENTIALS_BYTES,
  type PeerLimits,
  PROTOCOL_MAJOR,
  packCredentials,
  packHello,
  peerLimitNames,
  readCredentials,
  readHello,
} from './hello.ts'
export { IdTable } from './id-table.ts'
export { pack } from './msgpack.ts'
export { copyBytes, uint32At } from './octets.ts'
export { type Body, BodyRest, isWhole, joinBody } from './pieces.ts'
export { type Assembled, announcedBytes, Reassembler, type TooLarge } from './reassembly.ts'
export { itemsStart, readEnd, readGap, readIncrement, readPriority } from './stream-body.ts'
export { StrictError } from './strict.ts'
export { unpack } from './unpack.ts'
export { appendInPlace, BufferWriter, type FrameWriter, type InPlace } from './writer.ts'
