/**
 * Counts what crosses the sockets of this process, for all systems alike: HTTP, WebSockets and frames all end in
 * `net.Socket`. Invariant: only connecting is watched, no call pays for it.
 */
import { subscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

/** @returns the bytes that all sockets have read and written so far, those that have closed included */
export function countSockets(): () => number {
  const open = new Set<Socket>()
  let closed = 0
  const watch = (socket: Socket) => {
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      closed += socket.bytesRead + socket.bytesWritten
    })
  }
  // No channel tells of a `new Socket().connect()`, so the method is wrapped.
  const connect = Socket.prototype.connect
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    watch(this)
    return Reflect.apply(connect, this, args)
  }
  subscribe('net.server.socket', (message) => watch((message as { socket: Socket }).socket)) // as Node's docs say
  return () => [...open].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, closed)
}
