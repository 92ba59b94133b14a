/** What the system says of sockets, in words for whoever typed the address (spec/errors.md). */
import { expect, it } from 'vitest'
import { explainSocketError } from '../../src/transport/errno.ts'

const PEER = 'here.example:7000'
const errorOf = (code: string | undefined) =>
  Object.assign(new Error(`connect ${code}`), code === undefined ? {} : { code })

it.each([
  ['ECONNREFUSED', `nothing listens at ${PEER}: is the server running, and is the port right?`],
  ['ECONNRESET', `${PEER} cut the connection`],
  ['EPIPE', `${PEER} has closed the connection`],
  ['ETIMEDOUT', `${PEER} does not answer`],
  ['EHOSTUNREACH', `there is no way to ${PEER}`],
  ['ENETUNREACH', `there is no network to ${PEER}`],
  ['ENOTFOUND', `no host of that name: ${PEER}`],
  ['EAI_AGAIN', `the name of ${PEER} could not be looked up just now`],
  ['EADDRINUSE', `${PEER} is in use: stop what listens there, or take another port (0 for any)`],
  ['EADDRNOTAVAIL', `${PEER} is no address of this machine`],
  ['EACCES', `listening at ${PEER} is not permitted; ports below 1024 often are not`],
  ['EMFILE', `too many open files, so no connection to ${PEER}`],
])('%s is said in words', (code, words) => {
  const cause = errorOf(code)
  expect(explainSocketError(cause, PEER)).toMatchObject({
    code: 'unavailable',
    processed: 'no',
    message: `${words} (${code})`,
    cause,
  })
})

it.each([
  ['ESTRANGE', `${PEER}: connect ESTRANGE (ESTRANGE)`],
  [undefined, `${PEER}: connect undefined`],
])('%s, of which nothing is known, is said as it came', (code, message) => {
  expect(explainSocketError(errorOf(code), PEER).message).toBe(message)
})
