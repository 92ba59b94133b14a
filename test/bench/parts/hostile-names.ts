/** What hostile clients do (shared/hostile.ts has the bytes), in the order of the table. */
export const HOSTILE_NAMES = [
  'opens streams and never reads',
  'reads a byte a second',
  'sends empty frames',
  'cancels what it has begun',
  'sends items of another type',
  'sends more than it has credit for',
  'sends after the end',
  'sends a byte a fragment',
  'is no Nanowire',
] as const
export type HostileName = (typeof HOSTILE_NAMES)[number]
