/**
 * The command line, from arguments to an exit code: 0; 1 for an error answer or broken bytes; 2 for wrong use
 * (spec/cli.md). Each command is loaded when it is asked for. Invariant: what a user did wrong is said without a stack.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { CallFlags } from './call.ts'
import { addConnectFlags, addServeFlags } from './connect-flags.ts'
import type { DecodeFlags } from './decode.ts'
import type { DescribeFlags } from './describe.ts'
import type { DiffFlags } from './diff.ts'
import { isFailure, showFailure } from './failure.ts'
import type { Io } from './io.ts'
import { escapeControls } from './print.ts'
import type { ServeFlags } from './serve.ts'
import type { UpFlags } from './up.ts'
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
    io.err(escapeControls(`error: ${error.message}`))
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
    .addHelpText(
      'after',
      `\nExit codes: 0; 1 for an error answer, printed with its code, and for --fail-on; 2 for wrong use.`,
    )

  const serve = program
    .command('serve')
    .description('serve the services that a module exports, until Ctrl-C')
    .argument('<module>', 'path, file URL or package that exports a service, several, or a router')
    .requiredOption('--at <address>', 'where to listen: tcp://host:port (port 0: any that is free) or unix:/path')
    .option('--export <name>', 'which export to serve (default: the default export, the router, or all services)')
    .option('--drain-ms <ms>', 'how long calls in flight may take to end after Ctrl-C', wholeNumber(0), 5_000)
    .option('--json', 'say where it listens as one line of JSON')
  addServeFlags(serve).action(async (module: string, flags: ServeFlags) => {
    const { runServe } = await import('./serve.ts')
    ended(await runServe(module, flags, io))
  })

  const up = program
    .command('up')
    .description('run the app that a module exports, or some of its services at an address, until Ctrl-C')
    .argument('<module>', 'path, file URL or package that exports an app, as app([…]) makes it')
    .option('--only <names>', 'the services to serve, by the names of their contracts: users,orders')
    .option('--at <address>', 'where to serve them: tcp://host:port (port 0: any that is free) or unix:/path')
    .option('--export <name>', 'which export is the app (default: the default export, or the one app)')
    .option('--drain-ms <ms>', 'how long calls in flight may take to end after Ctrl-C', wholeNumber(0), 5_000)
    .option('--json', 'say what runs where as one line of JSON')
  addServeFlags(up).action(async (module: string, flags: UpFlags) => {
    const { runUp } = await import('./up.ts')
    ended(await runUp(module, flags, io))
  })

  const call = program
    .command('call')
    .description('call one method and print its reply, or each item that it answers with, as JSON')
    .argument('<address>', 'tcp://host:port or unix:/path')
    .argument(
      '<words...>',
      '[module] <method> [request]: the module that exports the contract (without it, the server is asked), the full name of ' +
        'the method (greeter/hello), and the request as JSON, or - to read it from stdin',
    )
    .usage('[options] <address> [module] <method> [request]')
    .option('--timeout-ms <ms>', 'end the call with deadline_exceeded after so long', wholeNumber(1))
    .option('--metadata <name=text>', 'metadata of the request; may be repeated', addMetadata)
    .option('--items <file>', 'of a method that takes items: a file with one as JSON in each line (default: stdin)')
    .option('--count <n>', 'of a method that answers with items: leave it after so many', count)
    .option('--export <name>', 'which export has the contract, where several have one of that name')
    .option('--json', 'print the reply, each item, or the error, as one line of JSON on stdout')
    .addHelpText('after', `\nExample:\n  nanowire call tcp://127.0.0.1:7000 greeter/hello '{"name":"Ada"}'`)
  addConnectFlags(call).action(async (address: string, words: string[], flags: CallFlags) => {
    const { runCall } = await import('./call.ts')
    ended(await runCall(address, words, flags, io))
  })

  const describe = program
    .command('describe')
    .description('show the contracts of a server, a module or a saved file')
    .argument('<source>', SOURCE)
    .argument('[contract]', 'the name of one of its contracts (default: all)')
    .option('--save <file.json>', 'write them to a file too, for nanowire diff')
    .option('--timeout-ms <ms>', 'how long a server may take to tell', wholeNumber(1), 10_000)
    .option('--json', 'print them as one line of JSON, in the form of a saved file')
  addConnectFlags(describe).action(async (word: string, contract: string | undefined, flags: DescribeFlags) => {
    const { runDescribe } = await import('./describe.ts')
    ended(await runDescribe(word, contract, flags, io))
  })

  const diff = program
    .command('diff')
    .description('say which methods of two versions get on with each other, in both directions')
    .argument('<old>', SOURCE)
    .argument('<new>', 'likewise')
    .addOption(
      new Option('--fail-on <what>', 'end with 1 where something is breaking, or differs at all').choices([
        'breaking',
        'any',
      ]),
    )
    .option('--timeout-ms <ms>', 'how long a server may take to tell', wholeNumber(1), 10_000)
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  nanowire diff shop.json ./shop.js --fail-on breaking`)
  addConnectFlags(diff).action(async (before: string, after: string, flags: DiffFlags) => {
    const { runDiff } = await import('./diff.ts')
    ended(await runDiff(before, after, flags, io))
  })

  program
    .command('decode')
    .description('name each field of each frame in bytes that were caught on the wire')
    .argument('<hex|file...>', 'hexadecimal, a file of bytes or of hexadecimal, or - for stdin')
    .option('--contract <module>', 'a module whose contracts name the methods')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  nanowire decode '00 00 08 0a 00 00000000 0102030405060708'`)
    .action(async (words: string[], flags: DecodeFlags) => {
      const { runDecode } = await import('./decode.ts')
      ended(await runDecode(words, flags, io))
    })

  return program
}

const SOURCE = 'an address, a module (./shop.js, ./shop.js#Export), or what --save has written (*.json, - for stdin)'

function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value < 2 ** 31) return value
    throw new InvalidArgumentError(`It is a whole number of milliseconds from ${min} to 2147483647.`)
  }
}

function count(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value < 2 ** 31) return value
  throw new InvalidArgumentError('It is a whole number from 1 to 2147483647.')
}

function addMetadata(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as name=text.')
  return Object.fromEntries([...Object.entries(before), [text.slice(0, at), text.slice(at + 1)]])
}
