/**
 * Property tests say the same each time they run: a gate that is red by chance tells nobody anything. To explore,
 * `NANOWIRE_SEED=random npx vitest run`, and NANOWIRE_RUNS for more of it; a failure names its seed.
 */
import fc from 'fast-check'

const seed = process.env['NANOWIRE_SEED'] ?? '1'
const options = fc.readConfigureGlobal() ?? {}
fc.configureGlobal(seed === 'random' ? options : { ...options, seed: Number(seed) })
