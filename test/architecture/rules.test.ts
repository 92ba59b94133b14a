/** The rules themselves, on small sources that break them: a rule that cannot fail guards nothing. */
import { describe, expect, it } from 'vitest'
import {
  type Finding,
  findClockViolations,
  findCycles,
  findDoorViolations,
  findLayerViolations,
  findLongFiles,
  findUnreasoned,
} from './rules.ts'
import { readSource } from './source.ts'

const problems = (findings: readonly Finding[]) => findings.map(({ problem }) => problem)
const layers = (path: string, text: string) => problems(findLayerViolations([readSource(path, text)]))
const doors = (path: string, text: string) => problems(findDoorViolations([readSource(path, text)]))
const clocks = (path: string, text: string) => problems(findClockViolations([readSource(path, text)]))

describe('layers', () => {
  it.each([
    ['src/wire/a.ts', `import { b } from './b.ts'`],
    ['src/wire/a.ts', `import { contract } from '../contract/index.ts'`],
    ['src/wire/a.ts', `import { NanowireError } from '../errors.ts'`],
    ['src/index.ts', `const tcp = () => import('./transport/tcp.ts')`],
    ['src/codec.ts', `export * from './testing/index.ts'`],
    ['src/testing/a.ts', `import { connect } from '../index.ts'`],
  ])('lets %s say %s', (path, text) => expect(layers(path, text)).toEqual([]))

  it.each([
    ['src/wire/a.ts', `import { a } from '../rpc/index.ts'`, 'src/rpc/index.ts is in a higher chapter'],
    ['src/wire/a.ts', `import type { A } from '../rpc/index.ts'`, 'src/rpc/index.ts is in a higher chapter'],
    ['src/wire/a.ts', `export * from '../rpc/index.ts'`, 'src/rpc/index.ts is in a higher chapter'],
    ['src/wire/a.ts', `const a = await import('../rpc/index.ts')`, 'src/rpc/index.ts is in a higher chapter'],
    ['src/wire/a.ts', `let a: import('../rpc/index.ts').A`, 'src/rpc/index.ts is in a higher chapter'],
    ['src/errors.ts', `import { a } from './wire/index.ts'`, 'src/wire/index.ts is in a higher chapter'],
    ['src/index.ts', `import { a } from './testing/index.ts'`, 'src/testing/index.ts is in a higher chapter'],
    ['src/rpc/a.ts', `import { serve } from '../index.ts'`, 'src/index.ts is in a higher chapter'],
    ['src/rpc/a.ts', `import { a } from '../wire/a.ts'`, 'src/wire/a.ts is behind the door src/wire/index.ts'],
    ['src/tools/a.ts', `import { codec } from '../codec.ts'`, 'src/codec.ts is an entry: nothing imports it'],
    ['src/tools/a.ts', `import { a } from '../../test/a.ts'`, 'test/a.ts is outside src'],
    ['src/attic/a.ts', '', 'the folder attic is no chapter'],
  ])('stops %s from saying %s', (path, text, problem) => expect(layers(path, text)).toEqual([problem]))
})

describe('cycles', () => {
  const graph = (files: Record<string, string>) =>
    problems(findCycles(Object.entries(files).map(([path, text]) => readSource(path, text))))

  it('are found through any number of files, types included', () => {
    const files = {
      'src/wire/a.ts': `import './b.ts'`,
      'src/wire/b.ts': `export * from './c.ts'`,
      'src/wire/c.ts': `import type { A } from './a.ts'`,
    }
    expect(graph(files)).toEqual(['cycle: src/wire/a.ts → src/wire/b.ts → src/wire/c.ts → src/wire/a.ts'])
  })

  it('are not seen where two paths meet', () => {
    const files = { 'a.ts': `import './b.ts'; import './c.ts'`, 'b.ts': `import './d.ts'`, 'c.ts': `import './d.ts'` }
    expect(graph({ ...files, 'd.ts': '' })).toEqual([])
  })
})

describe('doors', () => {
  it.each([
    ['src/contract/a.ts', `import Type from 'typebox'`],
    ['src/rpc/a.ts', `import type { TSchema } from 'typebox'`],
    ['src/rpc/a.ts', `import { type TSchema } from 'typebox'`],
    ['src/testing/a.ts', `import { Check } from 'typebox/schema'`],
    ['src/wire/msgpack.ts', `import { Packr } from 'msgpackr'`],
    ['src/transport/tcp.ts', `import { connect } from 'node:net'`],
    ['src/transport/a.ts', `import type { Socket } from 'node:net'`],
    ['src/transport/thread.ts', `import { Worker } from 'node:worker_threads'`],
    ['src/tools/cli.ts', `import { Command } from 'commander'`],
    ['src/tools/cli.ts', 'const module = await import(url)'],
  ])('let %s say %s', (path, text) => expect(doors(path, text)).toEqual([]))

  it.each([
    ['src/wire/a.ts', `import Type from 'typebox'`, 'typebox is imported only in src/contract/, src/testing/'],
    ['src/wire/a.ts', `import 'typebox/schema'`, 'typebox/schema is imported only in src/contract/, src/testing/'],
    ['src/wire/a.ts', `import { type A, b } from 'typebox'`, 'typebox is imported only in src/contract/, src/testing/'],
    ['src/wire/a.ts', `import { Packr } from 'msgpackr'`, 'msgpackr is imported only in src/wire/msgpack.ts'],
    [
      'src/transport/a.ts',
      `import { Socket } from 'node:net'`,
      'node:net is imported only in src/transport/tcp.ts, src/testing/faulty/sockets.ts',
    ],
    ['src/transport/a.ts', `await import('node:tls')`, 'node:tls is imported only in src/transport/tls.ts'],
    ['src/rpc/a.ts', `import 'node:fs'`, 'node:fs is imported only in src/transport/, src/place/, src/tools/'],
    ['src/transport/a.ts', `import 'node:timers'`, 'node:timers is imported only in src/session/clock.ts, src/tools/'],
    [
      'src/transport/a.ts',
      `import 'node:diagnostics_channel'`,
      'node:diagnostics_channel is imported only in src/rpc/diagnostics.ts',
    ],
    [
      'src/rpc/a.ts',
      `globalThis.process?.getBuiltinModule?.('node:fs')`,
      'process.getBuiltinModule is called only in src/rpc/diagnostics.ts',
    ],
    ['src/rpc/a.ts', `import fc from 'fast-check'`, 'fast-check is imported only in src/testing/'],
    ['src/rpc/a.ts', `import _ from 'lodash'`, 'lodash has no door'],
    ['src/rpc/a.ts', 'await import(url)', 'import(url) has no door'],
  ])('stop %s from saying %s', (path, text, problem) => expect(doors(path, text)).toEqual([problem]))
})

describe('the clock', () => {
  it.each([
    ['src/session/clock.ts', 'setTimeout(run, Date.now())'],
    ['src/tools/bench.ts', 'performance.now()'],
    ['src/wire/a.ts', 'clock.setTimeout(run); const { setTimeout: after } = clock'],
    ['src/wire/a.ts', 'new Date(ms); value instanceof Date'],
    ['src/wire/a.ts', 'let timer: ReturnType<typeof setTimeout>'],
  ])('lets %s say %s', (path, text) => expect(clocks(path, text)).toEqual([]))

  it.each([
    ['setTimeout(run, 1)', 'setTimeout'],
    ['globalThis.setTimeout(run, 1)', 'setTimeout'],
    ['const later = queueMicrotask', 'queueMicrotask'],
    ['({ setImmediate })', 'setImmediate'],
    ['Date.now()', 'Date.now'],
    ['new Date()', 'new Date'],
    ['performance.now()', 'performance.now'],
    ['Math.random()', 'Math.random'],
    ['globalThis.crypto.getRandomValues(bytes)', 'crypto.getRandomValues'],
    ['process.hrtime.bigint()', 'process.hrtime'],
    ['AbortSignal.timeout(1)', 'AbortSignal.timeout'],
  ])('stops others from saying %s', (text, name) =>
    expect(clocks('src/wire/a.ts', text)).toEqual([`${name} belongs to the Clock (src/session/clock.ts)`]),
  )
})

describe('length', () => {
  const source = (lines: number) => readSource('src/wire/a.ts', 'a\n'.repeat(lines))

  it('ends at 300 lines', () => {
    expect(findLongFiles([source(300)], {})).toEqual([])
    expect(problems(findLongFiles([source(301)], {}))).toEqual(['301 lines, more than 300'])
  })

  it('may be exceeded for a reason, while it is needed', () => {
    const reasons = { 'src/wire/a.ts': 'hot' }
    expect(findLongFiles([source(301)], reasons)).toEqual([])
    expect(problems(findLongFiles([source(300)], reasons))).toEqual(['listed as long, but it is not'])
  })
})

describe('reasons', () => {
  const unreasoned = (text: string) => problems(findUnreasoned([readSource('src/wire/a.ts', text)]))

  it.each([
    ['const a = b as Cat // the caller checked it'],
    ['const a = b /* checked */ as Cat'],
    ['// checked above\nconst a = b!'],
    ['const a = [1, 2] as const'],
    ['const a = b satisfies Cat'],
    ['import { a as b } from "./b.ts"'],
  ])('are seen, or not needed, in %j', (text) => expect(unreasoned(text)).toEqual([]))

  it.each([
    ['const a = b as Cat', 'as Cat'],
    ['/** What a is. */\nconst a = b as Cat', 'as Cat'],
    ['// about the other\nconst z = 1\nconst a = b as Cat', 'as Cat'],
    ['const a = b!', 'b!'],
    ['const a = <Cat>b', '<Cat>'],
    ['let a: any', 'any'],
    ['class A { b!: string }', 'b!:'],
  ])('are missed in %j', (text, cast) =>
    expect(unreasoned(text)).toEqual([`${cast} has no reason in a comment on its line`]),
  )
})

it('every finding names its line', () => {
  const source = readSource('src/wire/a.ts', `\n\nimport '../rpc/index.ts'\nMath.random()`)
  expect(findLayerViolations([source])).toMatchObject([{ path: 'src/wire/a.ts', line: 3 }])
  expect(findClockViolations([source])).toMatchObject([{ path: 'src/wire/a.ts', line: 4 }])
})
