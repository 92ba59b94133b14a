/** `nanowire decode`: any bytes as frames and fields, and what of them reaches a terminal or another program (spec/cli.md). */
import { isDeepStrictEqual } from 'node:util'
import { escapeControls, jsonText, notation, toTaggedJson } from '../../src/tools/print.ts'
import { type DescribedFrame, describeFrames } from '../../src/wire/index.ts'
import { bytesOf, vectorsOf } from '../seeds.ts'
import { require, type Target } from '../target.ts'

/** What a terminal would obey, and what turns the direction of text; line feeds and tabs are the layout's own. */
const OBEYED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u

export const decode: Target = {
  about: 'what `nanowire decode` makes of any bytes: each told once, nothing that a terminal would obey',
  maxBytes: 2_048,
  dictionary: [
    'NWIR',
    '\u001b[2J',
    '\u202e',
    '\u061c',
    '\u2028',
    Uint8Array.of(0x83, 0xa4),
    Uint8Array.of(0, 0, 4, 7, 0),
  ],
  *seeds() {
    for (const file of ['frames.json', 'bodies.json', 'fragments.json'])
      for (const { hex } of vectorsOf(file)) yield bytesOf(hex)
  },
  judge(input) {
    requireDescribed(input)
  },
}

/** Every byte up to the first breach belongs to one frame, and every field lies within the input. */
function requireDescribed(bytes: Uint8Array): void {
  const described = describeFrames(bytes)
  let at = 0
  for (const frame of described.frames) {
    require(frame.offset === at, () => `a frame is described at ${frame.offset}, not at ${at}`)
    at += frame.length
    requireTold(frame, bytes.length)
  }
  require(at + described.unread === bytes.length, () => `${at} bytes described, ${described.unread} unread`)
}

function requireTold({ offset, fields, problem }: DescribedFrame, end: number): void {
  const isLast = fields.some(({ name }) => name === 'fragment') // a message in fragments is shown at its last one
  for (const { name, offset: at, length, value } of fields) {
    require(at >= offset && (at + length <= end || isLast), () => `${name} is described at ${at}`)
    requireHarmless(escapeControls(`${name} ${notation(value)}`))
    const json = toTaggedJson(value)
    const text = jsonText(json)
    requireHarmless(text)
    require(isDeepStrictEqual(JSON.parse(text), json), () => `${name} is other JSON: ${text.slice(0, 200)}`)
  }
  if (problem) requireHarmless(escapeControls(`${problem.rule}: ${problem.message}`))
}

function requireHarmless(text: string): void {
  require(!OBEYED.test(text), () => `a terminal would obey ${JSON.stringify(text.slice(0, 200))}`)
}
