/**
 * What a stream of bytes is as frames, the slow and obvious way: from the table of spec/protocol.md (P1 to P9) as it stands there,
 * over all of the bytes at once. Shares no code with src/wire.
 */

interface SlowRule {
  readonly id: 'call' | 'zero' | 'either'
  readonly min: number
  readonly max: number
  readonly flags: number
}

const LIMIT = 0xff_ffff
/** P1's table, by number; IGNORE may be on each. */
const table: Readonly<Record<number, SlowRule>> = {
  1: { id: 'zero', min: 6, max: 65_536, flags: 0x00 },
  2: { id: 'zero', min: 1, max: 8_192, flags: 0x00 },
  3: { id: 'call', min: 0, max: LIMIT, flags: 0x7f },
  4: { id: 'call', min: 0, max: LIMIT, flags: 0x03 },
  5: { id: 'call', min: 0, max: LIMIT, flags: 0x07 },
  6: { id: 'call', min: 0, max: LIMIT, flags: 0x02 },
  7: { id: 'either', min: 1, max: 65_536, flags: 0x00 },
  8: { id: 'call', min: 0, max: 0, flags: 0x00 },
  9: { id: 'either', min: 4, max: 4, flags: 0x00 },
  10: { id: 'zero', min: 8, max: 8, flags: 0x00 },
  11: { id: 'zero', min: 8, max: 8, flags: 0x00 },
  12: { id: 'zero', min: 4, max: 1_028, flags: 0x01 },
  13: { id: 'call', min: 1, max: 1, flags: 0x00 },
}

export interface SlowSettings {
  readonly maxFrameBytes: number
  readonly maxHelloBytes: number
  readonly expectsHello: boolean
}

export interface SlowResult {
  /** `kind flags id offset length` of each frame whose body is there whole. */
  readonly frames: readonly string[]
  readonly error: string | undefined
  readonly skipped: number
}

export function slowDecode(bytes: Uint8Array, settings: SlowSettings): SlowResult {
  const frames: string[] = []
  let skipped = 0
  let at = 0
  let isFirst = settings.expectsHello
  for (;;) {
    const header = Array.from(bytes.subarray(at, at + 9))
    const error = judge(header, settings, isFirst)
    if (error) return { frames, error, skipped }
    const [length = 0, kind = 0, flags = 0, id = 0] = fieldsOf(header)
    if (header.length < 9 || at + 9 + length > bytes.length) return { frames, error: undefined, skipped }
    if (table[kind]) {
      frames.push(`${kind} ${flags} ${id} ${at + 9} ${length}`)
      isFirst = false
    } else skipped++
    at += 9 + length
  }
}

function fieldsOf([a = 0, b = 0, c = 0, kind = 0, flags = 0, w = 0, x = 0, y = 0, z = 0]: readonly number[]): number[] {
  return [a * 65_536 + b * 256 + c, kind, flags, w * 2 ** 24 + x * 65_536 + y * 256 + z]
}

/** The rule that a header breaks, or what there is of it. */
function judge(header: readonly number[], settings: SlowSettings, isFirst: boolean): string | undefined {
  const [length = 0, kind = 0, flags = 0, id = 0] = fieldsOf(header)
  if (isFirst) {
    if (header.length >= 1 && (header[0] ?? 0) > 1) return 'not_nanowire' // P8
    if (header.length >= 4 && kind !== 1 && kind !== 7) return 'not_nanowire' // P9
    if (header.length >= 4 && length > settings.maxHelloBytes) return 'frame_size' // P9
  }
  if (header.length < 9) return undefined
  if (length > (kind === 1 ? settings.maxHelloBytes : settings.maxFrameBytes)) return 'frame_size' // P2
  const rule = table[kind]
  if (!rule) return (flags & 0x80) === 0 ? 'frame_kind' : undefined // P3
  if (length < rule.min || length > rule.max) return 'frame_size' // P4
  if ((flags & ~rule.flags & 0x7f) !== 0) return 'frame_flags' // P5
  if (kind === 3 && (flags & 0x60) !== 0 && (flags & 0x04) !== 0) return 'frame_flags' // F1: a notify has no streams
  if (kind === 3 && (flags & 0x20) !== 0 && (flags & 0x01) !== 0) return 'frame_flags' // F1: nor an input more of the body
  if ((rule.id === 'call' && id === 0) || (rule.id === 'zero' && id !== 0)) return 'frame_id' // P6
  return undefined
}
