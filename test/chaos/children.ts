/** The processes of a campaign. Invariant: only processes that were started here are ever signalled, each by its own handle. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'
import { ownFolder } from '../support/own-folder.ts'

/** Where the programs are put together: for this process alone, as a campaign takes hours and sources change meanwhile. */
const FOLDER = ownFolder('node_modules/.chaos')

/** How to find what was bundled. */
export type Programs = (name: 'server' | 'client') => string

/** A bug, in a copy of the library, by which the campaign is tried. */
export interface Planted {
  /** `src/rpc/remote.ts`. */
  readonly file: string
  readonly right: string
  readonly wrong: string
}

/** Bundles server and client with all that they import, so that a process is there soon. */
export async function buildPrograms(planted?: Planted): Promise<Programs> {
  const folder = planted ? `${FOLDER}/planted` : `${FOLDER}/sources`
  await build({
    entryPoints: ['test/chaos/server.ts', 'test/chaos/client.ts'],
    plugins: planted ? [plant(planted)] : [],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    splitting: true,
    logLevel: 'error',
  })
  return (name) => `${folder}/${name}.mjs`
}

function plant({ file, right, wrong }: Planted): Plugin {
  return {
    name: 'planted',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!path.endsWith(file)) return undefined
        const text = readFileSync(path, 'utf8')
        if (!text.includes(right)) throw new Error(`${file} has no ${right}`)
        return { contents: text.replace(right, wrong), loader: 'ts' }
      })
    },
  }
}

/** Where a server is: for those that meet faults, and for calm calls (contract.ts). */
export interface ServerUrls {
  readonly url: string
  readonly calmUrl: string
}

export class Child {
  readonly journal: string
  readonly #process: ChildProcess
  /** Settles with how it ended: an exit code or a signal. */
  readonly ended: Promise<string>
  #urls: Promise<ServerUrls> | undefined
  wasKilled = false
  hasEnded = false

  constructor(program: string, journal: string, args: readonly string[] = []) {
    this.journal = journal
    writeFileSync(journal, '') // it may be killed before it writes anything
    this.#process = fork(program, [journal, ...args], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.ended = once(this.#process, 'exit').then(([code, signal]) => {
      this.hasEnded = true
      return String(signal ?? code)
    })
  }

  /** Resolves with the addresses of a server. */
  urls(): Promise<ServerUrls> {
    this.#urls ??= this.#askUrls()
    return this.#urls
  }

  async #askUrls(): Promise<ServerUrls> {
    const [message] = await Promise.race([
      once(this.#process, 'message') as Promise<[ServerUrls]>, // server.ts says nothing else
      this.ended.then((how) => Promise.reject(new Error(`a server has ended with ${how} before it was there`))),
    ])
    return message
  }

  kill(): void {
    if (this.hasEnded) return
    this.wasKilled = true
    this.#process.kill('SIGKILL')
  }

  /** Asks a server to close by itself. */
  terminate(): void {
    this.#process.kill('SIGTERM')
  }

  stop(): void {
    this.#process.kill('SIGSTOP')
  }

  goOn(): void {
    this.#process.kill('SIGCONT')
  }

  finish(): void {
    if (this.#process.connected) this.#process.send('finish')
  }
}
