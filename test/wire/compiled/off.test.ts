/** Where the compiled path must not run: by the environment, where code may not be made, and for schemas of peers (spec/codecs.md). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract, describeContract, learnContract, unary } from '../../../src/contract/index.ts'
import { PATIENCE_MS } from '../../support/runs.ts'
import { compiledOf, isOn } from './subject.ts'

const run = promisify(execFile)

/** Says as JSON whether the schema is compiled, and what both directions of the door functions make of a value. */
const program = `
import Type from 'typebox'
import { gateOf } from './src/contract/index.ts'
import { defaultLimits } from './src/limits.ts'
import { decodeBody, encodeBody, encodeInto } from './src/wire/index.ts'
const gate = gateOf(Type.Object({ id: Type.Integer(), name: Type.String() }))
const warnings = []
process.on('warning', (warning) => warnings.push(warning.code))
const into = [1, 2].map(() => encodeInto(gate, { id: 1, name: 'x' }, new Uint8Array(64), 0, defaultLimits))
const bytes = encodeBody(gate, { id: 1, name: 'x' }, defaultLimits)
const value = decodeBody(gate, bytes, 0, bytes.length, defaultLimits)
setImmediate(() => console.log(JSON.stringify({ into, value, warnings })))
`

async function outputOf(flags: readonly string[], environment: Record<string, string>): Promise<unknown> {
  const options = { env: { ...process.env, NANOWIRE_CODEC: '', ...environment } }
  const { stdout } = await run(
    process.execPath,
    [...flags, '--import', 'tsx', '--input-type=module', '-e', program],
    options,
  )
  return JSON.parse(stdout)
}

const value = { id: 1, name: 'x' }
const PATIENCE = { timeout: PATIENCE_MS }

it('serves by default, without a warning', PATIENCE, async () => {
  expect(await outputOf([], {})).toEqual({ into: [12, 12], value, warnings: [] })
})

it('is off with NANOWIRE_CODEC=reference', PATIENCE, async () => {
  expect(await outputOf([], { NANOWIRE_CODEC: 'reference' })).toEqual({ into: [-1, -1], value, warnings: [] })
})

it('is off where code may not be made from texts, with one warning', PATIENCE, async () => {
  const output = await outputOf(['--disallow-code-generation-from-strings'], {})
  expect(output).toEqual({ into: [-1, -1], value, warnings: ['NANOWIRE_NO_CODE_GENERATION'] })
})

it('is off for what a peer has told of its schemas', () => {
  const told = contract('told', { ask: unary(Type.Object({ a: Type.Integer() }), Type.Null()) })
  const learned = learnContract(describeContract(told))
  const { request } = learned.methods['ask'] ?? {}
  expect(request && compiledOf(request).isCovered).toBe(false)
  expect(compiledOf(told.methods.ask.request).isCovered).toBe(isOn)
})
