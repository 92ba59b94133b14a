/**
 * The command lines of scripts, by commander. Invariant: whoever uses one wrongly is told what is wrong and what would be right, without
 * a stack, and the exit code is 2.
 */
import { Command, InvalidArgumentError, Option } from 'commander'

/**
 * A script, to which its arguments and options are added.
 * @param name how it is called: `npm run soak --`
 */
export function script(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}

/** What an argument or an option takes: a number of this range. */
export function number(least: number, most = Number.POSITIVE_INFINITY) {
  return (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a number ${range(least, most)}.`)
  }
}

/** The same, without fractions. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\s*\d+\s*$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a whole number ${range(least, most)}.`)
  }
}

const range = (least: number, most: number) =>
  most >= Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`

/** An option that takes some of these names, with commas between them, and has all without it; in their usual order. */
export function namesOption<T extends string>(flags: string, description: string, known: readonly T[]): Option {
  const read = (text: string): readonly T[] => {
    const names = text.split(',').map((name) => name.trim())
    const unknown = names.filter((name) => !known.some((one) => one === name))
    if (unknown.length === 0) return known.filter((one) => names.includes(one))
    throw new InvalidArgumentError(`It does not know ${unknown.join(', ')}. It knows ${known.join(', ')}.`)
  }
  return new Option(flags, description).argParser(read).default(known, known.join(','))
}
