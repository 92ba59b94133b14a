/** `nanowire describe`: contracts as people read them, or saved for later (spec/cli.md). */
import type { JsonSchema, MethodDescription } from '../contract/index.ts'
import type { Io } from './io.ts'
import { escapeControls, jsonText } from './print.ts'
import { type DescribedContract, requireSavable, savedForm, writeSavedFile } from './saved.ts'
import { readSource, type SourceFlags } from './source.ts'
import { typeText } from './type-text.ts'

export interface DescribeFlags extends SourceFlags {
  readonly save?: string | undefined
  readonly json?: true | undefined
}

/** Returns the exit code. */
export async function runDescribe(
  word: string,
  only: string | undefined,
  flags: DescribeFlags,
  io: Io,
): Promise<number> {
  const { save, json } = flags
  if (save !== undefined) requireSavable(save, io.cwd)
  const contracts = await readSource(word, flags, io, only)
  if (save !== undefined) writeSavedFile(save, io.cwd, contracts)
  if (json) io.out(jsonText(savedForm(contracts)))
  else if (contracts.length === 0) io.out('no contracts')
  else io.out(contracts.map(contractText).join('\n\n'))
  return 0
}

function contractText({ description, fingerprint, toldFingerprint }: DescribedContract): string {
  const { name, methods } = description
  const described = Object.entries(methods).map(([key, method]) => ({ name: `${name}/${key}`, method }))
  const nameWidth = Math.max(...described.map((one) => one.name.length))
  const kindWidth = Math.max(...described.map((one) => one.method.kind.length))
  const lines = described.flatMap((one) => methodLines(one.name.padEnd(nameWidth), one.method, kindWidth))
  const otherwise = toldFingerprint === undefined ? [] : [`  !! its HELLO says ${toldFingerprint}`]
  return [`${name}  ${fingerprint}`, ...otherwise, ...lines].map(escapeControls).join('\n')
}

function methodLines(name: string, method: MethodDescription, kindWidth: number): string[] {
  const { kind, tag, request, reply, errors, idempotent, timeoutMs, deprecated, description } = method
  const marks = [
    `tag 0x${tag.toString(16).padStart(8, '0')}`,
    ...(idempotent ? ['idempotent'] : []),
    ...(timeoutMs === undefined ? [] : [`timeout ${timeoutMs} ms`]),
    ...(deprecated === undefined || deprecated === false ? [] : [deprecatedText(deprecated)]),
  ]
  const schemas: [string, JsonSchema][] = [
    ['request', request],
    ...(kind === 'notify' ? [] : [['reply', reply] satisfies [string, JsonSchema]]),
    ...Object.entries(errors),
  ]
  return [
    `  ${name}  ${kind.padEnd(kindWidth)}  ${marks.join('  ')}`,
    ...(description === undefined ? [] : [`    ${quoted(description)}`]),
    ...schemas.map(([part, schema]) => `    ${part.padEnd(8)} ${typeText(schema)}`),
  ]
}

function deprecatedText(deprecated: true | string): string {
  return deprecated === true ? 'deprecated' : `deprecated: ${quoted(deprecated)}`
}

const MAX_QUOTED = 200

/** In one line, whatever stands in it. */
function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}
