/** Tables for the terminal and for results.md. Invariant: both say the same. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a part of the benchmark found: a table, and what is to be known to read it. */
export interface Section {
  readonly title: string
  readonly note?: string | undefined
  readonly table: Table
}

/** Three significant digits, and no more decimals than that; a dash for what was not measured. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(decimals, 3))
}

export const formatRatio = (value: number): string => (Number.isFinite(value) ? `${format(value)}×` : '–')

/** Words to the left, figures to the right; cells that a row does not have are empty. */
const pad = (cells: readonly string[], widths: readonly number[]) =>
  widths.map((width, index) => (index === 0 ? (cells[0] ?? '').padEnd(width) : (cells[index] ?? '').padStart(width)))

function widthsOf({ columns, rows }: Table): number[] {
  return columns.map((column, index) => Math.max(column.length, ...rows.map((row) => (row[index] ?? '').length)))
}

export function toText(section: Section): string {
  const { title, note, table } = section
  const widths = widthsOf(table)
  const lines = [table.columns, ...table.rows].map((cells) => `  ${pad(cells, widths).join('  ').trimEnd()}`)
  return ['', title, ...(note === undefined ? [] : [note]), ...lines].join('\n')
}

export function toMarkdown(section: Section): string {
  const { title, note, table } = section
  const widths = widthsOf(table)
  const line = (cells: readonly string[]) => `| ${pad(cells, widths).join(' | ')} |`
  const rule = widths.map((width, index) =>
    index === 0 ? '-'.repeat(width) : `${'-'.repeat(Math.max(1, width - 1))}:`,
  )
  const head = [`## ${title}`, '', ...(note === undefined ? [] : [note, ''])]
  return [...head, line(table.columns), line(rule), ...table.rows.map(line), ''].join('\n')
}
