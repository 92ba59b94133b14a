/** What a case of the suite did not find as it should be. */

export class Mismatch extends Error {
  static {
    Mismatch.prototype.name = 'Mismatch'
  }
  readonly expected: string
  readonly came: string

  /** @param where a JSON pointer, or words, where only a part differs */
  constructor(what: string, expected: string, came: string, where = '') {
    super(`${what}: expected ${expected}, came ${came}${where === '' ? '' : ` (at ${where})`}`)
    this.expected = expected
    this.came = came
  }
}
