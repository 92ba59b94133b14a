/**
 * The systems that are compared, by the name of their file in peers/. Invariant: whatever is in peers/ stands here
 * (systems.test.ts); no peer is imported, so that a wrong name is told before anything is installed.
 */
export interface System {
  readonly title: string
  /** What it holds against a schema, as it is set up here. `types`: a schema decides how bytes are read, and no more. */
  readonly checks: 'both ways' | 'requests' | 'types' | 'nothing'
  /** Whether a server's answer may be a stream; its client says of what. */
  readonly hasStreams?: true
}

export const systems = {
  net: { title: 'bare net echo', checks: 'nothing', hasStreams: true },
  'by-hand': { title: 'frames and msgpackr by hand', checks: 'nothing', hasStreams: true },
  nanowire: { title: 'Nanowire', checks: 'both ways', hasStreams: true },
  grpc: { title: '@grpc/grpc-js', checks: 'types', hasStreams: true },
  connect: { title: 'ConnectRPC, HTTP/2', checks: 'types', hasStreams: true },
  'trpc-http': { title: 'tRPC, HTTP batch', checks: 'requests' },
  'trpc-ws': { title: 'tRPC, WebSocket', checks: 'requests', hasStreams: true },
  nestjs: { title: 'NestJS, TCP', checks: 'nothing', hasStreams: true },
  moleculer: { title: 'Moleculer, TCP', checks: 'requests', hasStreams: true },
  effect: { title: 'Effect RPC, MessagePack', checks: 'both ways', hasStreams: true },
  river: { title: 'River, MessagePack', checks: 'requests', hasStreams: true },
  socketio: { title: 'socket.io', checks: 'nothing' },
  capnweb: { title: "Cap'n Web", checks: 'nothing' },
  fastify: { title: 'Fastify, JSON', checks: 'requests', hasStreams: true },
} as const satisfies Record<string, System>

export type SystemName = keyof typeof systems
/** In the order of the tables. */
export const SYSTEMS = Object.keys(systems) as readonly SystemName[] // its own keys

/** What the ratios are taken to: what somebody would write by hand, and what no protocol could surpass. */
export const BAR: SystemName = 'by-hand'
export const LIMIT: SystemName = 'net'
