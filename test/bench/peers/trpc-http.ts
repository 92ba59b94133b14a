/** tRPC over HTTP with its batching link, which sends the calls of one turn as one request. */
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { listen } from '../shared/net.ts'
import { appRouter, clientOf } from '../shared/trpc.ts'
import type { Client } from '../work.ts'

export const serve = (): Promise<number> => listen(createHTTPServer({ router: appRouter }))

export async function connect(port: number): Promise<Client> {
  const link = httpBatchLink({ url: `http://127.0.0.1:${port}` })
  return clientOf(createTRPCClient<typeof appRouter>({ links: [link] }))
}
