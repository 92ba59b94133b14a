/** Which frames a side takes, and when (spec/protocol.md, P7, P9; spec/session.md, "States"). */
import { type FrameDecoder, type Kind, kinds, ProtocolError } from '../wire/index.ts'
import type { Role } from './options.ts'
import type { State } from './state.ts'

/** Who takes which kinds. */
const takers: Readonly<Partial<Record<Kind, Role | 'both'>>> = {
  [kinds.HELLO]: 'both',
  [kinds.AUTH]: 'server',
  [kinds.REQUEST]: 'server',
  [kinds.CANCEL]: 'server',
  [kinds.PRIORITY]: 'server',
  [kinds.RESPONSE]: 'client',
  [kinds.GOAWAY]: 'client',
  [kinds.DATA]: 'both',
  [kinds.END]: 'both',
  [kinds.CREDIT]: 'both',
  [kinds.ERROR]: 'both',
  [kinds.PING]: 'both',
  [kinds.PONG]: 'both',
}

/** An ERROR with the id 0 ends the connection, and may come first. */
export function isConnectionError({ kind, id }: FrameDecoder): boolean {
  return kind === kinds.ERROR && id === 0
}

/** @throws ProtocolError `frame_order` */
export function requireOrder(frame: FrameDecoder, role: Role, state: State['name']): void {
  const { kind } = frame
  if (isConnectionError(frame)) return
  if (takers[kind] !== role && takers[kind] !== 'both') {
    throw new ProtocolError('frame_order', `a frame of kind ${kind}, which a ${role} does not take`)
  }
  if (state === 'opening' && kind !== kinds.HELLO) throw new ProtocolError('frame_order', 'a frame before the HELLO')
}
