/** How often properties run: `NANOWIRE_RUNS=20 npx vitest run test/session` runs each twenty times as often. */
const factor = Number(process.env['NANOWIRE_RUNS'] ?? 1)
if (!(factor > 0)) throw new Error('NANOWIRE_RUNS is a number above 0')

/** Settings of a property that usually runs so often. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.max(1, Math.round(usual * factor)) }
}

/** When a test that takes a while has hung, however often it runs, and however slow and busy the machine is. */
export const PATIENCE_MS = 600_000 * Math.max(1, factor)
