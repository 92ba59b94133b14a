/** The command was used wrongly: a message for whoever typed it, no stack, exit code 2. */
export class WrongUse extends Error {
  static {
    WrongUse.prototype.name = 'WrongUse'
  }
}
