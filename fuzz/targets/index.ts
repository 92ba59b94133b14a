/** The targets by name. Each is loaded when it is asked for, so that a fault in one of them leaves the others alone. */
import type { Target } from '../target.ts'

const loaders = {
  bodies: async () => (await import('./bodies.ts')).bodies,
  codecs: async () => (await import('./codecs.ts')).codecs,
  decode: async () => (await import('./decode.ts')).decode,
  frames: async () => (await import('./frames.ts')).frames,
  msgpack: async () => (await import('./msgpack.ts')).msgpack,
  hello: async () => (await import('./hello.ts')).hello,
  schemas: async () => (await import('./schemas.ts')).schemas,
  'session-client': async () => (await import('./session-client.ts')).sessionClient,
  'session-server': async () => (await import('./session-server.ts')).sessionServer,
} satisfies Record<string, () => Promise<Target>>

export type TargetName = keyof typeof loaders

export const targetNames = Object.keys(loaders) as TargetName[] // its own keys

export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(loaders, name)
}

export function loadTarget(name: TargetName): Promise<Target> {
  return loaders[name]()
}
