/** The command lines of scripts. */
import { describe, expect, it } from 'vitest'
import { namesOption, number, script, whole } from './command-line.ts'
import { used } from './used.ts'

const COLOURS = ['red', 'green', 'blue'] as const

const read = (...args: string[]) =>
  script('npm run thing --', 'Does a thing')
    .option('--many <count>', 'how many', whole(1, 9), 3)
    .option('--any <count>', 'how many', whole(0))
    .option('--share <number>', 'of it', number(0.5, 1))
    .addOption(namesOption('--colours <names>', 'which', COLOURS))
    .parse(args, { from: 'user' })
    .opts<Record<string, unknown>>()

it('gives what it is given, and what it usually is', () => {
  expect(read()).toEqual({ many: 3, colours: COLOURS })
  expect(read('--many', '9', '--any', '12345678', '--share=0.5', '--colours', 'blue, red')).toEqual({
    many: 9,
    any: 12_345_678,
    share: 0.5,
    colours: ['red', 'blue'],
  })
})

describe('wrong use', () => {
  it.each([
    [['--many', '10'], 'It is a whole number from 1 to 9.'],
    [['--many', '0'], 'It is a whole number from 1 to 9.'],
    [['--many', '1.5'], 'It is a whole number from 1 to 9.'],
    [['--any', '-1'], 'It is a whole number from 0.'],
    [['--any', '1e3'], 'It is a whole number from 0.'],
    [['--any', '99999999999999999'], 'It is a whole number from 0.'],
    [['--share', '0.4'], 'It is a number from 0.5 to 1.'],
    [['--share', ''], 'It is a number from 0.5 to 1.'],
    [['--share', 'NaN'], 'It is a number from 0.5 to 1.'],
    [['--colours', 'red,rad'], 'It does not know rad. It knows red, green, blue.'],
    [['--colour', 'red'], "unknown option '--colour'"],
    [['red'], 'too many arguments'],
  ])('as by %j ends with 2, and says what would be right', (args, message) => {
    const { said, exitCode } = used(() => read(...args))
    expect(said).toContain(message)
    expect(said).toContain('Usage: npm run thing -- [options]')
    expect(said).not.toContain('    at ')
    expect(exitCode).toBe(2)
  })
})

it('helps whoever asks for it, and ends with 0', () => {
  const { said, exitCode } = used(() => read('--help'))
  expect(said).toContain('how many (default: 3)')
  expect(said).toContain('which (default: red,green,blue)')
  expect(exitCode).toBe(0)
})
