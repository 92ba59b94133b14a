/**
 * What the rules need to know of a source file, read with the compiler's own parser: its imports, the globals that it
 * touches, and the casts that give no reason. Invariant: reading judges nothing; rules.ts does.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** One `import`, `export … from`, `import()` or `import('…')` type. */
export interface Import {
  readonly specifier: string
  /** Leaves nothing in the translated code. */
  readonly typeOnly: boolean
  readonly line: number
}

export interface Mention {
  readonly text: string
  readonly line: number
}

export interface Source {
  /** From the project's root, with slashes: `src/wire/decode.ts`. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Free names, with one member where it follows: `setTimeout`, `Date.now`; `new Date` without arguments. */
  readonly globals: readonly Mention[]
  /** `any`, `as` and `!` without a comment on their line. */
  readonly unreasoned: readonly Mention[]
}

/** Every TypeScript file under `folder`, in order of its path. */
export function readSources(root: string, folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) =>
      readSource(file.slice(root.length).replaceAll('\\', '/').replace(/^\//, ''), readFileSync(file, 'utf8')),
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function readSource(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1
  const imports: Import[] = []
  const globals: Mention[] = []
  const casts: Mention[] = []
  const comments = new Comments(file)
  const visit = (node: ts.Node): void => {
    comments.add(node)
    const imported = readImport(node)
    if (imported !== undefined) imports.push({ ...imported, line: lineOf(node.getStart()) })
    const global = readGlobal(node)
    if (global !== undefined) globals.push({ text: global, line: lineOf(node.getStart()) })
    const cast = readCast(node)
    if (cast !== undefined) casts.push({ text: cast, line: lineOf(node.end) })
    for (const child of node.getChildren(file)) visit(child)
  }
  visit(file)
  const unreasoned = casts.filter(({ line }) => !comments.reasonAt(line))
  return { path, lines: text.replace(/\n$/, '').split('\n').length, imports, globals, unreasoned }
}

function readImport(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnlyImport(node.importClause) }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    const named =
      node.exportClause !== undefined && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
    const allTypes = named.length > 0 && named.every((element) => element.isTypeOnly)
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly || allTypes }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments
    // A computed address cannot be judged, so it is reported as it is written.
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      return { specifier: specifier.text, typeOnly: false }
    return { specifier: `import(${specifier?.getText() ?? ''})`, typeOnly: false }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true }
  }
  return undefined
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false // import 'x': for its effect
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

function readGlobal(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node)) return undefined
  const { parent } = node
  // A member's or a declaration's name is not a use; `typeof setTimeout` in a type is none either.
  if ('name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)) return undefined
  if ('propertyName' in parent && parent.propertyName === node) return undefined
  if (ts.isTypeNode(parent) || ts.isQualifiedName(parent)) return undefined
  if (ts.isNewExpression(parent) && parent.expression === node) {
    return (parent.arguments?.length ?? 0) === 0 ? `new ${node.text}` : undefined
  }
  const names = [node.text]
  for (let at: ts.Node = parent; ts.isPropertyAccessExpression(at); at = at.parent) names.push(at.name.text)
  return names
    .slice(names[0] === 'globalThis' ? 1 : 0)
    .slice(0, 2)
    .join('.')
}

function readCast(node: ts.Node): string | undefined {
  if (ts.isAsExpression(node) && node.type.getText() !== 'const') return `as ${node.type.getText()}`
  if (ts.isTypeAssertionExpression(node)) return `<${node.type.getText()}>`
  if (ts.isNonNullExpression(node)) return `${node.expression.getText()}!`
  if (node.kind === ts.SyntaxKind.AnyKeyword) return 'any'
  if (ts.isPropertyDeclaration(node) && node.exclamationToken !== undefined) return `${node.name.getText()}!:`
  return undefined
}

/** The lines on which a comment stands, or above which a `//` comment ends. */
class Comments {
  readonly #lines = new Set<number>()
  readonly #file: ts.SourceFile

  constructor(file: ts.SourceFile) {
    this.#file = file
  }

  add(node: ts.Node): void {
    const { text } = this.#file
    for (const comment of ts.getLeadingCommentRanges(text, node.pos) ?? []) this.#addRange(comment)
    for (const comment of ts.getTrailingCommentRanges(text, node.end) ?? []) this.#addRange(comment)
  }

  reasonAt(line: number): boolean {
    return this.#lines.has(line)
  }

  #addRange({ pos, end, kind }: ts.CommentRange): void {
    const { line: last } = this.#file.getLineAndCharacterOfPosition(end)
    this.#lines.add(this.#file.getLineAndCharacterOfPosition(pos).line + 1)
    this.#lines.add(last + 1)
    const alone = this.#file.text.slice(this.#file.getLineStarts()[last], pos).trim() === ''
    if (kind === ts.SyntaxKind.SingleLineCommentTrivia && alone) this.#lines.add(last + 2)
  }
}
