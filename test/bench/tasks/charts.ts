/** Charts as SVG, drawn by ECharts without a browser. Its command: `draw`. */
import { BarChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Commands } from '../../support/answer.ts'
import type { Chart } from '../parts/run.ts'

use([BarChart, GridComponent, LegendComponent, SVGRenderer, TitleComponent])

const WIDTH = 900
const BAR_HEIGHT = 22
/** About what a letter of a name takes: nothing can be measured without a browser. */
const LETTER_WIDTH = 6.6
const COLOURS = ['#8fa3bf', '#c9b38c']
const OWN_COLOURS = ['#1f6fd0', '#c77a12']

const { format: short } = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const isOwn = (name: string) => name.toLowerCase().startsWith('nanowire')

/** Sorted by the first series, its best value on top: the largest of rates, the smallest of times. */
export function draw({ title, unit, series }: Chart): string {
  const isTime = unit === 'ns' || unit === 'µs'
  const sorted = [...(series[0]?.bars ?? [])].sort((a, b) => (isTime ? b.value - a.value : a.value - b.value))
  const names = sorted.map(({ name }) => name)
  const least = Math.min(...series.flatMap(({ bars }) => bars.map(({ value }) => value)))
  const left = 20 + LETTER_WIDTH * Math.max(...names.map((name) => name.length))
  const height = 110 + names.length * series.length * BAR_HEIGHT
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: { fontFamily: 'sans-serif' },
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    ...(series.length > 1 ? { legend: { bottom: 0 } } : {}),
    grid: { left, right: 60, top: 40, bottom: series.length > 1 ? 70 : 45 },
    xAxis: {
      type: 'log',
      min: 10 ** Math.floor(Math.log10(least)),
      name: `${unit}, logarithmic`,
      nameLocation: 'middle',
      nameGap: 26,
      axisLabel: { formatter: short },
    },
    yAxis: { type: 'category', data: names, axisTick: { show: false } },
    series: series.map(({ name, bars }, index) => ({
      name,
      type: 'bar',
      data: names.map((one) => ({
        value: bars.find((bar) => bar.name === one)?.value ?? null,
        ...(isOwn(one) ? { itemStyle: { color: OWN_COLOURS[index] } } : {}),
      })),
      label: { show: true, position: 'right', formatter: ({ value }: { value: unknown }) => short(Number(value)) },
    })),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

export const start = async (): Promise<Commands> => ({ draw })
