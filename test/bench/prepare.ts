/**
 * What must be there before anything is measured: the peers, and the benchmark's own code as plain JavaScript, so that no
 * loader has a part in the figures. Invariant: `nanowire` is the built package, as a user gets it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../support/bundle.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

export function installPeers(): void {
  if (existsSync(join(here, 'node_modules/.package-lock.json'))) return // npm writes it last
  console.log('test/bench/node_modules is missing: npm ci --prefix test/bench')
  const args = ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { stdio: 'inherit' })
  if (status !== 0) throw new Error('npm could not install the peers')
}

export async function prepare(): Promise<void> {
  await bundle({
    entryPoints: [join(here, 'side.ts')],
    outdir: join(here, 'dist'),
    splitting: true,
    external: [`${dist}*`],
    alias: { nanowire: join(dist, 'index.js'), 'nanowire/codec': join(dist, 'codec.js') },
  })
}
