// A unix socket: a file that only its owner may open. What is at its path, and who else wants it, is said in words.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/05-unix/main.ts
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, NanowireError, serve } from 'nanowire'
import { Greeter, greeter } from '../01-hello/greeter.ts'

const folder = mkdtempSync(join(tmpdir(), 'nanowire-'))
const path = join(folder, 'greeter.sock')

const server = await serve(greeter, `unix:${path}`)
console.log('mode of the file:', (lstatSync(path).mode & 0o777).toString(8))

const wire = connect(`unix:${path}`)
console.log(await wire.client(Greeter).hello({ name: 'Ada' }))
await wire.close()

/** The error of a server that cannot have its address. */
async function refusal(at: string): Promise<string> {
  const error: unknown = await serve(greeter, at).catch((reason: unknown) => reason)
  if (!(error instanceof NanowireError)) throw error
  return `${error.code}: ${error.message}`.replaceAll(folder, '…')
}

console.log(await refusal(`unix:${path}`))
const notes = join(folder, 'notes.txt')
writeFileSync(notes, 'precious')
console.log(await refusal(`unix:${notes}`))

await server.close()
console.log('left behind:', readdirSync(folder))
rmSync(folder, { recursive: true })
