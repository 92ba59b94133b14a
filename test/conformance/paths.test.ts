/** Where code may not be made from texts, the reference path serves (spec/codecs.md), and the suite holds as it does elsewhere. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { conformance } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'
import { places } from './places.ts'

const execute = promisify(execFile)
const program = fileURLToPath(new URL('fixtures/whole-suite.ts', import.meta.url))
const names = ['memory', 'encoded', 'tcp']

it('passes in memory and over a wire where code may not be made, with one warning', {
  timeout: PATIENCE_MS,
}, async () => {
  const options = { env: { ...process.env, NANOWIRE_CODEC: '' }, maxBuffer: 1 << 24 }
  const flags = ['--disallow-code-generation-from-strings', '--import', 'tsx']
  const { stdout } = await execute(process.execPath, [...flags, program, ...names], options)
  const cases = places.filter(({ name }) => names.includes(name)).flatMap((place) => conformance(place))
  const passed = cases.filter(({ skip }) => skip === undefined).map(({ title }) => `${title}: passed`)
  expect(JSON.parse(stdout)).toEqual({
    path: 'reference',
    warnings: ['NANOWIRE_NO_CODE_GENERATION'],
    outcomes: passed,
  })
})
