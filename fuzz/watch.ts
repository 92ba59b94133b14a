/**
 * A target under watch: how long each input takes and how much memory it asks for. What seems too much is tried again, so that
 * a collection of garbage or a busy machine is no finding. Invariant: an input that is slow or greedy every time throws a Fault.
 */
import { writeFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { Fault, type Target } from './target.ts'
import { isTargetName, loadTarget } from './targets/index.ts'

const MIB = 1_048_576
/** Of one input, for each MiB of it or part of one, counters and oracles included; `npm run fuzz -- time` has it without them. */
const MAX_MS_PER_MIB = 250
/** Of one input: what it may allocate at most, whatever its length, beside so many bytes for each of its own. */
const FREE_BYTES = 32 * MIB
const BYTES_PER_BYTE = 4_096
const TRIES = 4
const MS_BETWEEN_WORDS = 1_000

/** What a run has seen, written as JSON for whoever started it. */
export interface Watched {
  inputs: number
  /** Of this process, its start included. */
  cpuSeconds: number
  /** Of one input, instrumented, the fastest of five tries. */
  slowestMs: number
}

/** @throws Error for a name that is no target's */
export async function judgeFor(name: string): Promise<(input: Buffer) => void> {
  if (!isTargetName(name)) throw new Error(`there is no target ${JSON.stringify(name)}`)
  const target = await loadTarget(name)
  Error.stackTraceLimit = 0 // most inputs are refused, and a trace costs more than all the rest
  const watched = nothingWatched()
  const path = process.env['NANOWIRE_FUZZ_SAYS']
  const say = () => sayTo(path, watched)
  process.on('exit', say)
  let nextWordAt = 0
  return (input) => {
    // The fuzzer may end the process by itself, so a last word is not enough.
    if (performance.now() > nextWordAt) {
      say()
      nextWordAt = performance.now() + MS_BETWEEN_WORDS
    }
    try {
      judgeWatched(target, input, watched)
    } catch (error) {
      throw withTrace(target, input, error)
    }
  }
}

export function nothingWatched(): Watched {
  return { inputs: 0, cpuSeconds: 0, slowestMs: 0 }
}

/** Writes what was seen so far, for whoever looks into that file. */
export function sayTo(path: string | undefined, watched: Watched): void {
  const { user, system } = process.cpuUsage()
  watched.cpuSeconds = (user + system) / 1e6
  if (path !== undefined) writeFileSync(path, JSON.stringify(watched))
}

/** The same error with a trace, where it comes again. */
function withTrace(target: Target, input: Buffer, first: unknown): unknown {
  Error.stackTraceLimit = 50
  try {
    target.judge(input)
    return first
  } catch (error) {
    return error
  }
}

export function judgeWatched(target: Target, input: Buffer, watched: Watched): void {
  const { ms, bytes } = measure(target, input)
  watched.inputs++
  judgeTime(target, input, ms, watched)
  judgeMemory(target, input, bytes)
}

function judgeTime(target: Target, input: Buffer, ms: number, watched: Watched): void {
  const allowedMs = MAX_MS_PER_MIB * Math.max(1, input.length / MIB)
  if (ms <= watched.slowestMs && ms <= allowedMs) return
  let leastMs = ms
  for (let tries = 0; tries < TRIES; tries++) leastMs = Math.min(leastMs, processorMs(target, input))
  watched.slowestMs = Math.max(watched.slowestMs, leastMs)
  if (leastMs > allowedMs) throw new Fault(`${input.length} bytes take ${Math.round(leastMs)} ms every time`)
}

/** What other processes take meanwhile is not counted. */
function processorMs(target: Target, input: Buffer): number {
  const before = process.cpuUsage()
  target.judge(input)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

function judgeMemory(target: Target, input: Buffer, bytes: number): void {
  const allowed = FREE_BYTES + BYTES_PER_BYTE * input.length
  if (bytes <= allowed) return
  let least = bytes
  for (let tries = 1; tries < TRIES; tries++) least = Math.min(least, measure(target, input).bytes)
  if (least > allowed) throw new Fault(`${input.length} bytes make ${least} bytes of garbage every time`)
}

/** A collection meanwhile makes `bytes` less, never more. */
function measure(target: Target, input: Buffer): { readonly ms: number; readonly bytes: number } {
  const before = getHeapStatistics()
  const start = performance.now()
  target.judge(input)
  const ms = performance.now() - start
  for (const name in {}) throw new Fault(`every object has ${name} now`)
  const after = getHeapStatistics()
  const bytes = after.used_heap_size - before.used_heap_size + after.external_memory - before.external_memory
  return { ms, bytes }
}
