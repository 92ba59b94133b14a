/** tRPC over one WebSocket. */
import { createServer } from 'node:http'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { listen } from '../shared/net.ts'
import { appRouter, clientOf } from '../shared/trpc.ts'
import type { Client, SmallReply } from '../work.ts'

export function serve(): Promise<number> {
  const server = createServer()
  applyWSSHandler({ wss: new WebSocketServer({ server }), router: appRouter })
  return listen(server)
}

export async function connect(port: number): Promise<Client> {
  // ws has what tRPC uses of a page's WebSocket.
  const WebSocketOfPage = WebSocket as unknown as typeof globalThis.WebSocket
  const client = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocketOfPage })
  const trpc = createTRPCClient<typeof appRouter>({ links: [wsLink({ client })] })
  const pushItems = (count: number, onData: (item: SmallReply) => void) =>
    new Promise<void>((resolve, onError) => trpc.items.subscribe(count, { onData, onError, onComplete: resolve }))
  return { ...clientOf(trpc), streams: { pushItems } }
}
