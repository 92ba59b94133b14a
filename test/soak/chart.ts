/** What the soak has drawn of itself: memory and latency over time. `test/bench/tasks/lines.ts` draws it. */
import type { Rested, Window } from './run.ts'

export interface Lines {
  readonly title: string
  /** What the horizontal axis counts. */
  readonly unit: string
  readonly panels: readonly Panel[]
}

export interface Panel {
  readonly title: string
  readonly isLogarithmic?: boolean | undefined
  readonly series: readonly Series[]
}

interface Series {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

const MIB = 1_048_576
const rounded = (value: number) => Number(value.toPrecision(4))

export function linesOf(title: string, windows: readonly Window[], rests: readonly Rested[]): Lines {
  const isLong = (windows.at(-1)?.atSeconds ?? 0) > 300
  const time = ({ atSeconds }: { readonly atSeconds: number }) => rounded(isLong ? atSeconds / 60 : atSeconds)
  const over = (name: string, of: (window: Window) => number): Series => ({
    name,
    points: windows.map((window) => [time(window), rounded(of(window))]),
  })
  const names = Object.keys(windows[0]?.memory ?? {})
  const memory = (figure: 'rssBytes' | 'heapUsedBytes' | 'externalBytes') =>
    names.map((name) => over(name, (window) => (window.memory[name]?.[figure] ?? 0) / MIB))
  return {
    title,
    unit: isLong ? 'minutes' : 'seconds',
    panels: [
      {
        title: 'Latency of small calls, of the slower client: ms, logarithmic',
        isLogarithmic: true,
        series: [
          over('p50', (window) => Math.max(1, window.p50Us) / 1_000),
          over('p99', (window) => Math.max(1, window.p99Us) / 1_000),
          over('p99.9', (window) => Math.max(1, window.p999Us) / 1_000),
        ],
      },
      { title: 'Resident memory: MiB', series: memory('rssBytes') },
      { title: 'Heap used: MiB', series: memory('heapUsedBytes') },
      { title: 'Memory beside the heap: MiB', series: memory('externalBytes') },
      {
        title: 'Live at rest, after a collection: MiB',
        series: names.map((name) => ({
          name,
          points: rests.map((rest) => [time(rest), rounded((rest.liveBytes[name] ?? 0) / MIB)]),
        })),
      },
    ],
  }
}
