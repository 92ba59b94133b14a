/** The suite of all places, behind a faulty link and a faulty proxy that cut everything into pieces: nobody may notice. */
import { describe, it } from 'vitest'
import { connect, serve } from '../../src/index.ts'
import { type ConformancePlace, conformance, faultyLink, faultyProxy } from '../../src/testing/index.ts'
import { PATIENCE_MS } from '../support/runs.ts'

const link: ConformancePlace = {
  name: 'a faulty link',
  async open(router, { clock, client, server: { clock: _clock, tls: _tls, ...serving } }) {
    const opened = await faultyLink(router, { clock, serve: serving, faults: { sliceBytes: 100 } })
    return {
      connection: connect(opened, client),
      stats: () => opened.server.stats(),
      close: (options) => opened.close(options),
    }
  },
}

const proxy: ConformancePlace = {
  name: 'a faulty proxy',
  async open(router, { clock, client, server }) {
    const served = await serve(router, 'tcp://127.0.0.1:0', server)
    const opened = await faultyProxy({ target: served.url, clock, faults: { sliceBytes: 100 } })
    return {
      connection: connect(opened.url, client),
      stats: () => served.stats(),
      async close(options) {
        await served.close(options)
        await opened.close()
      },
    }
  },
}

describe.each([link, proxy])('$name', (place) => {
  for (const { title, skip, run } of conformance(place, { patienceMs: PATIENCE_MS / 2 }))
    it.skipIf(skip)(title, { timeout: PATIENCE_MS }, run)
})
