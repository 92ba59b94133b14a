/** The doors of the attacked process, by name: what both ends of it have to know. */
export const DOORS = ['open', 'small', 'guarded', 'tls', 'asking', 'hasty', 'hastyGuarded', 'hastyTls'] as const
/** What Nanowire serves. */
export type Door = (typeof DOORS)[number]
/** And beside it two that throw away what they read, without TLS and with it. */
export type Ports = Readonly<Record<Door | 'bare' | 'bareTls', number>>

/** So many connections has the small one. */
export const SMALL_DOOR = 200
