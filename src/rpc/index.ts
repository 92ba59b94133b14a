export { onAbort } from './abort.ts'
export type { Authenticate, AuthenticateRequest, CredentialsSource } from './authenticate.ts'
export type { CallOptions } from './call.ts'
export type {
  CallClient,
  ClientOf,
  EventClient,
  Iterated,
  MethodClient,
  Result,
  StreamClient,
} from './client.ts'
export { type Connect, type ConnectOptions, connectWith } from './connect.ts'
export type { CloseOptions, Connection, ConnectionStats } from './connection.ts'
export type { Context, MetadataReader, MetadataWriter, NoClients } from './context.ts'
export type { CallCounts } from './counters.ts'
export type {
  CallDiagnostic,
  ConnectionDiagnostic,
  DiagnosticMessages,
  LimitDiagnostic,
  ViolationDiagnostic,
} from './diagnostics.ts'
export type { ItemStream } from './item-stream.ts'
export type { Logger } from './log.ts'
export type { Authorize, ClientCall, ClientMiddleware, ServerCall, ServerMiddleware } from './middleware.ts'
export { didYouMean, distanceBetween } from './nearest.ts'
export { drainMsOf, requireOptions } from './options.ts'
export { peerContracts, readyFor } from './peer-contracts.ts'
export {
  type ClientTls,
  isPlace,
  type Listener,
  type OpenLink,
  type PeerCertificate,
  type PeerTls,
  type Pem,
  type Place,
  type PlaceContext,
  type Schemes,
  type ServerTls,
} from './place.ts'
export { circleError } from './provide.ts'
export type { AnyClient, DispatchOptions, GivenUses, Provider, Routable, Route, Router } from './route.ts'
export { type RouterOptions, router } from './router.ts'
export { type ServeEarly, type ServeOptions, serveEarlyWith, serveWith } from './serve.ts'
export type { Server, ServerStats } from './server.ts'
export {
  type ClientsOf,
  type HandlerOf,
  type HandlersOf,
  isContract,
  isService,
  type PublishersOf,
  type Service,
  type ServiceOptions,
  type SlowOf,
  type StartContext,
  service,
  type Uses,
} from './service.ts'
export { stub } from './stub.ts'
export type { Subscription } from './subscription.ts'
