/** Tests that spec/testing.md shows, run as it shows them. */
import { readFileSync } from 'node:fs'
import { transform } from 'esbuild'
import Type from 'typebox'
import { expect } from 'vitest'
import { connect, contract, service, unary } from '../../src/index.ts'
import { faultyLink, HandClock } from '../../src/testing/index.ts'

/** The example of that name. */
export function exampleOf(name: string): string {
  return new RegExp(`^\`\`\`ts ${name}\\n(.*?)^\`\`\`$`, 'ms').exec(readFileSync('spec/testing.md', 'utf8'))?.[1] ?? ''
}

/** Runs the tests of an example. Returns how many it has. */
export async function runExample(text: string): Promise<number> {
  const tests: (() => Promise<void>)[] = []
  const { code } = await transform(text.replace(/^import .*$/gm, ''), { loader: 'ts' })
  const test = (_: string, one: () => Promise<void>) => tests.push(one)
  const names = { Type, connect, contract, service, unary, faultyLink, HandClock, expect, test }
  new Function(...Object.keys(names), code)(...Object.values(names))
  for (const one of tests) await one()
  return tests.length
}
