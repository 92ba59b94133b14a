/** Cap'n Web over one WebSocket; its messages are JSON, with bytes as base64 by itself. */
import { createServer } from 'node:http'
import { newWebSocketRpcSession, RpcTarget } from 'capnweb'
import { WebSocket, WebSocketServer } from 'ws'
import { listen } from '../shared/net.ts'
import { answer, type Client, type Order, type SmallReply, type SmallRequest } from '../work.ts'

class Bench extends RpcTarget {
  small(request: SmallRequest): SmallReply {
    return answer(request)
  }
  record(order: Order): Order {
    return order
  }
  bytes(bytes: Uint8Array): Uint8Array {
    return bytes
  }
}

type PageSocket = globalThis.WebSocket

// Node 20 has no WebSocket of its own, and Cap'n Web reads the constants of the global one.
Object.assign(globalThis, { WebSocket })

export function serve(): Promise<number> {
  const http = createServer()
  // The socket of ws is near enough to a page's one, as Cap'n Web's own guide has it.
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    newWebSocketRpcSession(socket as unknown as PageSocket, new Bench())
  })
  return listen(http)
}

export async function connect(port: number): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const api = newWebSocketRpcSession<Bench>(socket as unknown as PageSocket) // as above
  return {
    small: async (request) => api.small(request),
    record: async (order) => api.record(order),
    bytes: async (bytes) => api.bytes(bytes),
  }
}
