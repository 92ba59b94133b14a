/** What a case of the suite did not find as it should be. */

export class Mismatch extends Error {
  readonly expected: string
  readonly came: string

  /** @param where a JSON pointer, or words, where only a part differs */
  constructor(what: string, expected: string, came: string, where = '') {
    super(`${what}: expected ${expected}, came ${came}${where === '' ? '' : ` (at ${where})`}`)
    this.expected = expected
    this.came = came
  }
}
Mismatch.prototype.name = 'Mismatch' // not within the class, which a bundler would then rename
