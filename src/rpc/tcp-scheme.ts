/** `tcp://host:port` as an address, with TLS where the option says so. */
import { misuse } from '../errors.ts'
import { dialTcp, listenTcp, type TcpAddress, tlsDialer } from '../transport/index.ts'
import type { Scheme } from './place.ts'

export const tcpScheme: Scheme = {
  placeOf(url, tls) {
    const address = addressOf(url, 1)
    const dialer = tls && tlsDialer(tls)
    return { url: `tcp://${url.host}`, dial: (context) => dialTcp(address, context, dialer) }
  },
  listen: (url, context, accept) => listenTcp(addressOf(url, 0), context, accept),
}

/** @throws NanowireError `invalid_argument` */
function addressOf(url: URL, minPort: number): TcpAddress {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const extras = [url.username, url.password, url.search, url.hash]
  if (extras.some((extra) => extra !== ''))
    throw misuse('a TCP address has no user, query or fragment; write tcp://host:port')
  if (host === '' || url.port === '' || Number(url.port) < minPort || (url.pathname !== '' && url.pathname !== '/')) {
    throw misuse(
      `${JSON.stringify(url.href)} is no TCP address; write tcp://host:port${minPort === 0 ? ', with port 0 for any that is free' : ''}`,
    )
  }
  return { host, port: Number(url.port) }
}
