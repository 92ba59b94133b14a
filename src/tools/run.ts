/**
 * The command line, from arguments to an exit code: 0; 1 for an error answer or broken bytes; 2 for wrong use
 * (spec/cli.md). Invariant: what a user did wrong is said without a stack.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { type CallFlags, runCall } from './call.ts'
import { type DecodeFlags, runDecode } from './decode.ts'
import { isFailure, showFailure } from './failure.ts'
import type { Io } from './io.ts'
import { runServe, type ServeFlags } from './serve.ts'
import { readVersion } from './version.ts'
import { WrongUse } from './wrong-use.ts'

/** Runs one command, and returns the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const program = buildProgram(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    return explain(error, io, argv.includes('--json'))
  }
}

function explain(error: unknown, io: Io, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2 // commander has said why
  if (error instanceof WrongUse || (isFailure(error) && error.code === 'invalid_argument')) {
    io.err(`error: ${error.message}`)
    return 2
  }
  if (isFailure(error)) showFailure(error, io, json)
  else io.err(error instanceof Error ? (error.stack ?? String(error)) : String(error))
  return 1
}

function buildProgram(io: Io, ended: (exitCode: number) => void): Command {
  const program = new Command('nanowire')
    .description('Serve and call services by their contracts, and read what they say on the wire')
    .version(readVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .addHelpText('after', `\nExit codes: 0; 1 for an error answer, printed with its code; 2 for wrong use.`)

  program
    .command('serve')
    .description('serve the services that a module exports, until Ctrl-C')
    .argument('<module>', 'path, file URL or package that exports a service, several, or a router')
    .requiredOption('--at <address>', 'where to listen: tcp://host:port, with port 0 for any that is free')
    .option('--export <name>', 'which export to serve (default: the default export, the router, or all services)')
    .option('--drain-ms <ms>', 'how long calls in flight may take to end after Ctrl-C', wholeNumber(0), 5_000)
    .option('--json', 'say where it listens as one line of JSON')
    .action(async (module: string, flags: ServeFlags) => ended(await runServe(module, flags, io)))

  program
    .command('call')
    .description('call one method and print its reply as JSON')
    .argument('<address>', 'tcp://host:port')
    .argument('<module>', 'path, file URL or package that exports the contract, or a service with it')
    .argument('<method>', 'its full name: greeter/hello')
    .argument('[request]', 'the request as JSON, or - to read it from stdin')
    .option('--timeout-ms <ms>', 'end the call with deadline_exceeded after so long', wholeNumber(1))
    .option('--metadata <name=text>', 'metadata of the request; may be repeated', addMetadata)
    .option('--export <name>', 'which export has the contract, where several have one of that name')
    .option('--json', 'print the reply, or the error, as one line of JSON on stdout')
    .addHelpText(
      'after',
      `\nExample:\n  nanowire call tcp://127.0.0.1:7000 ./greeter.js greeter/hello '{"name":"Ada"}'`,
    )
    .action(async (address: string, module: string, method: string, request: string | undefined, flags: CallFlags) =>
      ended(await runCall(address, module, method, request, flags, io)),
    )

  program
    .command('decode')
    .description('name each field of each frame in bytes that were caught on the wire')
    .argument('<hex|file...>', 'hexadecimal, a file of bytes or of hexadecimal, or - for stdin')
    .option('--contract <module>', 'a module whose contracts name the methods')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  nanowire decode '00 00 08 0a 00 00000000 0102030405060708'`)
    .action(async (words: string[], flags: DecodeFlags) => ended(await runDecode(words, flags, io)))

  return program
}

function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value < 2 ** 31) return value
    throw new InvalidArgumentError(`It is a whole number of milliseconds from ${min} to 2147483647.`)
  }
}

function addMetadata(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as name=text.')
  return Object.fromEntries([...Object.entries(before), [text.slice(0, at), text.slice(at + 1)]])
}
