export type { Authenticate, AuthenticateRequest, CredentialsSource } from './authenticate.ts'
export type { CallOptions } from './call.ts'
export type { ClientOf, MethodClient, Result } from './client.ts'
export { type ConnectOptions, connectWith } from './connect.ts'
export type { CloseOptions, Connection, ConnectionStats } from './connection.ts'
export type { Context, MetadataReader, MetadataWriter } from './context.ts'
export type { CallCounts } from './counters.ts'
export type { Logger } from './log.ts'
export type { Authorize, ClientCall, ClientMiddleware, ServerCall, ServerMiddleware } from './middleware.ts'
export type {
  ClientTls,
  Listener,
  OpenLink,
  PeerCertificate,
  PeerTls,
  Pem,
  Place,
  PlaceContext,
  Schemes,
  ServerTls,
} from './place.ts'
export type { DispatchOptions, Router } from './route.ts'
export { type Routable, type RouterOptions, router } from './router.ts'
export { type ServeOptions, type Server, type ServerStats, serveWith } from './server.ts'
export { type HandlerOf, type HandlersOf, type Service, service } from './service.ts'
export { stub } from './stub.ts'
