/** The lead's placeholder until describe.ts, fingerprint.ts, compare.ts and reflection.ts are there: DELETE this file then. */
import Type from 'typebox'
import { type AnyContract, contract } from './contract.ts'
import { unary } from './method.ts'
export interface ContractDescription { readonly nanowire: 1; readonly name: string; readonly methods: Readonly<Record<string, any>> }
export interface MethodVerdict { readonly verdict: 'identical' | 'compatible' | 'breaking'; readonly findings: readonly { pointer: string; reason: string; verdict: 'compatible' | 'breaking' }[] }
const text = (c: AnyContract): string => JSON.stringify(Object.entries(c.methods).map(([k, m]: [string, any]) => [k, m.tag, m.definition]), (_, v) => (typeof v === 'bigint' ? `${v}n` : v))
export function hashOf(c: AnyContract): Uint8Array {
  const out = new Uint8Array(16)
  const t = text(c)
  for (let i = 0; i < t.length; i++) out[i % 16] = (((out[i % 16] ?? 0) * 31) ^ t.charCodeAt(i)) & 255
  return out
}
export function describeContract(c: AnyContract): ContractDescription {
  return { nanowire: 1, name: c.name, methods: Object.fromEntries(Object.entries(c.methods).map(([k, m]: [string, any]) => [k, { kind: m.definition.kind, tag: m.tag, request: m.definition.request, reply: m.definition.reply, errors: m.definition.errors }])) }
}
export const readDescription = (value: unknown): ContractDescription => value as ContractDescription
export function judgeMethods(client: ContractDescription, server: ContractDescription): ReadonlyMap<string, MethodVerdict> {
  return new Map(Object.keys(client.methods).map((k) => [k, { verdict: JSON.stringify(client.methods[k]) === JSON.stringify(server.methods[k]) ? 'identical' : 'compatible', findings: [] }]))
}
export const Reflection = contract('nanowire', { describe: unary(Type.Object({ contract: Type.String({ maxLength: 64 }) }), Type.Unknown()) })
