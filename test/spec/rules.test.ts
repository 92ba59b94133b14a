/**
 * Every numbered rule of the spec stands in the title of a test that exists, or in the name of a vector, which is one;
 * and no title names a rule that does not exist.
 */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { rulesOf } from './tables.ts'

const RULE = /\b[A-Z]\d{1,2}\b/g

/** The texts that title tests in a source: the first argument of `it`, `test`, `describe`, and of their `.each(…)`. */
function titlesIn(text: string): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    const [title] = ts.isCallExpression(node) && TITLED.test(nameOf(node.expression)) ? node.arguments : []
    if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) titles.push(title.getText())
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('test.ts', text, ts.ScriptTarget.ESNext, true))
  return titles
}

/** A suite that runs in every place defines its cases by `its`. */
const TITLED = /^(it|its|test|describe)$/

function nameOf(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text
  return ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee) ? nameOf(callee.expression) : ''
}

function filesIn(folder: string, end: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const own = entries.filter((name) => name.endsWith(end) && !name.includes('node_modules')) // test/bench has its own
  return own.map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
}

const vectorNames = filesIn('spec/vectors', '.json').flatMap((text) =>
  [...text.matchAll(/"name": (".*"),/g)].map(([, name = '']) => name),
)
const titles = [...filesIn('test', '.ts').flatMap(titlesIn), ...vectorNames]
const named = new Set(titles.flatMap((title) => title.match(RULE) ?? []))
const rules = rulesOf()

describe('the rules of the spec', () => {
  it('have one number each', () => {
    const ids = rules.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('are found', () => {
    const letters = new Set(rules.map(({ id }) => id[0]))
    expect([...letters].sort()).toEqual(['C', 'E', 'F', 'K', 'M', 'P', 'S', 'T'])
    expect(vectorNames.length).toBeGreaterThan(400)
  })

  it('are each named by a test', () => {
    const unnamed = rules.filter(({ id, isInformative }) => !isInformative && !named.has(id))
    expect(unnamed.map(({ file, id }) => `${file} ${id}`)).toEqual([])
  })

  it('exist where a test names one', () => {
    const letters = new Set(rules.map(({ id }) => id[0]))
    const ids = new Set(rules.map(({ id }) => id))
    expect([...named].filter((id) => letters.has(id.slice(0, 1)) && !ids.has(id))).toEqual([])
  })
})
