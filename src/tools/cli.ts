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

process.stdout.on('error', ignoreBrokenPipe)
process.stderr.on('error', ignoreBrokenPipe)
const exitCode = await run(process.argv.slice(2), processIo)
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(exitCode)
