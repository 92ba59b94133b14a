/**
 * Seeds that once found a fault in the library, with what it was. They are run in every test run, so that it stays mended; a
 * fault of the simulator itself is none of them.
 */
export interface KeptSeed {
  readonly seed: number
  readonly found: string
}

export const keptSeeds: readonly KeptSeed[] = []
