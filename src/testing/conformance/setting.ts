/** The options that a place passes on, for who calls and when. */
import type { ConnectOptions, ServeOptions } from '../../rpc/index.ts'
import type { Clock } from '../../session/index.ts'
import type { PlaceSetting } from './place.ts'

/** Who calls. */
export interface Identity {
  /** In memory it is said so; elsewhere credentials are shown that `authenticate` knows. */
  readonly principal?: unknown
  /** Over `principal`; for places where somebody asks. */
  readonly authenticate?: ServeOptions['authenticate']
  readonly credentials?: ConnectOptions['credentials']
}

const TOKEN = 'a token'

export function settingOf(identity: Identity, common: ConnectOptions & { readonly clock: Clock }): PlaceSetting {
  const { clock } = common
  const { principal } = identity
  const knows: ServeOptions['authenticate'] =
    principal === undefined ? undefined : ({ credentials }) => (credentials === TOKEN ? principal : undefined)
  const credentials = identity.credentials ?? (knows ? TOKEN : undefined)
  return {
    clock,
    server: { clock, authenticate: identity.authenticate ?? knows },
    client: { ...common, credentials },
    local: { ...common, principal },
  }
}
