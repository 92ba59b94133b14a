#!/usr/bin/env node
/**
 * The program `nanowire`: its arguments and streams go to `run`, and its exit code comes from there. Invariant: it ends
 * when `run` has, whatever timers and sockets the user's module has left open, and not before its output is written.
 */
import { processIo } from './io.ts'
import { run } from './run.ts'

/** Node's exit code where the `await` of a module has not ended. */
const UNSETTLED = 13

let hasEnded = false
let hasWritten = true

/** Whoever read our output and has gone away is nothing that is wrong here. */
function failedToWrite({ code }: NodeJS.ErrnoException): boolean {
  if (code === 'EPIPE') return false
  hasWritten = false
  return true
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve()) // of a stream that has failed too
  })
}

/**
 * Without timers and sockets, a process ends in the middle of an `await`, and says nothing by itself. Only then `beforeExit`
 * comes first: a module that throws or exits has its own words and its own code.
 */
function nothingIsLeft(): void {
  process.once('exit', (exitCode) => {
    if (hasEnded) return
    process.stderr.write('error: nothing is left to wait for: does the module await what never comes?\n')
    if (exitCode === 0 || exitCode === UNSETTLED) process.exitCode = 1
  })
}

process.stderr.on('error', failedToWrite) // there is nowhere to say so
process.stdout.on('error', (error) => {
  if (failedToWrite(error)) process.stderr.write(`error: cannot write the output: ${error.message}\n`)
})
process.once('beforeExit', nothingIsLeft)
const exitCode = await run(process.argv.slice(2), processIo)
hasEnded = true
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(hasWritten ? exitCode : Math.max(exitCode, 1))
