/** Tables of the benchmark. */
import { describe, expect, it } from 'vitest'
import { format, formatRatio, type Section, toMarkdown, toText } from './table.ts'

const section: Section = {
  title: 'Calls',
  note: 'All of them.',
  table: {
    columns: ['', 'calls/s', 'checks'],
    rows: [
      ['Nanowire', '12', 'both ways'],
      ['net', '3456', 'nothing'],
    ],
  },
}

it('a table in the terminal has its words on the left and its figures on the right', () => {
  expect(toText(section)).toBe(
    [
      '',
      'Calls',
      'All of them.',
      '            calls/s     checks',
      '  Nanowire       12  both ways',
      '  net          3456    nothing',
    ].join('\n'),
  )
})

it('a table in results.md says the same', () => {
  expect(toMarkdown(section)).toBe(
    [
      '## Calls',
      '',
      'All of them.',
      '',
      '|          | calls/s |    checks |',
      '| -------- | ------: | --------: |',
      '| Nanowire |      12 | both ways |',
      '| net      |    3456 |   nothing |',
      '',
    ].join('\n'),
  )
})

it('a row may be shorter than the columns', () => {
  const short = { title: 'T', table: { columns: ['', 'a', 'b'], rows: [['x', '1']] } }
  expect(toText(short)).toBe(['', 'T', '     a  b', '  x  1'].join('\n'))
  expect(toMarkdown(short)).toContain('| x | 1 |   |')
})

describe('a figure has three significant digits', () => {
  it.each([
    [1_234_567, '1234567'],
    [123.4, '123'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0.1234, '0.123'],
    [0.00123, '0.001'],
    [0, '0'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d is %s', (value, text) => expect(format(value)).toBe(text))

  it('and a ratio says that it is one', () => {
    expect(formatRatio(1.5)).toBe('1.50×')
    expect(formatRatio(Number.NaN)).toBe('–')
  })
})
