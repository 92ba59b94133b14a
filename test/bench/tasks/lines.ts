/** Lines over time as SVG, panels one above the other, drawn by ECharts without a browser. Its command: `draw`. */
import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Lines } from '../../soak/chart.ts'
import type { Commands } from '../../support/answer.ts'

use([GridComponent, LegendComponent, LineChart, SVGRenderer, TitleComponent])

const WIDTH = 900
const TOP = 50
const PANEL_HEIGHT = 230
/** Of a panel, above and below its lines. */
const HEAD = 50
const FOOT = 35

export function draw({ title, unit, panels }: Lines): string {
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: TOP + panels.length * PANEL_HEIGHT,
  })
  const last = Math.max(...panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([x]) => x))))
  const top = (index: number) => TOP + index * PANEL_HEIGHT
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: ['#1f6fd0', '#c77a12', '#3c8f5a', '#a03c78', '#8fa3bf', '#c9b38c', '#6b6b6b', '#d0a01f'],
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      { text: title, left: 'center', textStyle: { fontSize: 15 } },
      ...panels.map((panel, index) => ({ text: panel.title, left: 20, top: top(index), textStyle: { fontSize: 12 } })),
    ],
    legend: panels.map(({ series }, index) => ({
      data: series.map(({ name }) => name),
      left: 'center',
      top: top(index) + 18,
      itemHeight: 8,
    })),
    grid: panels.map((_, index) => ({
      left: 70,
      right: 40,
      top: top(index) + HEAD,
      height: PANEL_HEIGHT - HEAD - FOOT,
    })),
    xAxis: panels.map((_, index) => ({
      type: 'value',
      gridIndex: index,
      max: last,
      axisLabel: { showMaxLabel: false },
      ...(index === panels.length - 1 ? { name: unit, nameLocation: 'middle', nameGap: 20 } : {}),
    })),
    yAxis: panels.map(({ isLogarithmic }, index) => ({
      type: isLogarithmic === true ? 'log' : 'value',
      gridIndex: index,
    })),
    series: panels.flatMap(({ series }, index) =>
      series.map(({ name, points }) => ({
        name,
        type: 'line',
        xAxisIndex: index,
        yAxisIndex: index,
        showSymbol: points.length < 2,
        lineStyle: { width: 1.5 },
        data: points,
      })),
    ),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

export const start = async (): Promise<Commands> => ({ draw })
