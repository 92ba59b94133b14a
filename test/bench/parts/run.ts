/** What every part of the benchmark is given: what to do, and where what it finds goes. */
import type { Settings } from '../arguments.ts'
import type { Section } from '../table.ts'

export interface Run {
  readonly settings: Settings
  /** Says what is being done; not part of the results. */
  readonly progress: (text: string) => void
  /** Says loudly what went wrong; the others go on, and the exit code is 1 at the end. */
  readonly fail: (problem: string) => void
  /** Takes what was found, as soon as it was. */
  readonly show: (section: Section) => void
  readonly draw: (chart: Chart) => void
}

export interface Bar {
  readonly name: string
  readonly value: number
}

/** Bars on a logarithmic axis; one colour for each series. */
export interface Chart {
  /** `charts/<file>.svg` */
  readonly file: string
  readonly title: string
  readonly unit: string
  readonly series: readonly { readonly name: string; readonly bars: readonly Bar[] }[]
}
