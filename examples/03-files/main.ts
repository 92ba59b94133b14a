// Sends a file to a service and receives it back, with a progress bar; Ctrl-C cancels, and leaves no half of a file.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/03-files/main.ts [memory | tcp] [file]
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect, NanowireError, serve } from 'nanowire'
import { Files, filesIn } from './files.ts'
import { shown } from './progress.ts'

const [place = 'memory', given] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'nanowire-files-'))
const kept = join(folder, 'kept')
await mkdir(kept)
const path = given ?? join(folder, 'some-bytes')
if (given === undefined) await writeFile(path, randomBytes(16 * 1024 * 1024))

const files = filesIn(kept)
const server = place === 'tcp' ? await serve(files, 'tcp://127.0.0.1:0') : undefined
const wire = connect(server ? server.url : files) // the place: the only line that differs
const { send, receive } = wire.client(Files)

const stopped = new AbortController()
const { signal } = stopped
process.once('SIGINT', () => stopped.abort())

try {
  const { size } = await stat(path)
  const { sha256, bytes } = await send(shown('sending  ', size, createReadStream(path)), { signal })
  console.log(`sent ${bytes} bytes`)

  const copy = join(folder, 'copy')
  const hash = createHash('sha256')
  const items = receive({ sha256 }, { signal })
  await pipeline(Readable.from(shown('receiving', bytes, items)), async function* hashed(pieces) {
    for await (const piece of pieces) {
      hash.update(piece)
      yield piece
    }
  }, createWriteStream(copy))
  console.log(hash.digest('hex') === sha256 ? 'received the same' : 'received something else')

  const missing = receive({ sha256: '0'.repeat(64) })
  for await (const _ of missing) break
} catch (error) {
  if (!(error instanceof NanowireError)) throw error
  console.log(`${error.code}: ${error.message}`)
} finally {
  await wire.close()
  await server?.close()
  console.log('the service keeps', (await readdir(kept)).length, 'file')
  await rm(folder, { recursive: true })
}
