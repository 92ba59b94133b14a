/** What the tests of this folder are about. */
export { compiledOf, UNDECIDED } from '../../../src/wire/compiled/index.ts'

/** The suite also runs without the compiled path; what is said of it alone is not asked then. */
export const isOn = process.env['NANOWIRE_CODEC'] !== 'reference'
