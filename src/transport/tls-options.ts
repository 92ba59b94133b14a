/** What a user says about TLS, and what is known of a peer through it (spec/places.md). Plain data; nothing is loaded. */

/** PEM, as text or as bytes. */
export type Pem = string | Uint8Array

/** TLS of a server. */
export interface ServerTls {
  /** The server's certificate, with those between it and its authority behind it. */
  readonly cert: Pem
  /** Its private key. */
  readonly key: Pem
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined
  /** Authorities of clients: each client must show a certificate that one of them signed. Default: none is asked for. */
  readonly clientCa?: Pem | undefined
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
}

/** TLS of a client. The server's certificate is always verified. */
export interface ClientTls {
  /** Authorities of servers. Default: those that come with Node, and of `NODE_EXTRA_CA_CERTS`. */
  readonly ca?: Pem | undefined
  /** This client's certificate, for servers that ask for one, with those between it and its authority behind it. */
  readonly cert?: Pem | undefined
  /** Its private key. */
  readonly key?: Pem | undefined
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string | undefined
}

/** What TLS says of the peer. */
export interface PeerTls {
  /** Whether its certificate was asked for and verified; a peer with a bad one is refused. */
  readonly authorized: boolean
  /** Absent where none was asked for. */
  readonly certificate?: PeerCertificate | undefined
}

/** A certificate, as plain data. */
export interface PeerCertificate {
  /** The common name (CN); empty where there is none. */
  readonly subject: string
  /** All names, each with its kind: `DNS:orders.example`, `URI:spiffe://example/orders`, `IP Address:10.0.0.7`. */
  readonly names: readonly string[]
  /** The common name of who signed it; empty where there is none. */
  readonly issuer: string
  /** Hexadecimal digits, as the issuer gave it. */
  readonly serialNumber: string
  /** SHA-256 of the whole certificate: `AB:CD:…`. */
  readonly fingerprint256: string
  /** As `Date.parse` takes it: `Nov 21 06:56:03 2036 GMT`. */
  readonly validFrom: string
  readonly validTo: string
}
