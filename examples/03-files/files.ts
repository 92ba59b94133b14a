// A store of files in a folder. A file's name is the SHA-256 of what is in it, so no client's text ever becomes a path.
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Bytes, clientStream, contract, type Service, serverStream, service } from 'nanowire'
import Type from 'typebox'

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
  return service(Files, {
    async send(pieces) {
      const part = join(folder, `${randomUUID()}.part`)
      const hash = createHash('sha256')
      let bytes = 0
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of pieces) {
          hash.update(piece)
          bytes += piece.length
          yield piece
        }
      }
      try {
        await pipeline(counted(), createWriteStream(part, { flags: 'wx', flush: true }))
        const sha256 = hash.digest('hex')
        await rename(part, join(folder, sha256)) // from here on it is there, and whole
        return { sha256, bytes }
      } finally {
        await rm(part, { force: true }) // of an upload that broke off nothing stays
      }
    },

    async receive({ sha256 }, ctx) {
      try {
        const file = await open(join(folder, sha256))
        return file.createReadStream() // a stream of Node's is an AsyncIterable; it closes the file, also if the caller leaves
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        throw ctx.error('NoSuchFile', { sha256 })
      }
    },
  })
}
