/** Codecs alone, in one process. */
import { CLIENT_CORE } from '../../support/child.ts'
import { startTask } from '../start-task.ts'
import { median, medianRatio } from '../statistics.ts'
import { format, formatRatio } from '../table.ts'
import type { Run } from './run.ts'

export interface CodecInfo {
  readonly name: string
  /** What decoding finds out about a message: `types` where a schema decides how it is read, and no more. */
  readonly checks: string
  readonly bytes: number
}

export interface CodecRound {
  readonly encodeNs: number
  readonly decodeNs: number
}

/** What the ratios are taken to. */
const BAR = 'msgpackr'
const FIGURES = ['encodeNs', 'decodeNs'] as const
type MessageWork = 'small' | 'record'

const titleOf = (work: MessageWork) => `Codecs alone, ${work === 'small' ? 'small message' : 'record of 1 KiB'}`

export async function measureCodecs(run: Run): Promise<void> {
  for (const work of run.settings.works) {
    if (work !== 'bytes') await measureWork(run, work)
  }
}

async function measureWork(run: Run, work: MessageWork): Promise<void> {
  const { rounds, roundSeconds } = run.settings
  const side = await startTask('codecs', [work], { core: CLIENT_CORE })
  try {
    const codecs = await side.ask<CodecInfo[]>('codecs')
    const peers = await side.ask<string[]>('peers')
    const results: CodecRound[][] = []
    const peerResults: number[][] = []
    for (let round = 0; round <= rounds; round++) {
      run.progress(`codecs, ${work}: round ${round} of ${rounds}`)
      const measured = await side.ask<CodecRound[]>('round', roundSeconds)
      const peersMeasured = await side.ask<number[]>('peersRound', roundSeconds)
      if (round === 0) continue // the first compiles
      results.push(measured)
      peerResults.push(peersMeasured)
    }
    report(run, work, codecs, results)
    if (peers.length > 0) reportPeers(run, peers, peerResults)
  } finally {
    await side.end()
  }
}

/** The first of the peers has the same schema. */
function reportPeers(run: Run, peers: readonly string[], results: readonly (readonly number[])[]): void {
  const column = (index: number) => results.map((round) => round[index] ?? Number.NaN)
  const rows = peers.map((name, index) => [
    name,
    format(median(column(index))),
    formatRatio(medianRatio(column(0), column(index))),
  ])
  const columns = ['from a peer with', 'decode ns', 'speed to the same schema']
  run.show({ title: 'Record of 1 KiB from a peer whose schema differs', table: { columns, rows } })
}

function report(run: Run, work: MessageWork, codecs: readonly CodecInfo[], results: readonly CodecRound[][]): void {
  const column = (index: number, figure: keyof CodecRound) =>
    results.map((round) => round[index]?.[figure] ?? Number.NaN)
  const bar = codecs.findIndex(({ name }) => name === BAR)
  const rows = codecs.map(({ name, checks, bytes }, index) => {
    const cells = FIGURES.flatMap((figure) => [
      format(median(column(index, figure))),
      formatRatio(medianRatio(column(bar, figure), column(index, figure))),
    ])
    return [name, checks, ...cells, String(bytes)]
  })
  const columns = ['', 'checks', 'encode ns', 'speed to msgpackr', 'decode ns', 'speed to msgpackr', 'bytes']
  run.show({ title: titleOf(work), table: { columns, rows } })
  const series = FIGURES.map((figure) => ({
    name: figure === 'encodeNs' ? 'encode' : 'decode',
    bars: codecs.map(({ name }, index) => ({ name, value: median(column(index, figure)) })),
  }))
  run.draw({ file: `codecs-${work}`, title: titleOf(work), unit: 'ns', series })
}
