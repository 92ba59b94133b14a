// A store of files in a folder. A file's name is the SHA-256 of what is in it, so no client's text becomes a path.
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Bytes, clientStream, contract, type Service, serverStream, service } from 'nanowire'
import Type from 'typebox'
import { checksum } from './checksum.ts'

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const Files = contract('files', {
  /** Takes a file piece by piece, and says what it has. */
  send: clientStream(Bytes(), Type.Object({ sha256: Sha256, bytes: Type.Integer({ minimum: 0 }) })),
  /** Gives it back piece by piece. */
  receive: serverStream(Type.Object({ sha256: Sha256 }), Bytes(), {
    errors: { NoSuchFile: Type.Object({ sha256: Sha256 }) },
  }),
})

export function filesIn(folder: string): Service<typeof Files> {
  const uploads = new Set<Promise<unknown>>()
  return service(
    Files,
    {
      send(pieces) {
        const upload = store(folder, pieces)
        const ended: Promise<unknown> = upload.catch(() => {}).then(() => uploads.delete(ended))
        uploads.add(ended)
        return upload
      },

      async receive({ sha256 }, ctx) {
        try {
          const file = await open(join(folder, sha256))
          return file.createReadStream() // an AsyncIterable, which closes the file at its end and when the caller leaves
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // what `open` throws has a code
          throw ctx.error('NoSuchFile', { sha256 })
        }
      },
    },
    // Who closes the place waits for uploads that tidy up, though their callers have gone away.
    { stop: async () => void (await Promise.all(uploads)) },
  )
}

async function store(folder: string, pieces: AsyncIterable<Uint8Array>) {
  const part = join(folder, `${randomUUID()}.part`)
  const sum = checksum()
  try {
    await pipeline(sum.of(pieces), createWriteStream(part, { flags: 'wx', flush: true }))
    const stored = sum.result()
    await rename(part, join(folder, stored.sha256)) // from here on it is there, and whole
    return stored
  } finally {
    await rm(part, { force: true }) // of an upload that breaks off `pieces` throws, and nothing stays
  }
}
