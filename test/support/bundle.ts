/**
 * Scripts as plain JavaScript, where time or memory are measured. A loader would have a part in both: tsx names each function anew
 * whenever it is made, which makes a closure five times as large.
 */
import { type BuildOptions, build } from 'esbuild'

/** All of each script but packages, in one file; `options` say from where to where. */
export async function bundle(options: BuildOptions): Promise<void> {
  await build({
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    ...options,
  })
}
