/** `nanowire`: contracts, services, and the places where they live. The table of address schemes is put together here. */
import { connectWith, type Schemes, serveWith } from './rpc/index.ts'
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

export {
  type AnyContract,
  Bytes,
  type BytesOptions,
  type Contract,
  contract,
  type ErrorOf,
  type MessageOf,
  type MethodErrorOf,
  type MethodOptions,
  type MethodRef,
  type NotifyMethod,
  notify,
  type ReplyOf,
  Timestamp,
  type TimestampOptions,
  type UnaryMethod,
  type UnaryOptions,
  unary,
} from './contract/index.ts'
export { NanowireError, type NanowireErrorOptions, type Processed, type StatusCode, statusCodes } from './errors.ts'
export { defaultLimits, type LimitName, type LimitOptions, type Limits } from './limits.ts'
export {
  type Authenticate,
  type AuthenticateRequest,
  type Authorize,
  type CallCounts,
  type CallOptions,
  type ClientCall,
  type ClientMiddleware,
  type ClientOf,
  type ClientTls,
  type CloseOptions,
  type Connection,
  type ConnectionStats,
  type ConnectOptions,
  type Context,
  type CredentialsSource,
  type DispatchOptions,
  type HandlerOf,
  type HandlersOf,
  type Listener,
  type Logger,
  type MetadataReader,
  type MetadataWriter,
  type MethodClient,
  type OpenLink,
  type PeerCertificate,
  type PeerTls,
  type Pem,
  type Place,
  type PlaceContext,
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
  service,
  stub,
} from './rpc/index.ts'
export { type Clock, systemClock } from './session/index.ts'
export type { Credentials } from './wire/index.ts'
