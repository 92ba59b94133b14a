/** `nanowire`: contracts, services, and the places where they live. The table of address schemes is put together here. */
import { appWith } from './place/index.ts'
import { connectWith, type Schemes, serveEarlyWith, serveWith } from './rpc/index.ts'
import { memoryPair } from './transport/memory.ts'

const schemes: Schemes = {
  tcp: {
    form: 'tcp://host:port',
    takesTls: true,
    load: async () => (await import('./rpc/tcp-scheme.ts')).tcpScheme,
  },
  unix: {
    form: 'unix:/path',
    takesTls: false,
    load: async () => (await import('./rpc/unix-scheme.ts')).unixScheme,
  },
}

/**
 * Connects to services: an address, or services in this process. Returns at once; the first call connects.
 * @throws NanowireError `invalid_argument` for an unknown option or what is no place
 * @example `const { hello } = connect('tcp://127.0.0.1:7000').client(Greeter)`
 */
export const connect = connectWith(schemes, memoryPair)

/**
 * Serves a router, a service or a list of services at an address.
 * @throws NanowireError `invalid_argument` for a bad address or option, `unavailable` when the address cannot be had
 * @example `const server = await serve(greeter, 'tcp://127.0.0.1:0')`
 */
export const serve = serveWith(schemes)

/**
 * Puts services together that use each other, and says where each is: elsewhere as `places` says, or in this process. They
 * start with the first call, or with `ready()`.
 * @throws NanowireError `invalid_argument` for what is missing, in a circle, or named and not there
 * @example
 * ```ts
 * const shop = app([orders, users, billing], { places: { billing: 'tcp://billing:7000' } })
 * const { place } = shop.client(Orders)
 * ```
 */
export const app = appWith({ connect, serve: serveEarlyWith(schemes) })

export {
  type AnyContract,
  type BidiStreamMethod,
  Bytes,
  type BytesOptions,
  bidiStream,
  type ClientStreamMethod,
  type Contract,
  type ContractDescription,
  type ContractDiff,
  clientStream,
  contract,
  describeContract,
  diffContracts,
  type ErrorOf,
  type EventMethod,
  type EventOptions,
  type EventSlowPolicy,
  event,
  type Finding,
  type MessageOf,
  type MethodDescription,
  type MethodErrorOf,
  type MethodOptions,
  type MethodRef,
  type MethodVerdict,
  type NotifyMethod,
  notify,
  type ReplyOf,
  readDescription,
  type ServerStreamMethod,
  type SlowOption,
  type SlowPolicy,
  type StreamOptions,
  serverStream,
  Timestamp,
  type TimestampOptions,
  type UnaryMethod,
  type UnaryOptions,
  unary,
} from './contract/index.ts'
export { NanowireError, type NanowireErrorOptions, type Processed, type StatusCode, statusCodes } from './errors.ts'
export { defaultLimits, type LimitName, type LimitOptions, type Limits } from './limits.ts'
export type { App, AppOptions, AppPlace, AppServeOptions } from './place/index.ts'
export {
  type AnyClient,
  type Authenticate,
  type AuthenticateRequest,
  type Authorize,
  type CallClient,
  type CallCounts,
  type CallDiagnostic,
  type CallOptions,
  type ClientCall,
  type ClientMiddleware,
  type ClientOf,
  type ClientsOf,
  type ClientTls,
  type CloseOptions,
  type Connection,
  type ConnectionDiagnostic,
  type ConnectionStats,
  type ConnectOptions,
  type Context,
  type CredentialsSource,
  type DiagnosticMessages,
  type DispatchOptions,
  type EventClient,
  type GivenUses,
  type HandlerOf,
  type HandlersOf,
  type ItemStream,
  type Iterated,
  type LimitDiagnostic,
  type Listener,
  type Logger,
  type MetadataReader,
  type MetadataWriter,
  type MethodClient,
  type NoClients,
  type OpenLink,
  type PeerCertificate,
  type PeerTls,
  type Pem,
  type Place,
  type PlaceContext,
  type Provider,
  type PublishersOf,
  type Result,
  type Routable,
  type Router,
  type RouterOptions,
  router,
  type ServeOptions,
  type Server,
  type ServerCall,
  type ServerMiddleware,
  type ServerStats,
  type ServerTls,
  type Service,
  type ServiceOptions,
  type SlowOf,
  type StartContext,
  type StreamClient,
  type Subscription,
  service,
  stub,
  type Uses,
  type ViolationDiagnostic,
} from './rpc/index.ts'
export { type Clock, systemClock } from './session/index.ts'
export type { Credentials } from './wire/index.ts'
