/** `nanowire/codec`: values and frames as bytes, without a connection. */
import { BufferWriter, type Frame, kinds, writeFrame } from './wire/index.ts'

export {
  type Codec,
  codec,
  type Frame,
  FrameDecoder,
  flags,
  HEADER_BYTES,
  type Kind,
  type KindName,
  kinds,
  ProtocolError,
  type ProtocolRule,
} from './wire/index.ts'

const knownKinds: ReadonlySet<number> = new Set(Object.values(kinds))

/**
 * One frame as bytes: nine bytes of header, then the body as it is. What a kind's body holds is in spec/protocol.md.
 * @throws RangeError for a kind, flags, id or length that a header cannot say
 */
export function encodeFrame(frame: Frame): Uint8Array {
  const { kind, flags, id, body } = frame
  if (!knownKinds.has(kind)) throw new RangeError(`there is no frame kind ${kind}`)
  if (!Number.isInteger(flags) || flags < 0 || flags > 0xff) throw new RangeError(`flags are one byte, not ${flags}`)
  if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff) throw new RangeError(`an id is a 32-bit number, not ${id}`)
  if (body.length > 0xff_ffff) throw new RangeError(`a frame's body has at most 16777215 bytes, not ${body.length}`)
  const writer = new BufferWriter(9 + body.length)
  writeFrame(writer, kind, flags, id, body)
  return writer.bytes()
}
