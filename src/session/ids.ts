/** Call ids: they rise by one modulo 2^32, leave out 0, and are compared as RFC 1982 says (spec/session.md). */

export function nextId(id: number): number {
  return id === 0xffff_ffff ? 1 : id + 1
}

/** Whether `id` was given after `other`, where no two that are compared are 2^31 apart. */
export function isAfter(id: number, other: number): boolean {
  const distance = (id - other) >>> 0
  return distance !== 0 && distance < 0x8000_0000
}
