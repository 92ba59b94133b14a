/** What must compile and what must not, with the message that a person reads, under the settings of users' packages. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compile, fromSources, type Problem, root, settings } from './compiler.ts'

const fixtures = [
  new URL('./fixtures/contracts.ts', import.meta.url),
  new URL('./fixtures/services.ts', import.meta.url),
  new URL('./fixtures/clients.ts', import.meta.url),
  new URL('./fixtures/uses.ts', import.meta.url),
  new URL('./fixtures/streams.ts', import.meta.url),
].map((url) => fileURLToPath(url))

/** In the sources an error is expected by a directive, which hides it; here the words behind it are what is looked at. */
const DIRECTIVE = /@ts-expect-error: (.*)/

interface Expected {
  readonly line: number
  readonly words: string
}

function read(path: string): { readonly text: string; readonly expected: readonly Expected[] } {
  const lines = readFileSync(path, 'utf8').split('\n')
  const expected = lines.flatMap((text, index) => {
    const words = DIRECTIVE.exec(text)?.[1]
    return words === undefined ? [] : [{ line: index + 2, words }]
  })
  return { text: lines.map((line) => line.replace('@ts-expect-error', 'expected')).join('\n'), expected }
}

const sources = fixtures.map((path) => ({ path: join(root, 'user-package', basename(path)), ...read(path) }))

/** An error may be reported some lines further on, where an expression goes on: the nearest expectation above has it. */
function expectationOf(expected: readonly Expected[], problem: Problem): Expected | undefined {
  return expected.filter(({ line }) => line <= problem.line && problem.line <= line + 1).at(-1)
}

describe.each(Object.entries(settings))('with %s', (_, options) => {
  const files = Object.fromEntries(sources.map(({ path, text }) => [path, text]))
  const { problems, instantiations } = compile(files, { ...fromSources, ...options })

  it.each(sources)('$path says what is wrong, and nothing else', ({ path, expected }) => {
    const found = problems.filter(({ file }) => file === path)
    const unexpected = found.filter((problem) => !expectationOf(expected, problem))
    expect(unexpected).toEqual([])
    for (const expectation of expected) {
      const messages = found.filter((problem) => expectationOf(expected, problem) === expectation)
      const said = messages.map(({ message }) => message).join('\n')
      const alternatives = expectation.words.split('|')
      expect(
        alternatives.some((words) => said.includes(words)),
        `line ${expectation.line}: ${expectation.words}\nbut: ${said}`,
      ).toBe(true)
    }
  })

  it('says nothing of anything else', () => {
    expect(problems.filter(({ file }) => !sources.some(({ path }) => path === file))).toEqual([])
  })

  it('is quick about it: no relation is looked for through all types that there are', () => {
    expect(instantiations).toBeLessThan(100_000)
  })

  it('says it in few words: no message fills a screen', () => {
    const longest = problems.map(({ message }) => message).sort((a, b) => b.length - a.length)[0] ?? ''
    expect(longest.length, longest).toBeLessThan(2_500)
  })
})
