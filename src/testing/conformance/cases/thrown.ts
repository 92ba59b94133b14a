/** What a handler may throw, and only its log may tell. */
import { NanowireError } from '../../../errors.ts'

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error whose properties cannot be read. */
function trapped(): Error {
  const trap = () => {
    throw new Error('a trap')
  }
  return Object.defineProperties(new NanowireError('aborted', 'x'), { code: { get: trap }, message: { get: trap } })
}

function withCycle(): Error {
  const error = new Error('secret', { cause: {} })
  error.cause = error
  return error
}

export const thrown: Readonly<Record<string, () => unknown>> = {
  'an Error': () => new Error('secret'),
  'an Error that is its own cause': withCycle,
  'a string': () => 'secret',
  null: () => null,
  undefined: () => undefined,
  'a number': () => 42,
  'a symbol': () => Symbol('secret'),
  'a function': () => () => 'secret',
  'a frozen object': () => Object.freeze({ message: 'secret', code: 'aborted' }),
  'an object without a prototype': () => Object.assign(Object.create(null), { message: 'secret' }),
  'a revoked Proxy': revoked,
  'an error whose properties throw': trapped,
  'a promise': () => Promise.resolve('secret'),
  'an object with then': () => JSON.parse('{"then":1}'),
  'an undeclared error': () => new NanowireError('Forbidden', 'secret', { data: 'secret' }),
  'an error with no code at all': () => new NanowireError('', 'secret'),
  'an error of code toString': () => new NanowireError('toString', 'secret'),
  'an error whose code is no text': () => new NanowireError(['aborted'] as never, 'secret'), // as a program without types may
  'a declared error with data that do not fit': () => new NanowireError('Banned', 'x', { data: { until: 12345 } }),
  'a declared error without its data': () => new NanowireError('Banned', 'x'),
}
