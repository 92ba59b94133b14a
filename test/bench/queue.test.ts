/** The iterator that peers by hand put between what is pushed and what is taken. */
import { expect, it } from 'vitest'
import { Queue } from './shared/queue.ts'

function queueOf(most: number) {
  const told: string[] = []
  const source = {
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    cancel: () => told.push('cancel'),
  }
  return { queue: new Queue<number>(source, most), told }
}

it('gives what was pushed in its order, and what is pushed while it is waited for', async () => {
  const { queue } = queueOf(9)
  queue.push(1)
  queue.push(2)
  expect([await queue.next(), await queue.next()]).toEqual([
    { value: 1, done: false },
    { value: 2, done: false },
  ])
  const waited = queue.next()
  queue.push(3)
  expect(await waited).toEqual({ value: 3, done: false })
  const last = queue.next()
  queue.end()
  expect(await last).toEqual({ value: undefined, done: true })
  expect(await queue.next()).toEqual({ value: undefined, done: true })
})

it('gives what came before the end', async () => {
  const { queue } = queueOf(9)
  queue.push(1)
  queue.end()
  const taken = []
  for await (const item of queue) taken.push(item)
  expect(taken).toEqual([1])
})

it('pauses its source once when too many wait, and goes on when all are taken', async () => {
  const { queue, told } = queueOf(2)
  for (const item of [1, 2, 3, 4]) queue.push(item)
  expect(told).toEqual(['pause'])
  for (const _ of [1, 2, 3]) await queue.next()
  expect(told).toEqual(['pause'])
  await queue.next()
  expect(told).toEqual(['pause', 'resume'])
})

it('cancels its source when the consumer breaks, and lets it go on', async () => {
  const { queue, told } = queueOf(2)
  for (const item of [1, 2, 3]) queue.push(item)
  for await (const item of queue) if (item === 1) break
  expect(told).toEqual(['pause', 'cancel', 'resume'])
  expect(await queue.next()).toEqual({ value: undefined, done: true })
})
