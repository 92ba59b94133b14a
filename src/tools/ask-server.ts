/**
 * What a server tells of its contracts, by its HELLO and the reflection contract (spec/cli.md, "describe"). Invariant: how
 * much is asked, read and kept is bounded, whatever the server says.
 */
import { type ContractDescription, Reflection, readDescription } from '../contract/index.ts'
import { NanowireError } from '../errors.ts'
import { type Connection, peerContracts } from '../rpc/index.ts'
import { isFailure } from './failure.ts'
import type { Io } from './io.ts'
import { listNearest } from './nearest.ts'
import { WrongUse } from './wrong-use.ts'

/** A contract as a server tells it. */
export interface ToldContract {
  readonly description: ContractDescription
  /** What its HELLO says, in hexadecimal. */
  readonly fingerprint: string
}

const NAME = /^[a-z][\w.-]{0,63}$/

/** So many are asked for at once. */
const BATCH = 8

/** All descriptions of a server together; one has at most `maxMessageBytes`. */
const MAX_BYTES = 64 * 1_024 * 1_024

export interface AskOptions {
  /** For all of it, connecting included. */
  readonly timeoutMs: number
  /** The address as the user wrote it. */
  readonly address: string
  /** The one contract to ask for. Default: all but the reflection contract itself. */
  readonly only?: string | undefined
}

/**
 * Asks the server of a connection for its contracts.
 * @throws NanowireError where it cannot be reached, does not tell, or tells what cannot be read
 * @throws WrongUse where it has not the one that is asked for
 */
export async function askServer(wire: Connection, options: AskOptions, io: Io): Promise<readonly ToldContract[]> {
  try {
    return await ask(wire, options, io)
  } catch (error) {
    if (!isFailure(error) || error.code !== 'invalid_argument' || wire.stats().bytesReceived === 0) throw error
    const message = `${options.address} refuses to tell of its contracts: ${error.message}`
    throw new NanowireError('failed_precondition', message, { processed: 'no' }) // the user is not at fault
  }
}

async function ask(wire: Connection, options: AskOptions, io: Io): Promise<readonly ToldContract[]> {
  const { address, only, timeoutMs } = options
  const endAt = io.now() + timeoutMs
  const told = await peerContracts(wire)
  if (!told) throw silent(address, 'says nothing of its contracts')
  const names = [...told.keys()].filter((name) => name !== Reflection.name)
  if (only !== undefined && !told.has(only)) throw unknownContract(address, only, names)
  if (!told.has(Reflection.name)) {
    throw silent(address, `has reflection turned off; its contracts are ${listNearest(names, only ?? '') || 'none'}`)
  }
  const { describe } = wire.client(Reflection)
  const asked = only === undefined ? names : [only]
  const contracts: ToldContract[] = []
  for (let at = 0; at < asked.length; at += BATCH) {
    const batch = asked.slice(at, at + BATCH).map(async (contract) => {
      if (!NAME.test(contract)) throw unreadable(address, contract.slice(0, 80), 'that is no name of a contract')
      const leftMs = Math.max(1, Math.ceil(endAt - io.now()))
      const answer = await describe({ contract }, { timeoutMs: leftMs })
      return { description: readAnswer(answer, contract, address), fingerprint: hexOf(told.get(contract)) }
    })
    contracts.push(...(await Promise.all(batch)))
    if (wire.stats().bytesReceived > MAX_BYTES) throw tooMuch(address)
  }
  return contracts
}

/** @throws NanowireError */
function readAnswer(answer: unknown, contract: string, address: string): ContractDescription {
  const description = readTold(answer, contract, address)
  if (description.name === contract) return description
  throw unreadable(address, contract, `it is of ${JSON.stringify(description.name)}`)
}

function readTold(answer: unknown, contract: string, address: string): ContractDescription {
  try {
    return readDescription(answer)
  } catch (error) {
    throw unreadable(address, contract, error instanceof Error ? error.message : String(error))
  }
}

/** Not `invalid_argument`, for it is not the user who is wrong. */
function unreadable(address: string, contract: string, why: string): NanowireError {
  return new NanowireError('data_loss', `what ${address} tells of ${JSON.stringify(contract)} is of no use: ${why}`)
}

function tooMuch(address: string): NanowireError {
  const message = `${address} tells more than ${MAX_BYTES} bytes of its contracts; name one of them`
  return new NanowireError('resource_exhausted', message)
}

function silent(address: string, what: string): NanowireError {
  const message = `${address} ${what}: pass the module that has its contracts, or serve with { reflection: true }`
  return new NanowireError('unimplemented', message, { processed: 'no' })
}

function unknownContract(address: string, name: string, names: readonly string[]): WrongUse {
  return new WrongUse(
    `${address} has no contract ${JSON.stringify(name)}; there is ${listNearest(names, name) || 'none'}`,
  )
}

function hexOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}
