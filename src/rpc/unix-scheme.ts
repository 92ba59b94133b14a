/** `unix:/path` as an address. */
import { misuse } from '../errors.ts'
import { dialUnix, listenUnix, type UnixAddress } from '../transport/index.ts'
import type { Scheme } from './place.ts'

export const unixScheme: Scheme = {
  placeOf(url) {
    const address = addressOf(url)
    return { url: address.url, dial: (context) => dialUnix(address, context) }
  },
  listen: async (url, context, accept) => await listenUnix(addressOf(url), context, accept),
}

/** @throws NanowireError `invalid_argument` */
function addressOf({ href, host, pathname, search, hash }: URL): UnixAddress {
  if (search !== '' || hash !== '') throw misuse(`in ${href} write ? as %3F and # as %23, if they belong to the path`)
  if (host !== '' || !pathname.startsWith('/') || pathname.endsWith('/')) {
    throw misuse(`${JSON.stringify(href)} is no address of a unix socket; write unix:/absolute/path`)
  }
  return { path: decode(href, pathname), url: `unix:${pathname}` }
}

function decode(href: string, pathname: string): string {
  try {
    const path = decodeURIComponent(pathname)
    if (!path.includes('\0')) return path
  } catch {
    // Said below.
  }
  throw misuse(`${JSON.stringify(href)} is no address of a unix socket: what follows a % in it is no UTF-8 text`)
}
