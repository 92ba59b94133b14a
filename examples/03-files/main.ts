// Sends a file to a service and receives it back, with a progress bar. Ctrl-C cancels, and leaves no half of a file.
// Run it: npx tsx --tsconfig examples/tsconfig.run.json examples/03-files/main.ts [memory | tcp] [file]
import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect, NanowireError, serve } from 'nanowire'
import { checksum } from './checksum.ts'
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

const stopping = new AbortController()
const { signal } = stopping
process.once('SIGINT', () => stopping.abort())

try {
  const { size } = await stat(path)
  const sent = checksum()
  const stored = await send(shown('sending', size, sent.of(createReadStream(path))), { signal })
  const { sha256, bytes } = sent.result()
  console.log(stored.sha256 === sha256 ? 'sent:' : 'sent something else:', bytes, 'bytes')

  const received = checksum()
  const pieces = received.of(receive({ sha256 }, { signal }))
  await pipeline(Readable.from(shown('receiving', bytes, pieces)), createWriteStream(join(folder, 'copy')))
  const copy = received.result()
  console.log(copy.sha256 === sha256 ? 'received:' : 'received something else:', copy.bytes, 'bytes')
} catch (error) {
  if (!(error instanceof NanowireError && error.code === 'cancelled')) throw error
} finally {
  await wire.close()
  await server?.close()
  if (signal.aborted) console.log('cancelled')
  console.log('files at the service:', (await readdir(kept)).length)
  await rm(folder, { recursive: true })
}
