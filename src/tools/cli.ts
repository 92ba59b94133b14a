#!/usr/bin/env node
/**
 * The program `nanowire`: its arguments and streams go to `run`, and its exit code comes from there. Invariant: it ends
 * when `run` has, whatever timers and sockets the user's module has left open, and not before its output is written.
 */
import { processIo } from './io.ts'
import { run } from './run.ts'

/** Whoever read our output has gone away: nothing that is wrong here. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

/** Without timers and sockets, a process ends in the middle of an `await`, and says nothing by itself. */
function endedEarly(): void {
  process.stderr.write('error: nothing is left to wait for: does the module await what never comes?\n')
  process.exitCode = 1
}

process.stdout.on('error', ignoreBrokenPipe)
process.stderr.on('error', ignoreBrokenPipe)
process.once('exit', endedEarly)
const exitCode = await run(process.argv.slice(2), processIo)
process.off('exit', endedEarly)
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(exitCode)
