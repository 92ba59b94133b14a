/** Values as they are at one moment: what a caller or handler does with them afterwards changes nothing here. */

/** A copy of plain data, bytes and dates; anything else stands for itself. */
export function snapshot(value: unknown, above: readonly object[] = []): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Date) return new Date(value.getTime())
  if (above.includes(value)) return '(the value holds itself)'
  const inner = [...above, value]
  if (Array.isArray(value)) return value.map((item) => snapshot(item, inner))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, snapshot(item, inner)]))
}
